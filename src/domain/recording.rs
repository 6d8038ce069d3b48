//! What identifies a recording and its parts.

use std::fmt;
use std::num::NonZeroU32;

/// The ID that Agora gives a recording when it starts (`sid` in the REST API, `recordingId` in the 2019 SDK).
///
/// Real ones are 32 lower-case hexadecimal digits; Agora's own examples are not (`test_p1627613634`), so
/// the check is soft: letters, digits, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingId(String);

/// Why a text cannot be a recording ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordingIdError {
    /// Nothing there.
    #[error("a recording ID cannot be empty")]
    Empty,
    /// Over 128 characters.
    #[error("a recording ID has at most 128 characters")]
    TooLong,
    /// Something other than a letter, a digit, `_` or `-`.
    #[error("a recording ID has only letters, digits, `_` and `-`")]
    Character,
}

impl RecordingId {
    /// Checks a recording ID.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, RecordingIdError> {
        if text.is_empty() {
            return Err(RecordingIdError::Empty);
        }
        if text.len() > 128 {
            return Err(RecordingIdError::TooLong);
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(RecordingIdError::Character);
        }
        Ok(Self(text.to_owned()))
    }

    /// The ID as Agora wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ID cut to fit a line on a screen: the first eight characters and an ellipsis.
    #[must_use]
    pub fn short(&self) -> String {
        if self.0.len() > 12 { format!("{}…", &self.0[..8]) } else { self.0.clone() }
    }
}

/// The name of the channel that was recorded (`cname`).
///
/// Agora allows 64 bytes of letters, digits, space and ``!#$%&+-:;<=.>?@[]^_{}|~,`` (error text 1013,
/// 2022-07); web-page mode allows more. Only what cannot be part of an object name is refused here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelName(String);

impl ChannelName {
    /// Checks a channel name: not empty, at most 1024 bytes, no `/` and no control character.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= 1024;
        (fits && !text.contains('/') && !text.chars().any(char::is_control)).then(|| Self(text.to_owned()))
    }

    /// The name as it was spelt.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as web-page mode writes it into file names: each of ``!@#$%^&*+_.=[]{}~|,;:?<>`` becomes
    /// `-` (Agora, "manage recorded files", 2026-07).
    #[must_use]
    pub fn in_web_mode(&self) -> Self {
        Self(self.0.chars().map(|c| if "!@#$%^&*+_.=[]{}~|,;:?<>".contains(c) { '-' } else { c }).collect())
    }
}

/// A user in the channel: an integer from 1 to 2³²−1. String user IDs are not supported by cloud recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub NonZeroU32);

/// What a track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrackKind {
    /// Composite or web-page mode: everybody in one picture and one sound.
    Mixed,
    /// Individual mode, one user's sound.
    Audio,
    /// Individual mode, one user's picture.
    Video,
    /// Individual mode `standard`: the master over both.
    AudioVideo,
}

/// How streams become files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each user's streams in files of their own.
    Individual,
    /// Everybody in one picture (composite mode).
    Mix,
    /// A web page.
    Web,
}

/// One track of a recording. A composite recording has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId {
    /// Whose track, in individual mode.
    pub uid: Option<Uid>,
    /// What it carries.
    pub kind: TrackKind,
}

impl TrackId {
    /// The only track of a composite recording.
    pub const MIXED: Self = Self { uid: None, kind: TrackKind::Mixed };
}

impl Mode {
    /// Agora's word in addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Individual => "individual",
            Self::Mix => "mix",
            Self::Web => "web",
        }
    }
}

impl fmt::Display for RecordingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TrackKind {
    /// The word that Agora puts into file names (`__uid_e_<word>`), or `mixed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mixed => "mixed",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::AudioVideo => "av",
        })
    }
}

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.uid {
            Some(uid) => write!(f, "uid {uid} {}", self.kind),
            None => self.kind.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recording_ids_are_checked_softly() {
        for text in ["38f8e3cfdc474cd56fc1ceba380d7e1a", "sid713476478245", "test_p1627613634"] {
            assert_eq!(RecordingId::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(RecordingId::parse(""), Err(RecordingIdError::Empty));
        assert_eq!(RecordingId::parse("a/b"), Err(RecordingIdError::Character));
        assert_eq!(RecordingId::parse(&"a".repeat(129)), Err(RecordingIdError::TooLong));
        assert_eq!(RecordingId::parse("38f8e3cfdc474cd56fc1ceba380d7e1a").unwrap().short(), "38f8e3cf…");
    }

    #[test]
    fn web_mode_replaces_what_its_names_cannot_hold() {
        let name = ChannelName::parse("a_b.c d-e?").unwrap();
        assert_eq!(name.in_web_mode().as_str(), "a-b-c d-e-");
        assert_eq!(ChannelName::parse("a/b"), None);
        assert_eq!(ChannelName::parse(""), None);
    }
}
