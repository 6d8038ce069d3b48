//! Who asks Kodo: nobody, a pair of keys, or what a program of the user's prints.

use super::super::connect::Credentials;
use super::super::{Error, Operation};
use super::sign::Keys;
use crate::domain::place::{Denial, Obstacle, SourceName};

pub(super) enum Who {
    Nobody,
    Keys(Keys),
    #[cfg(feature = "s3")]
    Command(command::Command),
}

impl Who {
    pub(super) fn new(name: &SourceName, credentials: &Credentials) -> Result<Self, Error> {
        let fail = |obstacle, words: &str| {
            Err(Error::new(obstacle, Operation::Sign, name, "").with_answer(words.to_owned()))
        };
        match credentials {
            Credentials::Anonymous => Ok(Self::Nobody),
            Credentials::Keys { session_token: Some(_), .. } => {
                fail(Obstacle::Unsupported, "kodo's own interface knows no session tokens")
            }
            Credentials::Keys { access_key, secret_key, session_token: None } => {
                Ok(Self::Keys(Keys { access: access_key.clone(), secret: secret_key.clone() }))
            }
            #[cfg(feature = "s3")]
            Credentials::Command(command) => Ok(Self::Command(command::Command::new(command))),
            #[cfg(not(feature = "s3"))]
            Credentials::Command(_) => fail(Obstacle::Unsupported, "built without the feature `s3`"),
            Credentials::Chain { .. } => {
                fail(Obstacle::Denied(Denial::Anonymous), "amazon's chain has no keys for kodo")
            }
        }
    }

    /// The keys to sign with now; `None` for nobody.
    pub(super) async fn keys(&self, name: &SourceName) -> Result<Option<Keys>, Error> {
        // Without the feature nothing here can fail or wait.
        let _ = name;
        match self {
            Self::Nobody => Ok(None),
            Self::Keys(keys) => Ok(Some(keys.clone())),
            #[cfg(feature = "s3")]
            Self::Command(command) => command.keys(name).await.map(Some),
        }
    }
}

#[cfg(feature = "s3")]
mod command {
    use std::time::UNIX_EPOCH;

    use aws_config::credential_process::CredentialProcessProvider;
    use aws_credential_types::provider::ProvideCredentials as _;
    use tokio::sync::Mutex;

    use super::*;
    use crate::source::{Secret, clock};

    /// Keys are asked for again this long before they run out.
    const EARLY_SECONDS: u64 = 60;

    pub(in super::super) struct Command {
        provider: CredentialProcessProvider,
        /// The keys that it printed last, and when they run out.
        last: Mutex<Option<(Keys, Option<u64>)>>,
    }

    impl Command {
        pub(super) fn new(command: &str) -> Self {
            Self { provider: CredentialProcessProvider::new(command.to_owned()), last: Mutex::default() }
        }

        pub(super) async fn keys(&self, name: &SourceName) -> Result<Keys, Error> {
            let mut last = self.last.lock().await;
            let good = |end: &Option<u64>| end.is_none_or(|end| clock::unix_seconds() + EARLY_SECONDS < end);
            if let Some((keys, _)) = last.as_ref().filter(|(_, end)| good(end)) {
                return Ok(keys.clone());
            }
            let printed = self.provider.provide_credentials().await.map_err(|_| {
                // What the program printed may be in the cause.
                Error::new(Obstacle::Denied(Denial::Anonymous), Operation::Sign, name, "")
                    .with_answer("the credential command gave no keys")
            })?;
            let end = printed.expiry().and_then(|end| end.duration_since(UNIX_EPOCH).ok());
            let secret = Secret::new(printed.secret_access_key());
            let keys = Keys { access: printed.access_key_id().to_owned(), secret };
            *last = Some((keys.clone(), end.map(|end| end.as_secs())));
            Ok(keys)
        }
    }
}
