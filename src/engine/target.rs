//! What the user calls a recording: its ID, the key of a playlist, or a playlist's URL.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::domain::filename::FileName;
use crate::domain::key::{KeyError, ObjectKey};
use crate::domain::recording::{RecordingId, RecordingIdError};
use crate::source::RedactedUrl;

/// A recording as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By its ID.
    Recording(RecordingId),
    /// By the key of a playlist.
    Playlist(ObjectKey),
    /// By the URL of a playlist.
    Url(PlaylistUrl),
}

/// The URL of a playlist: the domain of a bucket and the key in it, with or without a signature.
#[derive(Clone, PartialEq, Eq)]
pub struct PlaylistUrl {
    /// Scheme, host and port.
    pub origin: Url,
    /// The path as a key.
    pub key: ObjectKey,
    /// The URL as it was given. Its query is sent with the request for the playlist and never printed.
    pub url: RedactedUrl,
}

impl fmt::Debug for PlaylistUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The origin may carry a password, which the whole URL does not print.
        f.debug_struct("PlaylistUrl").field("key", &self.key).field("url", &self.url).finish_non_exhaustive()
    }
}

/// Why a text names no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Neither an ID nor a key nor a URL.
    #[error("`{text}` is no recording ID, key of a playlist, or URL")]
    Id {
        /// The text, escaped.
        text: String,
        /// Why it is no ID.
        #[source]
        cause: RecordingIdError,
    },
    /// Looks like a key and cannot be one.
    #[error("`{text}` cannot be the key of a playlist")]
    Key {
        /// The text, escaped.
        text: String,
        /// Why not.
        #[source]
        cause: KeyError,
    },
    /// Looks like a URL and cannot be used.
    #[error("the URL of the playlist cannot be used")]
    Url,
}

impl Target {
    /// Tells the three forms apart: a URL has a scheme; a key has a slash or ends in `.m3u8`; anything else
    /// is an ID.
    ///
    /// # Errors
    /// Where the text fits none of them.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("http://") || lower.starts_with("https://") {
            return PlaylistUrl::parse(text).map(Self::Url);
        }
        if text.contains('/') || lower.ends_with(".m3u8") {
            return ObjectKey::parse(text)
                .map(Self::Playlist)
                .map_err(|cause| TargetError::Key { text: text.escape_debug().to_string(), cause });
        }
        RecordingId::parse(text)
            .map(Self::Recording)
            .map_err(|cause| TargetError::Id { text: text.escape_debug().to_string(), cause })
    }

    /// The recording that is asked for: the one of that ID, or the one that the playlist belongs to.
    #[must_use]
    pub fn recording(&self) -> RecordingId {
        match self {
            Self::Recording(id) => id.clone(),
            Self::Playlist(key) => recording_of(key),
            Self::Url(url) => recording_of(&url.key),
        }
    }

    /// The playlist, where one is named.
    pub(super) fn playlist(&self) -> Option<&ObjectKey> {
        match self {
            Self::Recording(_) => None,
            Self::Playlist(key) => Some(key),
            Self::Url(url) => Some(&url.key),
        }
    }
}

impl PlaylistUrl {
    /// Takes a URL apart.
    pub(super) fn parse(text: &str) -> Result<Self, TargetError> {
        let url = Url::parse(text).map_err(|_| TargetError::Url)?;
        // A URL is a reference, unlike the names inside a playlist: here `%20` is a space.
        let path = percent_decode_str(url.path().trim_start_matches('/'));
        let path = path.decode_utf8().map_err(|_| TargetError::Url)?;
        let key = ObjectKey::parse(&path).map_err(|_| TargetError::Url)?;
        let mut origin = url.clone();
        origin.set_path("/");
        origin.set_query(None);
        origin.set_fragment(None);
        let mut url = url;
        url.set_fragment(None);
        Ok(Self { origin, key, url: RedactedUrl::new(url) })
    }
}

/// The recording that a playlist belongs to. A name that does not follow Agora's grammar still names one:
/// itself, without what an ID cannot hold.
fn recording_of(key: &ObjectKey) -> RecordingId {
    let name = key.file_name();
    if let Some(parsed) = FileName::parse(name.as_str(), None) {
        return parsed.recording;
    }
    let stem = name.as_str().rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let safe: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' })
        .take(128)
        .collect();
    RecordingId::parse(&safe).or_else(|_| RecordingId::parse("playlist")).unwrap_or_else(|_| unreachable!())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_told_apart() {
        assert!(matches!(Target::parse("38f8e3cfdc474cd56fc1ceba380d7e1a"), Ok(Target::Recording(_))));
        assert!(matches!(Target::parse("a/b/sid_c.m3u8"), Ok(Target::Playlist(_))));
        assert!(matches!(Target::parse("sid_c.M3U8"), Ok(Target::Playlist(_))));
        let Ok(Target::Url(url)) = Target::parse("https://b.example:8443/a%20b/sid_c.m3u8?sig=SECRET#x")
        else {
            panic!("a URL")
        };
        assert_eq!(url.key.as_str(), "a b/sid_c.m3u8");
        assert_eq!(url.origin.as_str(), "https://b.example:8443/");
        assert!(!format!("{url:?}").contains("SECRET"));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        assert!(matches!(Target::parse("what is this?"), Err(TargetError::Id { .. })));
        assert!(matches!(Target::parse("../x.m3u8"), Err(TargetError::Key { .. })));
        assert!(matches!(Target::parse("https://host/%2e%2e/x.m3u8"), Ok(_) | Err(TargetError::Url)));
        assert_eq!(Target::parse("https://host/"), Err(TargetError::Url));
    }

    #[test]
    fn any_playlist_names_a_recording() {
        let id = |key: &str| recording_of(&ObjectKey::parse(key).unwrap()).to_string();
        assert_eq!(id("a/38f8e3cf_room.m3u8"), "38f8e3cf");
        assert_eq!(id("a/my show.m3u8"), "my-show");
        assert_eq!(id("…"), "-");
    }
}
