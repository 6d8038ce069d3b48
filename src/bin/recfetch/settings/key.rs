//! The words of the settings file: which keys there are, and what each wants.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A value and where it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sourced<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it was said.
    pub(crate) from: Origin,
}

/// Where a value was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// On the command line.
    Flag(&'static str),
    /// In the environment.
    Env(&'static str),
    /// In the settings file.
    File {
        /// The file.
        path: Arc<Path>,
        /// The line, counted from 1.
        line: usize,
    },
    /// In a saved answer, callback or `storageConfig` of Agora's.
    Saved(Arc<str>),
    /// Nowhere.
    Default,
}

impl<T> Sourced<T> {
    pub(crate) fn flag(name: &'static str, value: T) -> Self {
        Self { value, from: Origin::Flag(name) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Env(name) => write!(f, "env {name}"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Saved(file) => f.write_str(file),
            Self::Default => f.write_str("default"),
        }
    }
}

/// What a key of the settings file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string.
    Text,
    /// A string or an integer: Agora's numbers, rates, durations.
    Word,
    /// An integer.
    Number,
    /// A string or a list of strings.
    List,
    /// `true` or `false`.
    Switch,
}

impl Kind {
    /// What is wanted, for people.
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Word => "a string or an integer",
            Self::Number => "an integer",
            Self::List => "a string or a list of strings",
            Self::Switch => "true or false",
        }
    }
}

/// A key of `[defaults]`, a flag and a variable: the settings that are not about one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Setting {
    Store,
    Out,
    Jobs,
    LimitRate,
    Retries,
    Patience,
    ConnectTimeout,
    StallTimeout,
    TrustMtime,
    Proxy,
    Progress,
}

impl Setting {
    pub(crate) const ALL: [Self; 11] = [
        Self::Store,
        Self::Out,
        Self::Jobs,
        Self::LimitRate,
        Self::Retries,
        Self::Patience,
        Self::ConnectTimeout,
        Self::StallTimeout,
        Self::TrustMtime,
        Self::Proxy,
        Self::Progress,
    ];

    /// The key in the settings file.
    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    /// The environment variable.
    pub(crate) fn variable(self) -> &'static str {
        self.row().1
    }

    /// The flag.
    pub(crate) fn flag(self) -> &'static str {
        self.row().2
    }

    pub(crate) fn kind(self) -> Kind {
        self.row().3
    }

    /// What holds where nothing is said.
    pub(crate) fn default_text(self) -> &'static str {
        self.row().4
    }

    fn row(self) -> (&'static str, &'static str, &'static str, Kind, &'static str) {
        match self {
            Self::Store => ("store", "RECFETCH_STORE", "--store", Kind::List, ""),
            Self::Out => ("out", "RECFETCH_OUT", "--out", Kind::Text, "."),
            Self::Jobs => ("jobs", "RECFETCH_JOBS", "--jobs", Kind::Number, "64"),
            Self::LimitRate => ("limit_rate", "RECFETCH_LIMIT_RATE", "--limit-rate", Kind::Word, "none"),
            Self::Retries => ("retries", "RECFETCH_RETRIES", "--retries", Kind::Number, "8"),
            Self::Patience => ("patience", "RECFETCH_PATIENCE", "--patience", Kind::Word, "5m"),
            Self::ConnectTimeout => {
                ("connect_timeout", "RECFETCH_CONNECT_TIMEOUT", "--connect-timeout", Kind::Word, "10s")
            }
            Self::StallTimeout => {
                ("stall_timeout", "RECFETCH_STALL_TIMEOUT", "--stall-timeout", Kind::Word, "30s")
            }
            Self::TrustMtime => {
                ("trust_mtime", "RECFETCH_TRUST_MTIME", "--trust-mtime", Kind::Switch, "false")
            }
            Self::Proxy => ("proxy", "RECFETCH_PROXY", "--proxy", Kind::Text, "system"),
            Self::Progress => ("progress", "RECFETCH_PROGRESS", "--progress", Kind::Text, "auto"),
        }
    }
}

/// A key of `[store.NAME]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StoreKey {
    Vendor,
    Region,
    Unconfirmed,
    Bucket,
    S3Bucket,
    Prefix,
    Endpoint,
    PathStyle,
    Cname,
    Interface,
    Signature,
    Network,
    Domain,
    Url,
    Path,
    Anonymous,
    Profile,
    AccessKeyEnv,
    SecretKeyEnv,
    SessionTokenEnv,
    CredentialCommand,
    Fallback,
}

impl StoreKey {
    pub(crate) const ALL: [Self; 22] = [
        Self::Vendor,
        Self::Region,
        Self::Unconfirmed,
        Self::Bucket,
        Self::S3Bucket,
        Self::Prefix,
        Self::Endpoint,
        Self::PathStyle,
        Self::Cname,
        Self::Interface,
        Self::Signature,
        Self::Network,
        Self::Domain,
        Self::Url,
        Self::Path,
        Self::Anonymous,
        Self::Profile,
        Self::AccessKeyEnv,
        Self::SecretKeyEnv,
        Self::SessionTokenEnv,
        Self::CredentialCommand,
        Self::Fallback,
    ];

    /// The key in the settings file.
    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    pub(crate) fn kind(self) -> Kind {
        self.row().1
    }

    fn row(self) -> (&'static str, Kind) {
        match self {
            Self::Vendor => ("vendor", Kind::Word),
            Self::Region => ("region", Kind::Word),
            Self::Unconfirmed => ("unconfirmed", Kind::Switch),
            Self::Bucket => ("bucket", Kind::Text),
            Self::S3Bucket => ("s3_bucket", Kind::Text),
            Self::Prefix => ("prefix", Kind::List),
            Self::Endpoint => ("endpoint", Kind::Text),
            Self::PathStyle => ("path_style", Kind::Switch),
            Self::Cname => ("cname", Kind::Switch),
            Self::Interface => ("interface", Kind::Text),
            Self::Signature => ("signature", Kind::Text),
            Self::Network => ("network", Kind::Text),
            Self::Domain => ("domain", Kind::List),
            Self::Url => ("url", Kind::Text),
            Self::Path => ("path", Kind::Text),
            Self::Anonymous => ("anonymous", Kind::Switch),
            Self::Profile => ("profile", Kind::Text),
            Self::AccessKeyEnv => ("access_key_env", Kind::Text),
            Self::SecretKeyEnv => ("secret_key_env", Kind::Text),
            Self::SessionTokenEnv => ("session_token_env", Kind::Text),
            Self::CredentialCommand => ("credential_command", Kind::Text),
            Self::Fallback => ("fallback", Kind::List),
        }
    }
}

/// The known word that an unknown one was likely meant to be: few letters differ, one in three at most.
pub(crate) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer texts are no misspelt words, and comparing takes time by the product of the lengths.
    if text.len() > 64 {
        return None;
    }
    let folded = text.to_lowercase().replace('-', "_");
    let most = (folded.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&folded, &word.to_lowercase().replace('-', "_")), word))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_variable_in_the_documented_list() {
        let documented = crate::settings::env::VARIABLES;
        for setting in Setting::ALL {
            assert!(documented.iter().any(|(name, _)| *name == setting.variable()), "{setting:?}");
            assert!(setting.variable().ends_with(&setting.name().to_uppercase()), "{setting:?}");
            assert_eq!(setting.flag(), format!("--{}", setting.name().replace('_', "-")));
        }
        let settings = Setting::ALL.map(Setting::variable);
        let others = documented.iter().map(|(name, _)| *name);
        let others = others.filter(|name| name.starts_with("RECFETCH_") && !settings.contains(name));
        let mut others: Vec<_> = others.collect();
        others.sort_unstable();
        let queue =
            ["RECFETCH_QUEUE", "RECFETCH_QUEUE_PASSWORD", "RECFETCH_QUEUE_TOKEN", "RECFETCH_QUEUE_USER"];
        assert_eq!(others, [&["RECFETCH_CONFIG"], &queue[..], &["RECFETCH_SHARDS"]].concat());
    }

    #[test]
    fn a_typo_is_near_and_a_stranger_is_not() {
        let known = || StoreKey::ALL.map(StoreKey::name);
        for (text, expected) in [
            ("buckt", Some("bucket")),
            ("Path-Style", Some("path_style")),
            ("fallbacks", Some("fallback")),
            ("acess_key_env", Some("access_key_env")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, known()), expected, "{text}");
        }
    }
}
