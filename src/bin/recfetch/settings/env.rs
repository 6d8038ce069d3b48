//! The environment, read once. Nothing else in this program asks for a variable.

use std::collections::HashMap;
use std::ffi::OsString;

/// The variables that stand for settings, with what they are for. One list for reading, help and man page.
pub(crate) const VARIABLES: &[(&str, &str)] = &[
    ("RECFETCH_CONFIG", "The settings file, as --config."),
    ("RECFETCH_STORE", "Names of stores, separated by commas, as --store."),
    ("RECFETCH_OUT", "The folder that gets the bags, as --out."),
    ("RECFETCH_JOBS", "Most objects at once, as --jobs."),
    ("RECFETCH_LIMIT_RATE", "Most bytes per second, as --limit-rate."),
    ("RECFETCH_RETRIES", "Tries after the first one, as --retries."),
    ("RECFETCH_PATIENCE", "Longest time for all tries of one object, as --patience."),
    ("RECFETCH_CONNECT_TIMEOUT", "Longest time for a connection, as --connect-timeout."),
    ("RECFETCH_STALL_TIMEOUT", "Longest time without a byte, as --stall-timeout."),
    ("RECFETCH_TRUST_MTIME", "true or false, as --trust-mtime."),
    ("RECFETCH_PROXY", "system or none, as --proxy."),
    ("RECFETCH_SHARDS", "How many shares a batch has, as --shards."),
    ("RECFETCH_QUEUE", "The servers of a fleet's queue, as --queue."),
    ("RECFETCH_QUEUE_USER", "The user at the queue, where its URL names none."),
    ("RECFETCH_QUEUE_PASSWORD", "The password of that user."),
    ("RECFETCH_QUEUE_TOKEN", "The token for the queue, where it asks for one."),
    ("RECFETCH_PROGRESS", "How progress is shown, as --progress."),
    ("AGORA_CALLBACK_SECRET", "The secret of callbacks, for --callback-signature."),
    ("AGORA_APP_ID", "The App ID, for locate --query."),
    ("AGORA_CUSTOMER_ID", "The customer ID of Agora's REST interface, for locate --query."),
    ("AGORA_CUSTOMER_SECRET", "The customer secret of Agora's REST interface, for locate --query."),
    ("AGORA_API", "Other hosts of Agora's REST interface: URLs, separated by commas, asked in this order."),
];

/// A snapshot of the environment.
#[derive(Clone, Default)]
pub(crate) struct Environment(HashMap<OsString, OsString>);

/// A variable whose value is not UTF-8.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {name} is not UTF-8")]
pub(crate) struct NotUtf8 {
    name: String,
}

impl Environment {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// The value of a variable; an empty one counts as not set.
    ///
    /// # Errors
    /// Where the value is not UTF-8.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, NotUtf8> {
        let Some(value) = self.0.get(std::ffi::OsStr::new(name)) else { return Ok(None) };
        let value = value.to_str().ok_or_else(|| NotUtf8 { name: name.to_owned() })?;
        Ok((!value.is_empty()).then_some(value))
    }

    /// Whether a variable has a value, whatever it is.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.0.get(std::ffi::OsStr::new(name)).is_some_and(|value| !value.is_empty())
    }

    /// Whether the terminal cannot move its cursor.
    pub(crate) fn has_dumb_terminal(&self) -> bool {
        self.0.get(std::ffi::OsStr::new("TERM")).is_some_and(|term| term == "dumb")
    }
}

impl std::fmt::Debug for Environment {
    /// Without values: any of them may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
impl From<&[(&str, &str)]> for Environment {
    fn from(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
