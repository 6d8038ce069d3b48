//! What each rule means and what to do about it.

use super::Rule;

/// What a rule means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What it implies for the recording.
    pub means: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// Where that is documented.
    pub source: &'static str,
}

// Where the meanings come from. Where nobody publishes a bound, it is said that it is ours.
const FILES: &str = "Agora, \"Manage recorded files\", 2019 to 2026-07";
const PLAYBACK: &str = "Agora, \"Play back recorded files\", 2019 to 2026-07";
const CALLBACKS: &str = "Agora, \"Cloud Recording API callback service\", 2019-10 to 2026-06";
const BACKUP: &str =
    "Agora, glossary \"Agora Cloud Backup\", 2020-07-03, and \"Manage recorded files\", 2026-07";
const FAILOVER: &str =
    "Agora, FAQ \"high availability\", 2020 to 2026, and \"Manage recorded files\", 2026-07";
const FAQ: &str = "Agora, \"Cloud recording FAQ\", 2019-10-28";
const START: &str = "Agora, \"start\", 2019 to 2026-06";
const KEYS: &str = "Agora, \"Start recording\" (it suggests keys that may only write), 2022-07-28";
const SDK: &str = "Agora, \"Cloud Recording API\" (Java), 2019-04-29";
const HLS: &str = "RFC 8216, \"HTTP Live Streaming\", 2017-08";
const DASH: &str = "ISO/IEC 23009-1, \"MPEG-DASH\", 2022";
const PACKETS: &str = "ISO/IEC 13818-1, \"MPEG-2 Systems\", 2023";
const RANGES: &str = "RFC 9110, \"HTTP Semantics\", 2022-06";
const CORS: &str = "WHATWG, \"Fetch\", 2026";
const S3: &str = "Amazon, \"S3 error responses\", 2006-03-01 to 2026";
const CLASSES: &str = "Amazon, \"Restoring an archived object\", 2026; the like at Aliyun and Qiniu";
const REGIONS: &str = "Agora, \"Third-party cloud storage regions\", 2019 to 2026-06";
const OWN: &str = "recfetch: no document sets a bound";
const ASKED: &str = "recfetch: what was asked for";

const fn of(means: &'static str, remedy: &'static str, source: &'static str) -> Meaning {
    Meaning { means, remedy, source }
}

impl Rule {
    /// What it means, what to do, and where that is documented.
    #[must_use]
    pub fn meaning(self) -> Meaning {
        match self {
            Self::SegmentAbsent => of(
                "the playlist lists it and every store is sure not to have it: this part of the recording is lost unless \
                 Agora Cloud Backup still pushes it",
                "list again until ten days after the end (--wait-backup), then ask Agora with --ticket",
                BACKUP,
            ),
            Self::SegmentElsewhere => of(
                "the recording's own store lacks it, a fallback has it: players that read the bucket stop there",
                "fetch the recording with its fallback, or copy the segment into the bucket under the same name",
                FILES,
            ),
            Self::SegmentEmpty => of(
                "an upload left nothing but a name: the part is lost as if it were absent",
                "look for it in a fallback, and ask Agora with --ticket",
                OWN,
            ),
            Self::SizeDiffers => of(
                "two stores hold different bytes under one name, and at most one of them is right",
                "fetch both and compare them: the one that plays as long as the playlist says is right",
                OWN,
            ),
            Self::SizeImplausible => of(
                "it has far fewer or more bytes than its bitrate or the rest of the recording let expect: it may be cut off, \
                 or somebody shared a still picture",
                "look at its bytes with --deep",
                "Agora, \"Cloud Recording API\", table of bitrates, 2019-04-29; the bounds are ours",
            ),
            Self::NotPackets => of(
                "transport streams are packets of 188 bytes: the last one is cut, so its end is most likely lost",
                "look at its bytes with --deep, and look for a whole one in a fallback",
                PACKETS,
            ),
            Self::ContentType => of(
                "browsers and some players refuse a file of the wrong type although its bytes are right",
                "set application/vnd.apple.mpegurl for playlists and video/mp2t for slices in the store",
                PLAYBACK,
            ),
            Self::SegmentFrozen => of(
                "it is there, in an archive class that cannot be read until it is restored",
                "fetch with --restore: it asks for what is needed, and goes on when it can be read",
                CLASSES,
            ),
            Self::RestoreUnderWay => of(
                "the store is bringing it back from its archive, or has it back until a day that it tells",
                "fetch it when it can be read, and before that day",
                CLASSES,
            ),
            Self::Orphan => of(
                "it belongs to the recording by its name, but no playlist plays it: the recorder ended before it could list it, \
                 or the playlist is an old one",
                "rebuild the playlist with --write-playlist, and keep the slice",
                FILES,
            ),
            Self::ListedTwice => {
                of("players play it twice", "rebuild the playlist with --write-playlist", HLS)
            }
            Self::ChangedSinceListing => of(
                "something writes to the recording while it is looked at",
                "wait until the recording and the backup have finished, then check again",
                FILES,
            ),
            Self::KeptOther => of(
                "what is kept here was proven once, and the store has other bytes by now",
                "find out who changed the store before either copy is thrown away",
                OWN,
            ),
            Self::SegmentUnread => of(
                "a store refused or did not answer: whether the segment is lost is not known",
                "clear what stands in the way, then check again",
                OWN,
            ),
            Self::UnlistedGap => of(
                "between two slices that should follow each other time is missing, and nothing explains it: slices were lost \
                 before the playlist could name them",
                "ask Agora with --ticket; look at a log of callbacks with --events, which may explain it",
                "Agora, \"Manage recorded files\" (names carry the start of a slice), 2019 to 2026-07; the tolerance is ours",
            ),
            Self::Overlap => of(
                "the same time is there twice: players play it twice or jump",
                "join with `--overlap trim`, or look at both with --deep",
                "Agora, \"Manage recorded files\" (names carry the start of a slice), 2019 to 2026-07; the tolerance is ours",
            ),
            Self::FailoverGap => of(
                "the first recorder was gone and the next one not there yet: up to 90 seconds are not recorded anywhere",
                "accept the hole; it cannot be had from any store",
                FAILOVER,
            ),
            Self::FailoverOverlap => of(
                "both recorders recorded for a while, so the time is there twice and nothing is lost",
                "join with `--overlap trim`, which is the default",
                FAILOVER,
            ),
            Self::ProbedGap => of(
                "there is no playlist, and the playing times in the slices' own bytes leave a hole: slices were lost, or nobody \
                 was sending",
                "compare it with a log of callbacks (--events)",
                OWN,
            ),
            Self::RecorderHole => of(
                "event 42 tells where the last whole slice ended and where the next one starts: what lies between was lost at \
                 the recorder, and no store ever had it",
                "accept the hole, or ask Agora with --ticket why it came",
                CALLBACKS,
            ),
            Self::NeverRecorded => of(
                "nobody sent anything, or the recorder was not there: there is nothing to be had, and nothing is lost",
                "ignore it, unless somebody should have been sending",
                CALLBACKS,
            ),
            Self::Failover => of(
                "files that start with bak0_ to bak2_ go on where the first recorder ended, under another uid",
                "take them as a part of the recording, and name the time when asking Agora",
                FAILOVER,
            ),
            Self::NoPlaylist => of(
                "nobody vouches for which slices there were: whatever is rebuilt from their names may lack some",
                "look for the playlist under other prefixes and in the fallbacks; rebuild one with --write-playlist",
                FILES,
            ),
            Self::PlaylistEmpty => of(
                "an upload left nothing but a name: the playlist tells nothing",
                "look for a transferred copy (_<tick>_<index>.m3u8) or a fallback; rebuild one with --write-playlist",
                FILES,
            ),
            Self::NotAPlaylist => of(
                "an error page or something else was saved under the playlist's name",
                "find out what wrote it; look for the playlist in a fallback, or rebuild one with --write-playlist",
                HLS,
            ),
            Self::CutOff => of(
                "the playlist was not written to its end: slices behind the break are not listed",
                "look for another version of it; rebuild one with --write-playlist",
                HLS,
            ),
            Self::NotEnded => of(
                "EXT-X-ENDLIST is missing: the recording runs, the recorder ended abnormally, or a failover copy goes on",
                "wait until the recording has ended, then check again; after that take it as cut off",
                FILES,
            ),
            Self::ListsNothing => of(
                "the recorder wrote a playlist and never a slice, or the slices were lost before they were listed",
                "check whether slices are in the bucket, and whether anybody was sending",
                FAQ,
            ),
            Self::PlaylistOlder => of(
                "the recorder writes the playlist anew after its slices: one that is older is not the last version",
                "list again for a newer or transferred version; rebuild one with --write-playlist",
                FILES,
            ),
            Self::PlaylistSmaller => of(
                "of a playlist and its transferred copies the larger one is right, by Agora's own rule",
                "use the larger one; recfetch does so by itself",
                FILES,
            ),
            Self::PlaylistSuperseded => of(
                "the backup transferred further versions of it; the one with the highest index is the newest",
                "use the one that was chosen, and keep the others as they are",
                FILES,
            ),
            Self::DeadReference => of(
                "Agora writes masters that name playlists which never came; many players refuse the master for that",
                "rebuild the master without the name, or play the playlists by themselves",
                "an issue of the project flat-server of a company of Agora's group, 2022",
            ),
            Self::BadManifest => of(
                "names behind the damage are not known, so something may be missing without being missed",
                "compare it with the listing of the folder, and look for a whole one in a fallback",
                DASH,
            ),
            Self::UnreadPlaylist => of(
                "what it lists belongs to no track that is known, so nobody checked it",
                "name the channel with --channel, or the playlist with --playlist",
                FILES,
            ),
            Self::UnsafeUri => of(
                "the name climbs out of the folder or points to another host: Agora never writes such names",
                "find out who wrote the playlist; request it only with --allow-absolute, if you trust it",
                "Agora, \"Manage recorded files\" (names are bare), 2019 to 2026-07",
            ),
            Self::DurationWithoutUri => of(
                "a segment's line is missing, so a part of the recording has lost its name",
                "look among the orphans for the slice of that time",
                HLS,
            ),
            Self::UriWithoutDuration => of(
                "how long the segment plays is not known, so holes around it cannot be seen",
                "look at its bytes with --deep",
                HLS,
            ),
            Self::BadTag => of(
                "what the tag says is not known",
                "compare the line with another version of the playlist",
                HLS,
            ),
            Self::NotUtf8 => of(
                "names in it may not be those of the objects",
                "look for another version of the playlist in the bucket or a fallback",
                HLS,
            ),
            Self::TooLarge => of(
                "it was not read to its end: what stands behind the limit is not checked",
                "check whether it is a playlist at all",
                OWN,
            ),
            Self::ReadersDisagree => of(
                "the playlist is written so that players may see other segments than recfetch does",
                "rebuild the playlist with --write-playlist for players",
                HLS,
            ),
            Self::Encrypted => of(
                "what is in the segments cannot be seen: only their length and digest can be checked",
                "keep the key with the recording",
                HLS,
            ),
            Self::PlaylistDenied => of(
                "the playlist is there and the key may not read it: what it lists is not known",
                "use a key that may read; the recorder's own often may only write",
                KEYS,
            ),
            Self::PlaylistFrozen => of(
                "the playlist is in an archive class: what it lists is not known until it is restored",
                "fetch with --restore, or restore it in the store, and check again",
                CLASSES,
            ),
            Self::TwinListsMore => of(
                "the version that Agora's rule chooses lacks segments that another version lists",
                "rebuild one of both with --write-playlist",
                FILES,
            ),
            Self::ListDenied => of(
                "what no playlist names cannot be seen, and refused is not absent",
                "allow the key to list, or use another one",
                KEYS,
            ),
            Self::ReadDenied => of(
                "the key may write or list and not read: keys for recording are often made so",
                "use a key that may read",
                KEYS,
            ),
            Self::AnonymousRefused => of(
                "players without a key cannot play the recording from this bucket",
                "sign the addresses, serve the files through a host of your own, or open the bucket for reading",
                PLAYBACK,
            ),
            Self::KeyExpired => of(
                "the store refuses because of the time, and it says nothing about the files",
                "get a new key, token or address, and run the same again",
                S3,
            ),
            Self::ClockSkew => of(
                "signatures carry the time, and stores refuse those of another time",
                "set the clock of this machine",
                S3,
            ),
            Self::KeyWrong => of(
                "the store knows nobody by this key, and it says nothing about the files",
                "check both halves of the key, and that they are of this vendor and account",
                S3,
            ),
            Self::OtherFolder => of(
                "files of the same recording lie under two prefixes: one may be a copy, or the rest",
                "compare both folders, and name the right one with --prefix",
                FILES,
            ),
            Self::WrongPrefix => of(
                "fileNamePrefix was another one when it was recorded",
                "set `prefix` of the store to what was found",
                START,
            ),
            Self::FoundElsewhere => of(
                "it went to another bucket than was thought, often because it was started twice with other settings",
                "name that store first, and look at the storageConfig that was sent",
                START,
            ),
            Self::WrongRegion => of(
                "the store was found all the same, or sent the request on; Agora's uploader may have failed by the same mistake",
                "set `region` of the store to what was found; see `recfetch regions`",
                REGIONS,
            ),
            Self::NoSuchBucket => of(
                "nothing can be said about the recording: the name, the region or the account is wrong",
                "check the bucket's name, its region and whose account it is",
                S3,
            ),
            Self::NotSearched => of(
                "whether the recording is there is not known",
                "clear what stands in the way, or name the store that has it",
                OWN,
            ),
            Self::UnknownName => of(
                "it starts like a file of the recording and goes on otherwise: a new form of Agora's, or somebody else's file",
                "look at it; it is kept and not played",
                FILES,
            ),
            Self::UnsafeKey => of(
                "the key climbs, starts at a root or has a control character: nothing is done with it",
                "rename the object in the store if it is wanted",
                OWN,
            ),
            Self::OtherChannel => of(
                "one recording has one channel: the file may be of another one with the same ID in its name",
                "name the channel with --channel, and look at the file",
                FILES,
            ),
            Self::NoRanges => of(
                "players cannot jump, and a cut transfer starts again from zero",
                "serve the files from a host that answers ranges with 206",
                RANGES,
            ),
            Self::NoCors => of(
                "players in web pages of other hosts get nothing, although the address works by itself",
                "allow the page's origin in the rules of the bucket, for GET and HEAD",
                CORS,
            ),
            Self::StoreUnreachable => of(
                "nothing can be said about what it has",
                "check the network, the proxy settings and the endpoint, then check again",
                OWN,
            ),
            Self::PartOfMirror => of(
                "it was never finished, is being written, changed since, or was not whole from the start",
                "look with `recfetch verify --store`, and mirror it again from its source",
                OWN,
            ),
            Self::StillRunning => of(
                "more will come: what is missing now may not be lost",
                "wait until it has ended and is uploaded, then check again",
                CALLBACKS,
            ),
            Self::AbnormalExit => of(
                "the playlist may lack its end, and the last slices may be missing",
                "check the end of the recording, and look for orphans and bak0_ files behind it",
                CALLBACKS,
            ),
            Self::BackupUnderWay => of(
                "at least one slice went to Agora Cloud Backup, which pushes it to the bucket within ten days or drops it; which \
                 one is never told",
                "list again until ten days after the end (--wait-backup), then ask Agora with --ticket",
                BACKUP,
            ),
            Self::BackupFailed => of(
                "slices reached neither the bucket nor the backup: what is missing may be lost for good",
                "ask Agora with --ticket at once",
                SDK,
            ),
            Self::BackupExpired => of(
                "the backup has deleted what it still held: nothing more comes by itself",
                "ask Agora with --ticket, and take what is missing as lost unless it answers otherwise",
                BACKUP,
            ),
            Self::UploadFailed => of(
                "slices may be in Agora Cloud Backup, or lost; since 2019-10-08 nothing is backed up where bucket or keys are \
                 wrong",
                "list again within ten days of the end; check bucket, region and keys",
                CALLBACKS,
            ),
            Self::ToldAbsent => of(
                "Agora wrote the file, or says so, and it is not where it should be",
                "look under other prefixes and in other stores, then ask Agora with --ticket",
                CALLBACKS,
            ),
            Self::Mp4NotYet => of(
                "MP4 files are made after the recording, within 24 hours, in some cases after 48",
                "wait for it; the slices hold the same",
                FILES,
            ),
            Self::MissingIndex => of(
                "MP4 and sound files are numbered from 0 without a hole, so one was lost or is still to come",
                "wait 48 hours, then take the slices of that time",
                FILES,
            ),
            Self::NoUser => of(
                "without a sender nothing is recorded, and the recorder leaves after maxIdleTime: expect no files",
                "check that somebody sends, and that the recorder subscribes to them",
                FAQ,
            ),
            Self::Token => of(
                "the recorder was not let into the channel, or was put out of it: expect no files from then on",
                "make a token for the recorder's own uid and this channel that lasts as long as the recording",
                FAQ,
            ),
            Self::UidClash => of(
                "two with one uid put each other out of the channel: the recording fails",
                "give the recorder a uid that nobody in the channel has",
                FAQ,
            ),
            Self::TranscodingConfig => of(
                "size, frame rate or bitrate are none that the service takes, so nothing was recorded",
                "take transcodingConfig from the table of the documents",
                FAQ,
            ),
            Self::StorageConfig => of(
                "nothing could be uploaded, and since 2019-10-08 the backup has nothing either: expect no files",
                "correct vendor, region, bucket and keys in storageConfig, then record again",
                FAQ,
            ),
            Self::RecorderKeysExpired => of(
                "slices after that moment did not reach the bucket",
                "give the recorder new keys in time (`update`); list again within ten days for what the backup pushes",
                "Agora, release notes of 2024-08-02 (stsExpiration); the event is in lists of others only, to 2025",
            ),
            Self::Vod => of(
                "the files are in ApsaraVideo VoD, and no bucket has them",
                "look for the video there, by its videoId",
                CALLBACKS,
            ),
            Self::Transcoding => of(
                "MP4 or sound files are missing; slices and playlists are not touched by it",
                "take the slices",
                CALLBACKS,
            ),
            Self::PageStopped => of(
                "nothing was recorded from then on; the number says why",
                "look up the number with `recfetch explain page-stop:NUMBER`, and change the page or the limit",
                CALLBACKS,
            ),
            Self::RecorderFailed => of(
                "slices around that time may be missing",
                "look up the code with `recfetch explain CODE`, and check the recording around that time",
                CALLBACKS,
            ),
            Self::EventRefused => of(
                "somebody else sent it, or it was changed since: nothing of it was believed",
                "check the secret, and that bodies are saved byte for byte with their headers",
                "Agora, \"Receive notifications\" (signatures), 2022 to 2026-06",
            ),
            Self::DownloadFailed => of(
                "Agora wanted to work on files of the recording and could not read them: they are missing, or may not be read",
                "look for the named files in the bucket and the fallbacks",
                CALLBACKS,
            ),
            Self::LeftOut => {
                of("nothing is said about these files", "check again without --only where they matter", ASKED)
            }
            Self::NothingOf => of(
                "the recording was made without that form, or its files are not there yet",
                "look at avFileType in what was sent to `start`; wait up to 48 hours for MP4",
                START,
            ),
            Self::Structure => of(
                "its bytes are no media of its kind, or break off: the part cannot be played",
                "look for a whole one in a fallback, and ask Agora with --ticket",
                PACKETS,
            ),
            Self::ContinuityErrors => of(
                "packets were lost before the upload: picture or sound stumble there",
                "accept it; no store has the packets",
                PACKETS,
            ),
            Self::PlaysShort => of(
                "its time stamps end before the playlist says: it was cut, or the playlist is wrong",
                "look for a longer one in a fallback, and compare with the start of the next slice",
                OWN,
            ),
            Self::TimestampsJump => of(
                "players may stumble at its seams, and tools that copy time stamps get the length wrong",
                "join with a discontinuity there, as play.m3u8 of a bag does",
                PACKETS,
            ),
            Self::SameBytes => of(
                "one of the two was overwritten with the other before or at the upload, so one part is lost",
                "look for the right bytes in a fallback",
                OWN,
            ),
            Self::Misplaced => of(
                "its time stamps belong to another place of the recording: its own part is lost here",
                "look for the right bytes in a fallback, and find out what copied the files",
                OWN,
            ),
            Self::NoKeyFrame => of(
                "it starts in the middle of a picture: Agora cuts so after 5.5 minutes or 50 MB without a key frame",
                "play it together with the slice before it",
                "Agora, \"Manage recorded files\" (slicing), 2019 to 2026-07",
            ),
            Self::FormChanges => of(
                "players that were told of no break may show nothing from there on",
                "join it as runs of their own, or rebuild the playlist with --write-playlist",
                FILES,
            ),
            Self::SilentTrack => of(
                "somebody was muted all the time, or the wrong stream was recorded",
                "check who was to be heard, and what the recorder subscribed to",
                OWN,
            ),
            Self::DigestDiffers => of(
                "the bytes that came are not those that the store vouches for",
                "fetch it again, then from a fallback; check proxies on the way",
                S3,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What an instruction starts with.
    const VERBS: &str = "accept allow ask check clear compare correct fetch find get give ignore join keep list look make \
                         name play rebuild rename restore serve set sign take use wait";

    fn is_an_instruction(text: &str) -> bool {
        VERBS.split_whitespace().any(|verb| text.split(' ').next() == Some(verb))
    }

    #[test]
    fn every_rule_says_what_it_means_what_to_do_and_where_that_stands() {
        let mut seen = BTreeSet::new();
        for rule in Rule::ALL {
            let Meaning { means, remedy, source } = rule.meaning();
            for text in [means, remedy, source] {
                assert!(text.len() > 10 && !text.ends_with('.') && !text.contains("  "), "{rule:?}: {text}");
                assert!(!text.contains('\n'), "{rule:?}: {text}");
            }
            assert!(is_an_instruction(remedy), "{rule:?}: {remedy}");
            let dated = source.starts_with("recfetch: ") || source.contains("20");
            assert!(dated, "{rule:?}: {source}");
            assert!(seen.insert(means), "{rule:?} means what another one means: {means}");
            assert_ne!(means, rule.title());
        }
        assert!(!is_an_instruction("the segment is lost"));
    }
}
