//! The names that Agora gives to the files of a recording, read and written in one place.
//!
//! The grammar (Agora, "manage recorded files", 2026-07, and "high availability", 2026-07):
//!
//! ```text
//! name     = [ "bak" n "_" ] sid "_" channel [ track ] [ ending ] "." extension
//! track    = "__uid_s_" uid "__uid_e_" ( "audio" | "video" | "av" )
//! ending   = "_" tick "_" index     for m3u8 and mpd that the backup transferred, else nothing
//!          | "_" 17 digits          for ts, webm and jpg
//!          | "_" index              for mp4, mp3, m4a and aac
//! ```
//!
//! An MP4 of one user (postponed transcoding) has the index in place of the type: `__uid_e_0.mp4`.
//! Numbers have no leading zeros; extensions are read in any case, because the 2019 SDK wrote `.M3U8`.
//!
//! The channel may hold `_`, `__uid_s_`, dots and digits, so a name is taken apart from both ends and the
//! channel is what is left. Four kinds of channel still look like something else. [`FileName::parse`] does
//! not know the channel and reads them wrongly; [`FileName::with_channel`] does and never does:
//!
//! - `room_1_2`, for a playlist: read as copy 2 of `room`, as Agora's transfers are named. The other
//!   reading is [`FileName::as_plain`].
//! - `room_1`, for an MP4 without an index, which Agora does not document.
//! - `room__uid_s_5__uid_e_audio`, for a composite recording: read as user 5 of `room`.
//! - `room__uid_s_5__uid_e`, for a composite MP4 with an index: read as the file of user 5.
//!
//! What has the form of a track but cannot be one is not guessed at: user 0 stands for "everybody" in
//! Agora's metadata and in no documented name, so `__uid_s_0__uid_e_audio`, a user ID over 2³²−1 and an
//! unknown type (`__uid_e_raw`) make the whole name unknown.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU32;

use super::recording::{ChannelName, RecordingId, TrackId, TrackKind, Uid};
use super::time::SliceTime;

const UID_STARTS: &str = "__uid_s_";
const UID_ENDS: &str = "__uid_e_";

/// What the name of a file says about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    /// The number of the failover in whose course it was written (`bak<n>_`, from 0; Agora makes at most
    /// three); `None` before the first.
    pub failover: Option<u8>,
    /// The recording.
    pub recording: RecordingId,
    /// The channel, as the name spells it: in web-page mode that is [`ChannelName::in_web_mode`]. `None`
    /// only for `<sid>.<extension>`, which Agora does not write but people do.
    pub channel: Option<ChannelName>,
    /// The track.
    pub track: TrackId,
    /// What kind of file it is.
    pub role: Role,
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// `.m3u8`: a list of slices, or for an [`TrackKind::AudioVideo`] track a master over two such lists.
    Playlist {
        /// Set where the Cloud Backup pushed this copy.
        transfer: Option<Transfer>,
    },
    /// `.mpd`: the DASH counterpart of a master playlist, for VP8 and VP9.
    DashManifest {
        /// Set where the Cloud Backup pushed this copy.
        transfer: Option<Transfer>,
    },
    /// A piece of the recording.
    Slice {
        /// When it starts.
        starts: SliceTime,
        /// Its file format.
        container: Container,
    },
    /// `.mp4`: some two hours of the recording in one file.
    Video {
        /// Its place among the others, from 0.
        index: Option<u32>,
    },
    /// The sound in one file (postponed audio mix).
    Audio {
        /// Its place among the others, from 0.
        index: Option<u32>,
        /// Its file format.
        format: AudioFormat,
    },
    /// `.jpg`: a picture taken from the recording.
    Snapshot {
        /// When it was taken.
        taken: SliceTime,
    },
}

/// What the Cloud Backup adds to the name of a playlist that it pushes into the customer's bucket.
///
/// Ordered from old to new by index, which is what Agora's rule compares, then by tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// Clock ticks since the start of the machine that pushed it.
    pub tick: u64,
    /// Its place among the versions of this playlist, from 0; the highest is the newest.
    pub index: u32,
}

/// The file format of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Container {
    /// MPEG transport stream.
    Ts,
    /// WebM, for VP8 and VP9 senders in individual mode.
    WebM,
}

/// The file format of the sound in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AudioFormat {
    /// `.mp3`
    Mp3,
    /// `.m4a`
    M4a,
    /// `.aac`
    Aac,
}

impl FileName {
    /// Reads a bare file name. `None` where it does not follow the grammar.
    ///
    /// The recording ID ends at the first `_`, unless the name starts with `known`, which may have a `_`
    /// itself. Takes time linear in the length of the name.
    #[must_use]
    pub fn parse(name: &str, known: Option<&RecordingId>) -> Option<Self> {
        let (stem, extension) = Extension::split(name)?;
        let (failover, recording, rest) =
            known.and_then(|id| known_start(stem, id)).or_else(|| start(stem))?;
        if rest.is_empty() {
            let (track, role) = extension.ending("")?;
            return Some(Self { failover, recording, channel: None, track, role });
        }
        let (channel, ending) = rest.split_at_checked(extension.channel_end(rest)?)?;
        let channel = Some(ChannelName::parse(channel.strip_prefix('_')?)?);
        let (track, role) = extension.ending(ending)?;
        Some(Self { failover, recording, channel, track, role })
    }

    /// Reads a bare file name of a known recording and channel. `None` where it is not of that channel.
    ///
    /// Nothing is ambiguous here. The channel is taken as it is spelt: for web-page mode, ask again with
    /// [`ChannelName::in_web_mode`].
    #[must_use]
    pub fn with_channel(name: &str, id: &RecordingId, channel: &ChannelName) -> Option<Self> {
        let (stem, extension) = Extension::split(name)?;
        let read = |failover, rest: &str| {
            let ending = rest.strip_prefix(id.as_str())?.strip_prefix('_')?.strip_prefix(channel.as_str())?;
            let (track, role) = extension.ending(ending)?;
            Some(Self { failover, recording: id.clone(), channel: Some(channel.clone()), track, role })
        };
        failover(stem).and_then(|(n, rest)| read(Some(n), rest)).or_else(|| read(None, stem))
    }

    /// The other reading of a composite playlist that was read as a transferred copy: the untransferred
    /// playlist of a channel whose own name ends in `_<digits>_<digits>`. `None` where there is none.
    #[must_use]
    pub fn as_plain(&self) -> Option<Self> {
        let (transfer, role) = match self.role {
            Role::Playlist { transfer: Some(t) } => (t, Role::Playlist { transfer: None }),
            Role::DashManifest { transfer: Some(t) } => (t, Role::DashManifest { transfer: None }),
            Role::Playlist { transfer: None }
            | Role::DashManifest { transfer: None }
            | Role::Slice { .. }
            | Role::Video { .. }
            | Role::Audio { .. }
            | Role::Snapshot { .. } => return None,
        };
        if self.track.uid.is_some() {
            // The type of the track stands between the channel and the numbers.
            return None;
        }
        let channel = ChannelName::parse(&format!("{}{transfer}", self.channel.as_ref()?))?;
        Some(Self { channel: Some(channel), role, ..self.clone() })
    }

    /// The name that a playlist of this recording had before the backup transferred it. `None` for any other file.
    #[must_use]
    pub fn before_transfer(name: &str, id: &RecordingId) -> Option<String> {
        let read = Self::parse(name, Some(id))?;
        let transferred = matches!(read.role, Role::Playlist { transfer: Some(_) });
        transferred.then(|| Self { role: Role::Playlist { transfer: None }, ..read }.to_name())
    }

    /// Writes the name, with its extension in lower case.
    ///
    /// What [`Self::parse`] read is written as it was, but for the case of the extension.
    #[must_use]
    pub fn to_name(&self) -> String {
        self.to_string()
    }
}

/// Whether a bare file name belongs to this recording, by its start: `<sid>_` or `bak<n>_<sid>_`.
///
/// A name can belong to a recording and still not follow the grammar.
#[must_use]
pub fn is_ours(name: &str, id: &RecordingId) -> bool {
    let ours = |rest: &str| rest.strip_prefix(id.as_str()).is_some_and(|rest| rest.starts_with('_'));
    ours(name)
        || failover(name).is_some_and(|(_, rest)| ours(rest))
        || FileName::parse(name, Some(id)).is_some_and(|name| name.recording == *id)
}

/// `bak<n>_` and what follows.
fn failover(stem: &str) -> Option<(u8, &str)> {
    let (number, rest) = stem.strip_prefix("bak")?.split_once('_')?;
    Some((u8::try_from(canonical(number)?).ok()?, rest))
}

/// Failover, ID and what follows (with its `_`), where the ID is the known one.
fn known_start<'a>(stem: &'a str, id: &RecordingId) -> Option<(Option<u8>, RecordingId, &'a str)> {
    let read = |failover, rest: &'a str| {
        let rest = rest.strip_prefix(id.as_str())?;
        (rest.is_empty() || rest.starts_with('_')).then(|| (failover, id.clone(), rest))
    };
    failover(stem).and_then(|(n, rest)| read(Some(n), rest)).or_else(|| read(None, stem))
}

/// The same where nothing is known; a name without a channel could be any file then.
fn start(stem: &str) -> Option<(Option<u8>, RecordingId, &str)> {
    let (failover, rest) = failover(stem).map_or((None, stem), |(n, rest)| (Some(n), rest));
    let (id, rest) = rest.split_at_checked(rest.find('_')?)?;
    Some((failover, RecordingId::parse(id).ok()?, rest))
}

/// What the extension alone tells.
#[derive(Debug, Clone, Copy)]
enum Extension {
    Playlist,
    DashManifest,
    Slice(Container),
    Snapshot,
    Video,
    Audio(AudioFormat),
}

impl Extension {
    const ALL: [Self; 9] = [
        Self::Playlist,
        Self::DashManifest,
        Self::Slice(Container::Ts),
        Self::Slice(Container::WebM),
        Self::Snapshot,
        Self::Video,
        Self::Audio(AudioFormat::Mp3),
        Self::Audio(AudioFormat::M4a),
        Self::Audio(AudioFormat::Aac),
    ];

    fn split(name: &str) -> Option<(&str, Self)> {
        let (stem, extension) = name.rsplit_once('.')?;
        Self::ALL
            .into_iter()
            .find(|known| extension.eq_ignore_ascii_case(known.word()))
            .map(|known| (stem, known))
    }

    fn word(self) -> &'static str {
        match self {
            Self::Playlist => "m3u8",
            Self::DashManifest => "mpd",
            Self::Slice(Container::Ts) => "ts",
            Self::Slice(Container::WebM) => "webm",
            Self::Snapshot => "jpg",
            Self::Video => "mp4",
            Self::Audio(AudioFormat::Mp3) => "mp3",
            Self::Audio(AudioFormat::M4a) => "m4a",
            Self::Audio(AudioFormat::Aac) => "aac",
        }
    }

    /// Where the channel ends in `rest`, which starts with the `_` before it. Looks from the back, because
    /// the channel may hold anything; a reading that leaves no channel is passed over.
    fn channel_end(self, rest: &str) -> Option<usize> {
        let has_channel = |end: &usize| *end > 1;
        let before_number = |text: &str| {
            let (before, number) = text.rsplit_once('_')?;
            canonical(number).map(|_| before.len())
        };
        let (end, typeless) = match self {
            Self::Playlist | Self::DashManifest => {
                let end = before_number(rest).and_then(|tick_end| before_number(rest.get(..tick_end)?));
                // A tick or an index that is too large is none, so the whole ending has to be readable.
                let end = end.filter(has_channel).filter(|end| rest.get(*end..).and_then(transfer).is_some());
                (end.unwrap_or(rest.len()), None)
            }
            Self::Slice(_) | Self::Snapshot => (Some(rest.rfind('_')?).filter(has_channel)?, None),
            Self::Video | Self::Audio(_) => {
                let end = before_number(rest).filter(has_channel);
                let end = end.filter(|end| rest.get(*end..).and_then(index).is_some());
                (end.unwrap_or(rest.len()), end.and_then(|end| typeless_track_start(rest.get(..end)?)))
            }
        };
        let track = typeless.or_else(|| track_start(rest.get(..end)?)).filter(has_channel);
        Some(track.unwrap_or(end))
    }

    /// Reads everything between the channel and the extension.
    fn ending(self, text: &str) -> Option<(TrackId, Role)> {
        let Some(marked) = text.strip_prefix(UID_STARTS) else {
            return Some((TrackId::MIXED, self.role(text)?));
        };
        let (uid, rest) = marked.split_once(UID_ENDS)?;
        let uid = Uid(NonZeroU32::new(u32::try_from(canonical(uid)?).ok()?)?);
        let track = |kind| TrackId { uid: Some(uid), kind };
        if let Some(kind) = self.kind_without_type()
            && let Some(index) = canonical(rest).and_then(|index| u32::try_from(index).ok())
        {
            return Some((track(kind), self.indexed(Some(index))?));
        }
        // `audio` is no prefix of `av` nor the other way round, so the order does not matter.
        let (kind, rest) = [TrackKind::Audio, TrackKind::Video, TrackKind::AudioVideo]
            .into_iter()
            .find_map(|kind| Some((kind, rest.strip_prefix(kind_word(kind))?)))?;
        if self.kind_without_type() == Some(kind) && !rest.is_empty() {
            // The index stands in place of this type, never behind it.
            return None;
        }
        Some((track(kind), self.role(rest)?))
    }

    /// Reads what follows the channel or the track.
    fn role(self, text: &str) -> Option<Role> {
        let plain = text.is_empty();
        match self {
            Self::Playlist => {
                let transfer = transfer(text);
                (plain || transfer.is_some()).then_some(Role::Playlist { transfer })
            }
            Self::DashManifest => {
                let transfer = transfer(text);
                (plain || transfer.is_some()).then_some(Role::DashManifest { transfer })
            }
            Self::Slice(container) => time(text).map(|starts| Role::Slice { starts, container }),
            Self::Snapshot => time(text).map(|taken| Role::Snapshot { taken }),
            Self::Video | Self::Audio(_) => {
                let index = index(text);
                (plain || index.is_some()).then(|| self.indexed(index)).flatten()
            }
        }
    }

    fn indexed(self, index: Option<u32>) -> Option<Role> {
        match self {
            Self::Video => Some(Role::Video { index }),
            Self::Audio(format) => Some(Role::Audio { index, format }),
            Self::Playlist | Self::DashManifest | Self::Slice(_) | Self::Snapshot => None,
        }
    }

    /// The kind of track that an index in place of the type stands for.
    fn kind_without_type(self) -> Option<TrackKind> {
        match self {
            Self::Video => Some(TrackKind::AudioVideo),
            Self::Audio(_) => Some(TrackKind::Audio),
            Self::Playlist | Self::DashManifest | Self::Slice(_) | Self::Snapshot => None,
        }
    }
}

/// Where a `__uid_s_<digits>__uid_e_<type>` starts that reaches to the end of the text. The type may be
/// one that is not known here: then the name is refused later and not taken for a channel.
fn track_start(text: &str) -> Option<usize> {
    let (before, kind) = text.rsplit_once(UID_ENDS)?;
    let typed = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric());
    typed.then(|| uid_start(before)).flatten()
}

/// The same for `__uid_s_<digits>__uid_e`, to which an index was attached.
fn typeless_track_start(text: &str) -> Option<usize> {
    uid_start(text.strip_suffix(UID_ENDS.trim_end_matches('_'))?)
}

/// Where a `__uid_s_<digits>` starts that reaches to the end of the text.
fn uid_start(text: &str) -> Option<usize> {
    let (before, uid) = text.rsplit_once(UID_STARTS)?;
    (!uid.is_empty() && uid.bytes().all(|b| b.is_ascii_digit())).then_some(before.len())
}

/// `_<tick>_<index>`
fn transfer(text: &str) -> Option<Transfer> {
    let (tick, index) = text.strip_prefix('_')?.split_once('_')?;
    Some(Transfer { tick: canonical(tick)?, index: u32::try_from(canonical(index)?).ok()? })
}

/// `_<17 digits>`; the 13-digit form of [`SliceTime`] is for tags only.
fn time(text: &str) -> Option<SliceTime> {
    text.strip_prefix('_').filter(|digits| digits.len() == 17).and_then(SliceTime::parse)
}

/// `_<index>`
fn index(text: &str) -> Option<u32> {
    u32::try_from(canonical(text.strip_prefix('_')?)?).ok()
}

/// A number as a computer writes it: digits only and no leading zero.
fn canonical(digits: &str) -> Option<u64> {
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    // `parse` alone would take a plus sign.
    if leading_zero || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

fn kind_word(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Mixed => "mixed",
        TrackKind::Audio => "audio",
        TrackKind::Video => "video",
        TrackKind::AudioVideo => "av",
    }
}

impl Role {
    fn extension(self) -> Extension {
        match self {
            Self::Playlist { .. } => Extension::Playlist,
            Self::DashManifest { .. } => Extension::DashManifest,
            Self::Slice { container, .. } => Extension::Slice(container),
            Self::Video { .. } => Extension::Video,
            Self::Audio { format, .. } => Extension::Audio(format),
            Self::Snapshot { .. } => Extension::Snapshot,
        }
    }
}

impl Ord for Transfer {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.index, self.tick).cmp(&(other.index, other.tick))
    }
}

impl PartialOrd for Transfer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(n) = self.failover {
            write!(f, "bak{n}_")?;
        }
        self.recording.fmt(f)?;
        if let Some(channel) = &self.channel {
            write!(f, "_{channel}")?;
        }
        let extension = self.role.extension();
        if let Some(uid) = self.track.uid {
            write!(f, "{UID_STARTS}{uid}__uid_e")?;
            let index_instead = match self.role {
                Role::Video { index } | Role::Audio { index, .. } => index.is_some(),
                Role::Playlist { .. } | Role::DashManifest { .. } => false,
                Role::Slice { .. } | Role::Snapshot { .. } => false,
            };
            if !(index_instead && extension.kind_without_type() == Some(self.track.kind)) {
                write!(f, "_{}", kind_word(self.track.kind))?;
            }
        }
        write!(f, "{}.{}", self.role, extension.word())
    }
}

/// What a role adds to a name before the extension.
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Playlist { transfer: Some(transfer) } | Self::DashManifest { transfer: Some(transfer) } => {
                transfer.fmt(f)
            }
            Self::Playlist { transfer: None } | Self::DashManifest { transfer: None } => Ok(()),
            Self::Slice { starts: time, .. } | Self::Snapshot { taken: time } => {
                write!(f, "_{}", time.digits())
            }
            Self::Video { index: Some(index) } | Self::Audio { index: Some(index), .. } => {
                write!(f, "_{index}")
            }
            Self::Video { index: None } | Self::Audio { index: None, .. } => Ok(()),
        }
    }
}

impl fmt::Display for Transfer {
    /// As it stands in the name: `_<tick>_<index>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "_{}_{}", self.tick, self.index)
    }
}

#[cfg(test)]
mod tests;
