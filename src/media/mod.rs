//! What bytes look like: transport streams, the other forms of media, and text that comes in their place.
//!
//! Knows nothing of recordings or verdicts: it counts and describes, others judge.

pub mod mp4;
pub mod page;
pub mod picture;
pub mod sound;
pub mod ts;
pub mod webm;

/// What a track is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles, metadata, and whatever the file does not tell.
    #[default]
    Other,
}
