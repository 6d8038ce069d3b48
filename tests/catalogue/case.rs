//! A defect: the clean recording that it is made from, what is done to it, and what a check has to say.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// A folder of the catalogue.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What is wrong, in one sentence.
    pub(crate) about: String,
    /// The clean recording: a name of `clean.rs`.
    pub(crate) like: String,
    /// Where it lies.
    #[serde(default)]
    pub(crate) store: StoreKind,
    /// How long ago it ended: `2h`. Without it, long ago.
    pub(crate) ended: Option<String>,
    /// Arguments of `check` beside the recording.
    #[serde(default)]
    pub(crate) args: Vec<String>,
    /// What the servers do.
    #[serde(default)]
    pub(crate) server: Server,
    /// What is done to the recording, in order.
    #[serde(default)]
    pub(crate) change: Vec<Change>,
    /// Lines for `--events`. `{sid}`, `{cname}` and `{+5000}` (Unix milliseconds so long after the start) are
    /// filled in; so are `{time+5000}` (17 digits) and `{name slice 2}`.
    pub(crate) events: Option<String>,
    /// What the check says.
    pub(crate) expect: Expect,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StoreKind {
    #[default]
    S3,
    Oss,
    Kodo,
    Web,
    Folder,
}

impl StoreKind {
    pub(crate) const ALL: [Self; 5] = [Self::S3, Self::Oss, Self::Kodo, Self::Web, Self::Folder];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Oss => "oss",
            Self::Kodo => "kodo",
            Self::Web => "web",
            Self::Folder => "folder",
        }
    }
}

/// What the servers do.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Server {
    /// `denied`: the key may not list.
    pub(crate) list: Option<String>,
    /// `denied`: the key may not read.
    pub(crate) read: Option<String>,
    /// `expired`: the session token is over.
    pub(crate) token: Option<String>,
    /// The server's clock is so many seconds ahead.
    pub(crate) ahead: i64,
    /// `wrong` or `unknown`: the key that is used.
    pub(crate) key: Option<String>,
    /// The region that the bucket is in.
    pub(crate) region: Option<String>,
    /// The bucket that the settings name.
    pub(crate) bucket: Option<String>,
    /// Whether a store `backup` is configured; it is too where something is put there.
    pub(crate) backup: bool,
    /// A second store after the first, which has nothing of the recording.
    pub(crate) second: bool,
    /// Faults of the recording's own store, as `loopback fault` reads them.
    pub(crate) faults: Option<String>,
    /// Faults of the backup.
    pub(crate) backup_faults: Option<String>,
    /// The folder that the settings name.
    pub(crate) prefix: Option<String>,
    /// Whether anybody may read.
    pub(crate) public: bool,
}

/// One thing that is done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// The verb: see `changes.rs`.
    pub(crate) r#do: String,
    /// To what: `slice 3`, `slices 3-5`, `uid 7 video slice 2`, `bak0 playlist`, `file _0.mp4`.
    pub(crate) what: String,
    /// In which store: `own` or `backup`.
    #[serde(default = "own")]
    pub(crate) r#in: String,
    /// A number of bytes.
    pub(crate) bytes: Option<usize>,
    /// What it becomes.
    pub(crate) to: Option<String>,
    /// What is replaced.
    pub(crate) from: Option<String>,
}

fn own() -> String {
    "own".to_owned()
}

/// What a check has to say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// What it all comes to; empty where the recording is not found.
    pub(crate) standing: String,
    /// The exit code.
    pub(crate) exit: i32,
    /// Everything that is wrong, and nothing else.
    #[serde(default)]
    pub(crate) diagnosis: Vec<Wanted>,
    /// Time of all tracks by what became of it, in milliseconds: `lost = 5000`. What is not named is not
    /// looked at.
    #[serde(default)]
    pub(crate) ms: BTreeMap<String, u64>,
    /// Words that are on stderr.
    #[serde(default)]
    pub(crate) says: Vec<String>,
}

/// One diagnosis. What is not named is not looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The word of its rule.
    pub(crate) rule: String,
    /// What it weighs.
    pub(crate) severity: Option<String>,
    /// The number of the segment.
    pub(crate) segment: Option<usize>,
    /// The object, in the words of [`Change::what`].
    pub(crate) object: Option<String>,
    /// The store.
    pub(crate) store: Option<String>,
    /// From when on, in milliseconds after the start.
    pub(crate) from: Option<i64>,
    /// Until when.
    pub(crate) until: Option<i64>,
    /// Words of its sentence, or of what was expected or found.
    pub(crate) says: Option<String>,
}

impl Case {
    pub(crate) fn read(folder: &Path) -> Self {
        let file = folder.join("case.toml");
        let text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }
}
