//! How the program ends when it cannot do what was asked: an exit code, the chain of causes, and hints.
//!
//! The library's errors say what happened; what to do about it is said here, because advice is about this
//! program's flags and settings.

pub(crate) mod hint;
pub(crate) mod saved;

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use recfetch::domain::place::Obstacle;
use recfetch::{archive, source};

/// The exit codes as people read them; a test holds them against [`ExitCode`].
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
    0  complete and verified
    1  internal error
    2  usage or settings
    3  incomplete: segments are missing
    4  corrupt: wrong bytes
    5  temporary: a rerun may help
    6  access denied
    7  recording or playlist not found
    8  archived objects need a restore
    9  local disk: full or not writable
  130  stopped by SIGINT (Ctrl-C)
  143  stopped by SIGTERM
With several recordings, the code of the worst.";

/// What the program tells whoever started it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// Complete and verified.
    Complete = 0,
    /// A fault of this program.
    Internal = 1,
    /// Wrong usage or settings.
    Usage = 2,
    /// Segments are missing.
    Incomplete = 3,
    /// Wrong bytes.
    Corrupt = 4,
    /// A rerun may help.
    Temporary = 5,
    /// Access denied.
    Denied = 6,
    /// Recording or playlist not found.
    NotFound = 7,
    /// Archived objects need a restore.
    Frozen = 8,
    /// The local disk is full or cannot be written.
    Disk = 9,
    /// Stopped by SIGINT.
    Interrupted = 130,
    /// Stopped by SIGTERM.
    Terminated = 143,
}

impl ExitCode {
    /// All, from good to bad: of several recordings the worst decides.
    const FROM_GOOD_TO_BAD: [Self; 12] = [
        Self::Complete,
        Self::Temporary,
        Self::Incomplete,
        Self::Frozen,
        Self::NotFound,
        Self::Denied,
        Self::Corrupt,
        Self::Disk,
        Self::Usage,
        Self::Internal,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// The code with this number, which comes from a report; an unknown one is a failure all the same.
    pub(crate) fn from_number(number: u8) -> Self {
        Self::FROM_GOOD_TO_BAD.into_iter().find(|code| code.number() == number).unwrap_or(Self::Internal)
    }

    /// The worse of two.
    pub(crate) fn worse(self, other: Self) -> Self {
        let rank = |code| Self::FROM_GOOD_TO_BAD.iter().position(|known| *known == code);
        if rank(other) > rank(self) { other } else { self }
    }

    /// What an obstacle makes of a whole command. The same words as in a report's outcome.
    pub(crate) fn of_obstacle(obstacle: &Obstacle) -> Self {
        match obstacle {
            Obstacle::Absent => Self::NotFound,
            Obstacle::Denied(_)
            | Obstacle::NoSuchBucket
            | Obstacle::WrongRegion { .. }
            | Obstacle::Untrusted => Self::Denied,
            Obstacle::Frozen { .. } => Self::Frozen,
            Obstacle::Changed | Obstacle::Throttled | Obstacle::Unreachable => Self::Temporary,
            Obstacle::Corrupt => Self::Corrupt,
            Obstacle::Unsupported => Self::Usage,
            Obstacle::Unexpected => Self::Incomplete,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        code.number().into()
    }
}

/// Why a command could not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: ExitCode,
    /// What happened, outermost first.
    pub(crate) error: anyhow::Error,
    /// What can be done about it, one sentence each.
    pub(crate) hints: Vec<String>,
}

impl Failure {
    /// A failure without hints.
    pub(crate) fn new(code: ExitCode, error: impl Into<anyhow::Error>) -> Self {
        Self { code, error: error.into(), hints: Vec::new() }
    }

    /// Wrong usage or settings.
    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self::new(ExitCode::Usage, anyhow::anyhow!("{text}"))
    }

    /// A recording or playlist that is nowhere.
    pub(crate) fn not_found(text: impl fmt::Display) -> Self {
        Self::new(ExitCode::NotFound, anyhow::anyhow!("{text}"))
    }

    /// A fault of this program or of the system below it.
    pub(crate) fn internal(error: impl Into<anyhow::Error>) -> Self {
        Self::new(ExitCode::Internal, error)
    }

    /// Adds what can be done about it.
    #[must_use]
    pub(crate) fn hint(mut self, text: impl fmt::Display) -> Self {
        self.hints.push(text.to_string());
        self
    }

    /// Says what was being done when it happened.
    #[must_use]
    pub(crate) fn context(mut self, text: impl fmt::Display) -> Self {
        self.error = self.error.context(text.to_string());
        self
    }

    /// The text for stderr: the error, its causes, then the hints. Ends with a line feed.
    pub(crate) fn render(&self) -> String {
        const RED: style::Style = style::ERROR;
        const CYAN: style::Style = style::HINT;
        let mut text = String::new();
        let mut said = String::new();
        for (depth, cause) in self.error.chain().enumerate() {
            let fragment = cause.to_string();
            // Libraries like to repeat their cause in their own text.
            if depth > 0 && said.contains(&fragment) {
                continue;
            }
            let line = printable(&fragment);
            // Writing to a string cannot fail.
            let _ = match depth {
                0 => writeln!(text, "{RED}error:{RED:#} {line}"),
                _ => writeln!(text, "  caused by: {line}"),
            };
            said.push_str(&fragment);
        }
        if !self.hints.is_empty() {
            text.push('\n');
        }
        for hint in &self.hints {
            let _ = writeln!(text, "{CYAN}hint:{CYAN:#} {}", printable(hint));
        }
        text
    }
}

mod style {
    pub(super) use anstyle::Style;
    use anstyle::{AnsiColor, Color};

    pub(super) const ERROR: Style = Style::new().bold().fg_color(Some(Color::Ansi(AnsiColor::Red)));
    pub(super) const HINT: Style = Style::new().bold().fg_color(Some(Color::Ansi(AnsiColor::Cyan)));
}

impl From<source::Error> for Failure {
    fn from(error: source::Error) -> Self {
        if error.is_disk_full() {
            let hint = format!(
                "make room on the disk of {} and run the same command again: what is proven is kept",
                error.from
            );
            return Self::new(ExitCode::Disk, error).hint(hint);
        }
        let code = ExitCode::of_obstacle(&error.obstacle);
        let by_code = error.answer.as_deref().and_then(|answer| hint::of_answer(answer, &error.from));
        let hints =
            by_code.unwrap_or_else(|| hint::of_obstacle(&error.obstacle, Some(error.operation), &error.from));
        Self { code, error: error.into(), hints }
    }
}

impl From<archive::Error> for Failure {
    fn from(error: archive::Error) -> Self {
        use archive::Error::{
            AnotherRecording, Damaged, Foreign, Io, KeptOtherwise, Locked, Newer, NoRoom, NotABag,
        };
        let code = match &error {
            Locked { .. } => ExitCode::Temporary,
            AnotherRecording { .. }
            | Foreign { .. }
            | NotABag { .. }
            | KeptOtherwise { .. }
            | Newer { .. } => ExitCode::Usage,
            NoRoom { .. } | Io { .. } => ExitCode::Disk,
            Damaged { .. } => ExitCode::Corrupt,
        };
        let hints = hint::of_archive(&error);
        Self { code, error: error.into(), hints }
    }
}

/// Text that cannot move the cursor, change colours or turn the direction of writing.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(hostile) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if hostile(c) { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use recfetch::domain::place::{Denial, SourceName};
    use recfetch::source::Operation;

    use super::*;

    fn plain(failure: &Failure) -> String {
        anstream::adapter::strip_str(&failure.render()).to_string()
    }

    #[test]
    fn the_table_names_every_code_once() {
        let listed: Vec<u8> = EXIT_CODES
            .lines()
            .filter_map(|line| line.trim_start().split_once("  ")?.0.parse().ok())
            .collect();
        let mut known: Vec<u8> = ExitCode::FROM_GOOD_TO_BAD.iter().map(|code| code.number()).collect();
        known.sort_unstable();
        assert_eq!(listed, known);
        for number in known {
            assert_eq!(ExitCode::from_number(number).number(), number);
        }
        assert_eq!(ExitCode::from_number(77), ExitCode::Internal);
    }

    #[test]
    fn the_worst_of_several_decides_and_nothing_hides_behind_success() {
        use ExitCode::{Complete, Corrupt, Denied, Incomplete, Interrupted, NotFound, Temporary};
        for (a, b, worst) in [
            (Complete, Temporary, Temporary),
            (Incomplete, Temporary, Incomplete),
            (Corrupt, Denied, Corrupt),
            (NotFound, Incomplete, NotFound),
            (Corrupt, Interrupted, Interrupted),
        ] {
            assert_eq!((a.worse(b), b.worse(a)), (worst, worst));
        }
    }

    #[test]
    fn an_error_shows_its_causes_and_its_hints() {
        let denied = Obstacle::Denied(Denial::WrongSecret);
        let cause = std::io::Error::other("below");
        let error = source::Error::new(denied, Operation::List, &SourceName::new("prod"), "math/sid_")
            .with_answer("403 SignatureDoesNotMatch")
            .with_cause(cause);
        let failure = Failure::from(error).context("could not search prod");
        assert_eq!(failure.code, ExitCode::Denied);
        insta::assert_snapshot!(plain(&failure), @r"
        error: could not search prod
          caused by: could not list `math/sid_` in prod: denied: the secret does not fit the access key (403 SignatureDoesNotMatch)
          caused by: below

        hint: the secret does not belong to the access key of prod: check both, and that no blank or line end was copied with them
        ");
    }

    #[test]
    fn a_stores_own_code_gives_the_better_hint() {
        for (code, hint) in [
            ("HTTP 400 PublicEndpointForbidden: m, EC 0048-00000401", "cname = true"),
            ("HTTP 403 SecondLevelDomainForbidden: m", "`path_style`"),
            ("HTTP 403 AccessDenied: m", "oss:ListObjects"),
            ("HTTP 401 bad token, request 1", "which of the two keys"),
            ("no domain is bound to the bucket", "--domain"),
        ] {
            let denied = Obstacle::Denied(Denial::NotAllowed);
            let error = source::Error::new(denied, Operation::List, &SourceName::new("prod"), "");
            let failure = Failure::from(error.with_answer(code));
            assert!(failure.hints[0].contains(hint), "{code}: {:?}", failure.hints);
        }
    }

    #[test]
    fn hostile_text_is_escaped() {
        let failure = Failure::usage("a\u{1b}[31mb\nc\u{202e}d").hint("e\rf");
        insta::assert_snapshot!(plain(&failure), @r"
        error: a\u{1b}[31mb\nc\u{202e}d

        hint: e\rf
        ");
        assert_eq!(printable("naïve 漢字"), "naïve 漢字");
    }

    #[test]
    fn local_problems_have_their_codes() {
        let dir = || std::path::PathBuf::from("/bags/sid");
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let refused = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let table = [
            (archive::Error::Locked { dir: dir() }, ExitCode::Temporary, "is finished"),
            (archive::Error::AnotherRecording { dir: dir(), theirs: "x".into() }, ExitCode::Usage, "--out"),
            (archive::Error::Foreign { path: dir() }, ExitCode::Usage, "never overwritten"),
            (archive::Error::NotABag { dir: dir() }, ExitCode::Usage, "bagit.txt"),
            (archive::Error::KeptOtherwise { dir: dir(), theirs: "segments" }, ExitCode::Usage, "--keep"),
            (archive::Error::NoRoom { dir: dir(), needed: 2, available: 1 }, ExitCode::Disk, "room"),
            (archive::Error::Io { doing: "write", path: dir(), cause: full }, ExitCode::Disk, "room"),
            (archive::Error::Io { doing: "write", path: dir(), cause: refused }, ExitCode::Disk, "may write"),
        ];
        for (error, code, hint) in table {
            let failure = Failure::from(error);
            assert_eq!(failure.code, code, "{failure:?}");
            assert!(failure.hints.iter().any(|text| text.contains(hint)), "{failure:?}");
        }
    }
}
