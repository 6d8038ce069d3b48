//! What can be wrong with a recording. Codes and words are words of the interface and never change their meaning.

mod meaning;

use crate::domain::finding::Severity;

pub use meaning::Meaning;

/// Makes the list of rules: variant, code, word, weight, title.
macro_rules! rules {
    ($($rule:ident $code:literal $word:literal $severity:ident $title:literal;)*) => {
        /// What can be wrong, or worth knowing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $title] $rule,)*
        }

        impl Rule {
            /// All of them, by code.
            pub const ALL: &[Self] = &[$(Self::$rule),*];

            /// Its code: `RF101`.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$rule => $code,)* }
            }

            /// Its word: `segment-absent`. Where a fetch notices the same, its report uses this word too.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$rule => $word,)* }
            }

            /// What it weighs, unless a case says otherwise.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$rule => Severity::$severity,)* }
            }

            /// What it says, in one sentence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$rule => $title,)* }
            }
        }
    };
}

rules! {
    // --- segments
    SegmentAbsent "RF101" "segment-absent" Loss "a listed segment is in no store";
    SegmentElsewhere "RF102" "segment-elsewhere" Warning "a segment is only in another store";
    SegmentEmpty "RF103" "segment-empty" Loss "a segment has no bytes";
    SizeDiffers "RF104" "size-differs" Warning "a segment has another length in another store";
    SizeImplausible "RF105" "size-implausible" Warning "a segment is too small or too large for the time that it plays";
    NotPackets "RF106" "not-packets" Warning "the length of a transport stream is no multiple of 188";
    ContentType "RF107" "content-type" Warning "the store serves a file as the wrong type";
    SegmentFrozen "RF108" "segment-frozen" Warning "a segment is archived and has to be restored first";
    RestoreUnderWay "RF109" "restore-under-way" Note "an archived segment is being restored or is restored for a while";
    Orphan "RF110" "orphan" Warning "a slice is in no playlist";
    ListedTwice "RF111" "listed-twice" Warning "a playlist lists a segment twice";
    ChangedSinceListing "RF112" "changed-since-listing" Warning "an object is another version than was listed";
    KeptOther "RF113" "kept-other" Warning "the store has another version than the one that is kept";
    SegmentUnread "RF114" "segment-unread" Loss "nobody could say whether a segment is there";
    // --- the line of time
    UnlistedGap "RF201" "unlisted-gap" Loss "slices were lost before they were listed";
    Overlap "RF202" "overlap" Warning "two segments cover the same time";
    FailoverGap "RF203" "failover-gap" Warning "nothing was recorded while another recorder took over";
    FailoverOverlap "RF204" "failover-overlap" Note "two recorders cover the same time at a switch";
    ProbedGap "RF205" "probed-gap" Warning "no slice covers a time, and no playlist explains it";
    RecorderHole "RF206" "recorder-hole" Loss "Agora says that slices were lost before they were uploaded";
    NeverRecorded "RF207" "never-recorded" Note "nobody was sending";
    Failover "RF208" "failover" Warning "another recorder took over";
    // --- playlists
    NoPlaylist "RF301" "no-playlist" Loss "a track has no playlist";
    PlaylistEmpty "RF302" "playlist-empty" Loss "a playlist has no bytes";
    NotAPlaylist "RF303" "not-a-playlist" Loss "something else stands under a playlist's name";
    CutOff "RF304" "cut-off" Loss "a playlist breaks off";
    NotEnded "RF305" "not-ended" Loss "a playlist does not say that it is finished";
    ListsNothing "RF306" "lists-nothing" Loss "a playlist lists no segment";
    PlaylistOlder "RF307" "playlist-older" Warning "a playlist is older than slices that it should list";
    PlaylistSmaller "RF308" "playlist-smaller" Note "a transferred copy of a playlist is larger than the playlist";
    PlaylistSuperseded "RF309" "playlist-superseded" Note "a playlist has several versions";
    DeadReference "RF310" "dead-reference" Warning "a master names something that is not there";
    BadManifest "RF311" "bad-manifest" Warning "a DASH manifest could be read only in part";
    UnreadPlaylist "RF312" "unread-playlist" Loss "a playlist fits no track";
    UnsafeUri "RF313" "unsafe-uri" Loss "a playlist names something that is not requested";
    DurationWithoutUri "RF314" "duration-without-uri" Loss "a playlist has a duration without a segment";
    UriWithoutDuration "RF315" "uri-without-duration" Warning "a playlist has a segment without a duration";
    BadTag "RF316" "bad-tag" Warning "a tag of a playlist cannot be read";
    NotUtf8 "RF317" "not-utf8" Warning "a playlist is not UTF-8";
    TooLarge "RF318" "too-large" Loss "a playlist is larger than what is read of one";
    ReadersDisagree "RF319" "readers-disagree" Warning "two readers see other segments in a playlist";
    Encrypted "RF320" "encrypted" Note "segments are encrypted";
    PlaylistDenied "RF321" "playlist-denied" Loss "a playlist could not be read";
    PlaylistFrozen "RF322" "playlist-frozen" Loss "a playlist is archived and has to be restored first";
    TwinListsMore "RF323" "twin-lists-more" Warning "another version of a playlist lists segments that the chosen one does not";
    // --- stores and names
    ListDenied "RF401" "list-denied" Warning "a store refuses to list";
    ReadDenied "RF402" "read-denied" Loss "a store refuses to read: the key may only write";
    AnonymousRefused "RF403" "anonymous-refused" Warning "a store refuses readers without a key";
    KeyExpired "RF404" "key-expired" Warning "a key, token or signed URL has expired";
    ClockSkew "RF405" "clock-skew" Warning "the clock of this machine differs too much from the store's";
    KeyWrong "RF406" "key-wrong" Warning "a store does not know the key or its secret";
    OtherFolder "RF407" "other-folder" Note "the recording lies in another folder too";
    WrongPrefix "RF408" "wrong-prefix" Warning "the recording lies under another prefix than the settings say";
    FoundElsewhere "RF409" "found-elsewhere" Warning "the recording is in another store than the first";
    WrongRegion "RF410" "wrong-region" Warning "the bucket is in another region than the settings say";
    NoSuchBucket "RF411" "no-such-bucket" Warning "there is no such bucket";
    NotSearched "RF412" "not-searched" Warning "a store could not be searched";
    UnknownName "RF413" "unknown-name" Warning "a name does not follow Agora's rules";
    UnsafeKey "RF414" "unsafe-key" Warning "a key cannot be a safe name";
    OtherChannel "RF415" "other-channel" Warning "a file carries another channel than the rest";
    NoRanges "RF416" "no-ranges" Warning "players cannot read parts of a file";
    NoCors "RF417" "no-cors" Warning "web pages of other hosts may not read a file";
    StoreUnreachable "RF418" "store-unreachable" Warning "a store does not answer";
    PartOfMirror "RF419" "part-of-mirror" Loss "a mirror does not prove to be the whole recording";
    // --- the recording at Agora
    StillRunning "RF501" "still-running" Loss "the recording still runs";
    AbnormalExit "RF502" "abnormal-exit" Warning "the recorder ended abnormally";
    BackupUnderWay "RF503" "backup-under-way" Warning "Agora Cloud Backup still holds a part";
    BackupFailed "RF504" "backup-failed" Warning "Agora could not back up a part";
    BackupExpired "RF505" "backup-expired" Warning "the ten days of Agora Cloud Backup are over";
    UploadFailed "RF506" "upload-failed" Warning "Agora could not upload";
    ToldAbsent "RF507" "told-absent" Loss "Agora names a file that no store has";
    Mp4NotYet "RF508" "mp4-not-yet" Warning "an MP4 file is expected and not there yet";
    MissingIndex "RF509" "missing-index" Warning "a numbered file is missing";
    NoUser "RF510" "no-user" Warning "nobody was sending, so nothing was recorded";
    Token "RF511" "token" Warning "the token was wrong or expired, so nothing was recorded";
    UidClash "RF512" "uid-clash" Warning "the recorder had the uid of somebody in the channel";
    TranscodingConfig "RF513" "transcoding-config" Warning "the settings of the picture were refused";
    StorageConfig "RF514" "storage-config" Warning "bucket, region or keys that Agora was given are wrong";
    RecorderKeysExpired "RF515" "recorder-keys-expired" Warning "the temporary keys of the recorder ran out";
    Vod "RF516" "vod" Warning "files went to ApsaraVideo VoD, which is no bucket";
    Transcoding "RF517" "transcoding" Warning "transcoding after the recording failed";
    PageStopped "RF518" "page-stopped" Warning "the page recorder stopped by itself";
    RecorderFailed "RF519" "recorder-failed" Warning "the recorder reported an error";
    EventRefused "RF520" "event-refused" Warning "the signature of a callback does not fit";
    DownloadFailed "RF521" "download-failed" Warning "Agora could not read files from the bucket";
    // --- what was asked for
    LeftOut "RF551" "left-out" Note "files were left out on purpose";
    NothingOf "RF552" "nothing-of" Warning "a form was asked for that the recording does not have";
    // --- the bytes
    Structure "RF601" "structure" Loss "a segment cannot be decoded or is no media";
    ContinuityErrors "RF602" "continuity-errors" Warning "packets are missing inside a segment";
    PlaysShort "RF603" "plays-short" Loss "a segment plays for another time than its playlist says";
    TimestampsJump "RF604" "timestamps-jump" Warning "time stamps jump against the neighbours";
    SameBytes "RF605" "same-bytes" Warning "two segments have the same bytes";
    Misplaced "RF606" "misplaced" Loss "a segment has the bytes of another place";
    NoKeyFrame "RF607" "no-key-frame" Warning "a segment cannot be shown without the one before it";
    FormChanges "RF608" "form-changes" Warning "picture size or codec change without a discontinuity";
    SilentTrack "RF609" "silent-track" Warning "the sound of a track is nothing but silence";
    DigestDiffers "RF610" "digest-differs" Loss "the bytes have another digest than the store says";
}

impl Rule {
    /// By its code in any case, or its word.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.code().eq_ignore_ascii_case(text) || rule.word() == text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_and_words_are_each_used_once_and_in_order() {
        let codes: Vec<_> = Rule::ALL.iter().map(|rule| rule.code()).collect();
        assert!(codes.is_sorted() && codes.len() == codes.iter().collect::<BTreeSet<_>>().len(), "{codes:?}");
        let words: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.word()).collect();
        assert_eq!(words.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert_eq!(Rule::find(&rule.code().to_ascii_lowercase()), Some(*rule));
            assert_eq!(Rule::find(rule.word()), Some(*rule));
        }
        assert_eq!(Rule::find("RF999"), None);
    }
}
