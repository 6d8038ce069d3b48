//! States, and why something ended.

use super::{Entry, Family, entry};

const CALLBACKS: &str = "Agora, \"Cloud Recording API callback service\", 2019-10 to 2026-06";
const STATE: (Family, &str) = (Family::Status, CALLBACKS);
const STOP: (Family, &str) = (Family::UploadingStatus, "Agora, \"stop\", 2019 to 2026-06");
const LEFT: (Family, &str) = (Family::Leave, CALLBACKS);
const LEFT_OLD: (Family, &str) =
    (Family::LeaveOld, "Agora, \"Callback service\", 2019; its numbers mean something else today");
const EXITED: (Family, &str) =
    (Family::Exit, "Agora, \"Cloud Recording API callback service\", 2020 to 2026-06");
const PAGE: (Family, &str) = (Family::PageStop, CALLBACKS);
const QUERIED: (Family, &str) = (Family::PageState, "Agora, \"query\", 2021 to 2026-06");
const LIMIT: (Family, &str) = (Family::PageLimit, CALLBACKS);
const TRANSCODED: (Family, &str) =
    (Family::Transcoding, "Agora, \"Cloud Recording API callback service\", 2022 to 2026-06");

/// `status` of `query` and of event 3.
pub(super) const STATUS: &[Entry] = &[
    entry(STATE, Some(0), &[], ["recording has not started", "there are none yet", "wait, and query again"]),
    entry(STATE, Some(1), &[], ["the recorder is set up", "there are none yet", "wait, and query again"]),
    entry(
        STATE,
        Some(2),
        &[],
        ["the parts of the recorder are starting", "there are none yet", "wait, and query again"],
    ),
    entry(STATE, Some(3), &[], ["the uploader is ready", "there are none yet", "wait, and query again"]),
    entry(
        STATE,
        Some(4),
        &[],
        [
            "recorder and uploader are ready",
            "the first comes with the first sender",
            "check that somebody sends if it stays so",
        ],
    ),
    entry(
        STATE,
        Some(5),
        &[],
        [
            "recording goes on, and the first file was uploaded",
            "they are arriving, and the playlist is not the last one",
            "wait for the end before anything is fetched",
        ],
    ),
    entry(
        STATE,
        Some(6),
        &[],
        ["recording is being stopped", "the last ones are still on their way", "wait for event 31 or 32"],
    ),
    entry(
        STATE,
        Some(7),
        &[],
        [
            "the recording service has stopped",
            "the upload may still go on",
            "wait for event 31 or 32, then check the recording",
        ],
    ),
    entry(
        STATE,
        Some(8),
        &[],
        [
            "the recording is about to exit",
            "all that were uploaded are there",
            "check the recording; from now on `query` answers 404",
        ],
    ),
    entry(
        STATE,
        Some(20),
        &[],
        [
            "the recording ended abnormally",
            "the playlist may lack its end, and the last slices may be missing",
            "check the end of the recording, and look for `bak0_` files",
        ],
    ),
];

/// `uploadingStatus`.
pub(super) const UPLOADING: &[Entry] = &[
    entry(
        STOP,
        None,
        &["uploaded"],
        [
            "all files were uploaded to the customer's store",
            "all of them should be in the bucket",
            "fetch the recording and see that each segment is there",
        ],
    ),
    entry(
        STOP,
        None,
        &["backuped", "backuping"],
        [
            "all files were uploaded, but at least one slice to Agora Cloud Backup; `backuping` is expected by one client only",
            "some are missing in the bucket until the backup has pushed them there; `fileList` may be empty",
            "list the bucket again for up to ten days",
        ],
    ),
    entry(
        STOP,
        None,
        &["unknown", "unknow"],
        [
            "`stop` did not wait long enough to know; documents of 2021 spell it `unknow`",
            "the upload may still go on",
            "wait for event 31 or 32, or look into the bucket later",
        ],
    ),
];

/// Bits of `leaveCode`.
pub(super) const LEAVE: &[Entry] = &[
    entry(
        LEFT,
        Some(0),
        &["LEAVE_CODE_INIT"],
        ["setting up the recorder failed", "expect no files", "start again; ask Agora where it stays"],
    ),
    entry(
        LEFT,
        Some(2),
        &["LEAVE_CODE_SIG"],
        [
            "the recorder's process was told to end by a signal",
            "those until then should be uploaded",
            "check the end of the recording",
        ],
    ),
    entry(
        LEFT,
        Some(4),
        &["LEAVE_CODE_NO_USERS"],
        [
            "nobody was in the channel for `maxIdleTime`",
            "those until the last user left should be uploaded; there are none where nobody ever sent",
            "raise `maxIdleTime` where pauses are long",
        ],
    ),
    entry(
        LEFT,
        Some(8),
        &["LEAVE_CODE_TIMER_CATCH"],
        [
            "a timer of the recorder; it means nothing by itself",
            "nothing follows for them",
            "ignore it, and look at the other bits",
        ],
    ),
    entry(
        LEFT,
        Some(16),
        &["LEAVE_CODE_CLIENT_LEAVE"],
        [
            "the recorder left the channel by itself, as `stop` makes it",
            "those until then should be uploaded",
            "wait for event 31 or 32, then check the recording",
        ],
    ),
];

/// Bits of `leaveCode` in 2019.
pub(super) const LEAVE_OLD: &[Entry] = &[
    entry(
        LEFT_OLD,
        Some(1),
        &["LEAVE_CODE_SIG"],
        [
            "the recorder's process was told to end by a signal",
            "those until then should be uploaded",
            "check the end of the recording",
        ],
    ),
    entry(
        LEFT_OLD,
        Some(2),
        &["LEAVE_CODE_NO_USERS"],
        [
            "nobody was in the channel for `maxIdleTime`",
            "those until the last user left should be uploaded",
            "raise `maxIdleTime` where pauses are long",
        ],
    ),
    entry(
        LEFT_OLD,
        Some(4),
        &["LEAVE_CODE_TIMER_CATCH"],
        [
            "a timer of the recorder; it means nothing by itself",
            "nothing follows for them",
            "ignore it, and look at the other bits",
        ],
    ),
    entry(
        LEFT_OLD,
        Some(8),
        &["LEAVE_CODE_CLIENT_LEAVE"],
        [
            "the recorder left the channel by itself, as `stop` makes it",
            "those until then should be uploaded",
            "check the recording when the upload has ended",
        ],
    ),
];

/// `exitStatus`.
pub(super) const EXIT: &[Entry] = &[
    entry(
        EXITED,
        Some(0),
        &[],
        [
            "the service ended as it should, after the upload",
            "all of them are uploaded",
            "fetch the recording and see that each segment is there",
        ],
    ),
    entry(
        EXITED,
        Some(1),
        &[],
        [
            "the service ended abnormally; a wrong parameter is one of the causes",
            "the playlist may lack its end, slices may be missing, or there are none at all",
            "look for event 1 before it, and check the end of the recording",
        ],
    ),
];

/// `code` and `message` of event 71.
pub(super) const PAGE_STOP: &[Entry] = &[
    entry(
        PAGE,
        Some(0),
        &["ok"],
        [
            "somebody stopped page recording",
            "those until then should be uploaded",
            "wait for event 31 or 32, then check the recording",
        ],
    ),
    entry(
        PAGE,
        Some(1),
        &["max_recording_hour"],
        [
            "page recording reached `maxRecordingHour`",
            "those of that time are whole, and later ones were never recorded",
            "raise `maxRecordingHour`, or start another recording in time",
        ],
    ),
    entry(
        PAGE,
        Some(2),
        &["capability_limit"],
        [
            "the page uses something that page recording does not support",
            "expect those from before",
            "change the page: no WebGL, no video above 1280 × 720, less bandwidth",
        ],
    ),
    entry(
        PAGE,
        Some(3),
        &["start_engine_failed"],
        [
            "the engine of page recording did not start",
            "expect no files",
            "start again; ask Agora where it stays",
        ],
    ),
    entry(
        PAGE,
        Some(4),
        &["page_load_timeout"],
        [
            "the page did not load in time",
            "expect no files, or those from before the page was loaded again",
            "make the page load faster, or raise the time that it has",
        ],
    ),
    entry(
        PAGE,
        Some(5),
        &["access_url_failed"],
        [
            "the page could not be opened",
            "expect no files",
            "check that the address can be opened from everywhere without signing in",
        ],
    ),
    entry(
        PAGE,
        Some(6),
        &["recorder_error"],
        [
            "page recording failed and could not go on",
            "expect a part: the playlist may lack its end",
            "check what is there, and record again",
        ],
    ),
];

/// `state` of `web_recorder_service`.
pub(super) const PAGE_STATE: &[Entry] = &[
    entry(
        QUERIED,
        None,
        &["init"],
        ["page recording is being set up", "there are none yet", "wait, and query again"],
    ),
    entry(
        QUERIED,
        None,
        &["inProgress"],
        [
            "page recording goes on",
            "they are arriving; `fileList` stays empty until the end",
            "wait for the end before anything is fetched",
        ],
    ),
    entry(
        QUERIED,
        None,
        &["exit"],
        [
            "page recording has ended",
            "the upload may still go on",
            "wait for event 31 or 32, then check the recording",
        ],
    ),
];

/// `limitType`.
pub(super) const PAGE_LIMIT: &[Entry] = &[
    entry(
        LIMIT,
        None,
        &["resolution"],
        [
            "the page has a video above 1280 × 720",
            "expect those from before",
            "show a smaller video in the page",
        ],
    ),
    entry(
        LIMIT,
        None,
        &["WebGL"],
        ["the page uses WebGL", "expect those from before", "make a page without WebGL"],
    ),
    entry(
        LIMIT,
        None,
        &["bandwidth"],
        [
            "the page sends more than 10 M or receives more than 1 G, as the document puts it",
            "expect those from before",
            "make the page load less",
        ],
    ),
];

/// `result`.
pub(super) const TRANSCODING: &[Entry] = &[
    entry(
        TRANSCODED,
        None,
        &["all_success", "total_success"],
        ["all files were transcoded", "MP4 or sound files are in the bucket", "fetch them with the slices"],
    ),
    entry(
        TRANSCODED,
        None,
        &["partial_success"],
        [
            "some files were not transcoded",
            "MP4 or sound files of some users are missing; slices and playlists are not touched",
            "take the slices of those that are missing",
        ],
    ),
    entry(
        TRANSCODED,
        None,
        &["fail", "failed"],
        [
            "no file was transcoded",
            "MP4 or sound files are missing; slices and playlists are not touched",
            "take the slices; look for event 90, which tells why",
        ],
    ),
];
