//! Findings as people read them.

use std::fmt;

use super::{Finding, MirrorLack, NotPlaylist, UnsafeUri};

impl fmt::Display for UnsafeUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(why) => why.fmt(f),
            Self::OtherHost => f.write_str("it names another host"),
        }
    }
}

impl fmt::Display for NotPlaylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::Xml => "holds an XML document, not a playlist",
            Self::Html => "holds a web page, not a playlist",
            Self::Other => "does not start with #EXTM3U",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownName { key } => write!(f, "`{key}` does not follow Agora's names"),
            Self::UnsafeKey { text, why } => write!(f, "`{text}` in the listing is left alone: {why}"),
            Self::TransferChosen { chosen, other } => {
                write!(
                    f,
                    "`{chosen}` is used rather than `{other}`, by Agora's rule for transferred playlists"
                )
            }
            Self::OtherFolder { key } => write!(f, "the recording lies in another folder too: `{key}`"),
            Self::Orphan { key } => write!(f, "`{key}` is in the bucket but in no playlist"),
            Self::ListDenied { from } => {
                write!(f, "{from} refused to list: what the playlist does not name cannot be seen")
            }
            Self::PartOfMirror { from, why } => match why {
                MirrorLack::NoMark => {
                    write!(f, "the mirror in {from} has no mark: it was not finished, and may lack objects")
                }
                MirrorLack::OtherThanMarked { file } => {
                    write!(f, "the mirror in {from} is not as its mark says: {file} changed or is gone")
                }
                MirrorLack::WasNotWhole { outcome } => {
                    write!(f, "the mirror in {from} was {outcome} when it was written")
                }
                MirrorLack::HoldsOnly { forms } => {
                    write!(f, "the mirror in {from} holds only {}", forms.join(", "))
                }
            },
            Self::FoundElsewhere { from } => write!(f, "the recording was found in {from}"),
            Self::RegionFollowed { from, region } => {
                write!(f, "the bucket of {from} is in region {region}; the settings say otherwise")
            }
            Self::NotSearched { from, why } => write!(f, "{from} could not be searched: {why}"),
            Self::NoPlaylist { track } => write!(f, "no playlist could be had for {track}"),
            Self::OtherChannel { key } => write!(f, "`{key}` carries another channel than the rest"),
            Self::UnreadPlaylist { key } => {
                write!(f, "`{key}` fits no track of the recording: what it lists was not checked")
            }
            Self::NotAPlaylist { playlist, what } => write!(f, "`{playlist}` {what}"),
            Self::ListsNothing { playlist } => write!(f, "`{playlist}` lists no segment"),
            Self::NotEnded { playlist } => {
                write!(f, "`{playlist}` has no EXT-X-ENDLIST: still recording, crashed, or superseded")
            }
            Self::CutOff { playlist, line } => write!(f, "`{playlist}` breaks off in line {line}"),
            Self::TooLarge { playlist, limit } => {
                write!(f, "`{playlist}` is larger than what is read of a playlist ({limit})")
            }
            Self::UnsafeUri { playlist, line, uri, why } => {
                write!(f, "`{playlist}` line {line}: `{uri}` is not requested: {why}")
            }
            Self::DurationWithoutUri { playlist, line } => {
                write!(f, "`{playlist}` line {line}: a duration without a segment")
            }
            Self::UriWithoutDuration { playlist, line } => {
                write!(f, "`{playlist}` line {line}: a segment without a readable duration")
            }
            Self::ListedTwice { playlist, line, name } => {
                write!(f, "`{playlist}` line {line}: `{name}` is listed again")
            }
            Self::NotUtf8 { playlist, line } => write!(f, "`{playlist}` line {line} is not UTF-8"),
            Self::BadTag { playlist, line, tag } => {
                write!(f, "`{playlist}` line {line}: the value of {tag} cannot be read")
            }
            Self::ReadersDisagree { playlist, scanner, library: Some(library) } => write!(
                f,
                "`{playlist}`: {scanner} segments by its lines, {library} by m3u8-rs; the lines are believed"
            ),
            Self::ReadersDisagree { playlist, scanner, library: None } => write!(
                f,
                "`{playlist}`: {scanner} segments by its lines, unreadable for m3u8-rs; the lines are believed"
            ),
            Self::Encrypted { playlist, line } => {
                write!(f, "`{playlist}` line {line}: segments are encrypted, their structure cannot be seen")
            }
            Self::UnlistedGap { track, after, before, ms } => write!(
                f,
                "{track}: {ms} ms between `{after}` and `{before}` are in no playlist: lost before they were listed"
            ),
            Self::Overlap { track, after, before, ms } => {
                write!(f, "{track}: `{after}` and `{before}` overlap by {ms} ms")
            }
            Self::FailoverGap { track, after, before, ms } if *ms < 0 => {
                write!(f, "{track}: at the failover `{after}` and `{before}` overlap by {} ms", -ms)
            }
            Self::FailoverGap { track, after, before, ms } => {
                write!(f, "{track}: {ms} ms are missing at the failover between `{after}` and `{before}`")
            }
            Self::PlaysShort { name, expected_ms, found_ms } => write!(
                f,
                "`{name}` plays {found_ms} ms of {expected_ms} ms, and no store vouches for it: it may have lost \
                 its end"
            ),
            Self::KeptOther { name } => {
                write!(f, "`{name}`: the store has another version by now than the one that is kept")
            }
            Self::ChangedSinceListing { name } => write!(f, "`{name}` changed since it was listed"),
            Self::ContinuityErrors { name, count } => {
                write!(f, "`{name}` was recorded with {count} breaks in its packet numbers")
            }
            Self::TimestampsJump { name, ms } => {
                write!(f, "`{name}`: the time stamps jump by {ms} ms against its neighbours")
            }
            Self::SameBytes { name, other } => {
                write!(f, "`{name}` has the same bytes as `{other}`, and was stored so")
            }
            Self::ToldAbsent { key, .. } => write!(f, "Agora names `{key}`, and the store does not have it"),
            Self::DeadReference { master, name } => {
                write!(f, "`{master}` refers to `{name}`, which is not there")
            }
            Self::BadManifest { key } => write!(f, "`{key}` could be read only in part"),
            Self::MissingIndex { track, kind, missing, count, last, beside: _ } => {
                let numbers: Vec<String> = missing.iter().map(u32::to_string).collect();
                let more = if *count > missing.len() as u64 { ", …" } else { "" };
                let verb = if *count == 1 { "is" } else { "are" };
                write!(f, "{track}: {kind} {}{more} of 0..{last} {verb} not there", numbers.join(", "))
            }
            Self::LeftOut { objects, bytes } => {
                let objects = match objects {
                    1 => "1 object was".to_owned(),
                    n => format!("{n} objects were"),
                };
                write!(f, "{objects} not asked for and left out on purpose ({bytes} bytes)")
            }
            Self::NothingOf { form } => {
                write!(f, "{form} was asked for, and the recording has no such file here")
            }
            Self::ProbedGap { track, after, before, ms } => write!(
                f,
                "{track}: no slice covers {ms} ms between `{after}` and `{before}`, and no playlist explains it"
            ),
        }
    }
}
