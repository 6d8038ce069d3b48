//! Who asks: keys that are at hand, or a program that prints them.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::super::connect::Credentials;
use super::super::secret::Secret;

/// Keys that a program printed are used until this long before their end.
const HEADROOM: Duration = Duration::from_secs(5 * 60);

/// How long a program may think.
const MOST_TIME: Duration = Duration::from_secs(60);

/// How much of its output is read.
const MOST_BYTES: u64 = 64 * 1024;

/// One set of keys.
#[derive(Debug, Clone)]
pub(super) struct KeySet {
    pub(super) access_key: String,
    pub(super) secret_key: Secret,
    pub(super) session_token: Option<Secret>,
}

/// Where keys come from.
pub(super) struct Keys {
    from: Credentials,
    printed: Mutex<Option<Printed>>,
}

/// Why there are none. Nothing of what the program printed is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKeys {
    Chain,
    NotStarted,
    TooSlow,
    Failed,
    NotUnderstood,
}

impl Keys {
    pub(super) fn new(from: Credentials) -> Self {
        Self { from, printed: Mutex::new(None) }
    }

    /// The keys to sign with; `None` for a public bucket.
    pub(super) async fn get(&self) -> Result<Option<KeySet>, NoKeys> {
        match &self.from {
            Credentials::Anonymous => Ok(None),
            Credentials::Keys { access_key, secret_key, session_token } => Ok(Some(KeySet {
                access_key: access_key.clone(),
                secret_key: secret_key.clone(),
                session_token: session_token.clone(),
            })),
            Credentials::Command(command) => {
                // Whoever comes while the program runs waits for it rather than start it again.
                let mut printed = self.printed.lock().await;
                match printed.as_ref().filter(|known| known.lasts()) {
                    Some(known) => Ok(Some(known.keys.clone())),
                    None => Ok(Some(printed.insert(ask(command).await?).keys.clone())),
                }
            }
            Credentials::Chain { .. } => Err(NoKeys::Chain),
        }
    }

    /// The store says that they have run out: a program is asked anew.
    pub(super) async fn forget(&self) {
        self.printed.lock().await.take();
    }
}

struct Printed {
    keys: KeySet,
    /// `None` where the program did not say.
    until: Option<jiff::Timestamp>,
}

impl Printed {
    fn lasts(&self) -> bool {
        let soon = jiff::Timestamp::now() + HEADROOM;
        self.until.is_none_or(|until| until > soon)
    }
}

/// What AWS's `credential_process` prints, and Aliyun's names for the same.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    access_key_id: String,
    #[serde(alias = "AccessKeySecret")]
    secret_access_key: String,
    #[serde(alias = "SecurityToken")]
    session_token: Option<String>,
    expiration: Option<String>,
}

async fn ask(command: &str) -> Result<Printed, NoKeys> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = shell.spawn().map_err(|_| NoKeys::NotStarted)?;
    let all = async {
        let mut text = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(MOST_BYTES).read_to_end(&mut text).await.map_err(|_| NoKeys::Failed)?;
        }
        match child.wait().await {
            Ok(status) if status.success() => Ok(text),
            Ok(_) | Err(_) => Err(NoKeys::Failed),
        }
    };
    let text = tokio::time::timeout(MOST_TIME, all).await.map_err(|_| NoKeys::TooSlow)??;
    read(&text).ok_or(NoKeys::NotUnderstood)
}

fn read(text: &[u8]) -> Option<Printed> {
    let document: Document = serde_json::from_slice(text).ok()?;
    let until = match document.expiration {
        Some(text) => Some(text.parse().ok()?),
        None => None,
    };
    let filled = |text: &String| !text.is_empty();
    let keys = KeySet {
        access_key: Some(document.access_key_id).filter(filled)?,
        secret_key: Secret::new(Some(document.secret_access_key).filter(filled)?),
        session_token: document.session_token.filter(filled).map(Secret::new),
    };
    Some(Printed { keys, until })
}

impl fmt::Display for NoKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chain => "AWS's credentials are no credentials of OSS",
            Self::NotStarted => "the credential command could not be started",
            Self::TooSlow => "the credential command did not end in time",
            Self::Failed => "the credential command failed",
            Self::NotUnderstood => "the credential command printed something else than credentials",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2";

    fn keys(script: &str) -> Keys {
        Keys::new(Credentials::Command(script.to_owned()))
    }

    async fn refused(script: &str) -> NoKeys {
        keys(script).get().await.expect_err(script)
    }

    #[tokio::test]
    async fn a_program_is_asked_again_when_its_keys_run_out() {
        let dir = tempfile::tempdir().unwrap();
        let count = dir.path().join("count");
        for (expiration, runs) in [
            ("", 1),
            (r#","Expiration":"2099-01-01T00:00:00Z""#, 1),
            (r#","Expiration":"2020-01-01T00:00:00Z""#, 2),
        ] {
            let json =
                format!(r#"{{"Version":1,"AccessKeyId":"id","SecretAccessKey":"{SECRET}"{expiration}}}"#);
            let keys = keys(&format!("echo x >>'{}'; echo '{json}'", count.display()));
            for _ in 0..2 {
                let got = keys.get().await.unwrap().unwrap();
                assert_eq!((got.access_key.as_str(), got.secret_key.expose()), ("id", SECRET));
                assert!(!format!("{got:?}").contains(SECRET));
            }
            assert_eq!(std::fs::read_to_string(&count).unwrap().lines().count(), runs, "{expiration}");
            std::fs::remove_file(&count).unwrap();
            keys.forget().await;
            keys.get().await.unwrap();
            assert_eq!(std::fs::read_to_string(&count).unwrap().lines().count(), 1, "{expiration}");
            std::fs::remove_file(&count).unwrap();
        }
    }

    #[tokio::test]
    async fn a_program_that_gives_no_keys_is_named_and_not_quoted() {
        for (script, expected) in [
            ("exit 3", NoKeys::Failed),
            ("echo hunter2", NoKeys::NotUnderstood),
            (r#"echo '{"AccessKeyId":"","SecretAccessKey":"hunter2"}'"#, NoKeys::NotUnderstood),
            (
                r#"echo '{"AccessKeyId":"a","SecretAccessKey":"hunter2","Expiration":"soon"}'"#,
                NoKeys::NotUnderstood,
            ),
            // It would fill the memory if it were let.
            ("yes hunter2", NoKeys::Failed),
        ] {
            let why = refused(script).await;
            assert_eq!(why, expected, "{script}");
            assert!(!why.to_string().contains(SECRET));
        }
    }

    #[tokio::test]
    async fn the_vendors_own_names_are_known_too() {
        let json = r#"{"AccessKeyId":"id","AccessKeySecret":"s","SecurityToken":"t"}"#;
        let got = keys(&format!("echo '{json}'")).get().await.unwrap().unwrap();
        assert_eq!(got.session_token.unwrap().expose(), "t");
    }
}
