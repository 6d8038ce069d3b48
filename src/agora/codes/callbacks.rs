//! Events of the notification service, and the errors and warnings that they carry.

use super::{Entry, Family, entry};

const PAGE: &str = "Agora, \"Cloud Recording API callback service\", 2019-10 to 2026-06";
const EVENT: (Family, &str) = (Family::Event, PAGE);
/// Known from lists of others only.
const UNCONFIRMED: (Family, &str) =
    (Family::Event, "in no public document of Agora's; lists of others, to 2025");
const IN_SERVICE: (Family, &str) = (Family::Service, PAGE);
const IN_UPLOADER: (Family, &str) = (Family::Uploader, PAGE);
const WARNING: (Family, &str) = (Family::Warning, PAGE);

/// What `eventType` numbers.
pub(super) const EVENTS: &[Entry] = &[
    entry(
        EVENT,
        Some(1),
        &["cloud_recording_error"],
        [
            "an error; `module` says whose: 0 recorder, 1 uploader, 2 service, 6 page recorder; `errorLevel` 5 is fatal",
            "it depends on `errorCode`; a fatal one may have ended the recording",
            "look up `errorCode` in the module's table",
        ],
    ),
    entry(
        EVENT,
        Some(2),
        &["cloud_recording_warning"],
        [
            "a warning; `module` says whose, `warnCode` which",
            "31 and 32 of the uploader say that a slice was uploaded again",
            "look up `warnCode`; recover nothing unless slices are missing at the end",
        ],
    ),
    entry(
        EVENT,
        Some(3),
        &["cloud_recording_status_update"],
        [
            "a call came that does not fit the recording's status, which it tells; which `recordingMode` is 0 and which is 1 \
         differs between the languages of the documents",
            "it names the playlist and says nothing about whether slices are there",
            "look up `status`",
        ],
    ),
    entry(
        EVENT,
        Some(4),
        &["cloud_recording_file_infos"],
        [
            "the playlist was written for the first time; later versions overwrite it without an event",
            "the playlist is in the bucket and lists what was recorded until then",
            "keep the name; wait for the end before anything is fetched",
        ],
    ),
    entry(
        EVENT,
        Some(11),
        &["session_exit"],
        [
            "the recording service has ended; `exitStatus` 0 is after the upload, 1 is abnormal",
            "after 0 all of them are uploaded; after 1 the playlist may lack its end, and slices may be missing",
            "check the end of the recording where `exitStatus` is not 0",
        ],
    ),
    entry(
        EVENT,
        Some(12),
        &["session_failover"],
        [
            "another recorder took over within 90 seconds, under the random uid `newUid`; at most three times",
            "files that start with `bak0_` to `bak2_` belong to the recording too, and up to 90 seconds may be missing",
            "take the failover copies together with the playlist; name both when asking Agora",
        ],
    ),
    entry(
        (Family::Event, "Agora, \"Best practices\", 2022 to 2026; no field is documented"),
        Some(13),
        &["high_availability_register_success"],
        [
            "the recording is registered for high availability",
            "nothing follows for them by itself",
            "expect `bak0_` files if a failover comes",
        ],
    ),
    entry(
        EVENT,
        Some(30),
        &["uploader_started"],
        [
            "the uploader has started; `status` 0 is normal",
            "they begin to arrive within a minute",
            "wait; check `status` where it is not 0",
        ],
    ),
    entry(
        EVENT,
        Some(31),
        &["uploaded"],
        [
            "all files were uploaded to the customer's store; `status` other than 0 is abnormal. `fileList` names playlists and \
         MP4 files since 2021-04-29, and nothing in page mode",
            "all of them should be in the bucket; after a failover each recorder tells of its own part",
            "fetch the recording and see that each segment is there",
        ],
    ),
    entry(
        EVENT,
        Some(32),
        &["backuped"],
        [
            "all files were uploaded, but at least one of them to Agora Cloud Backup",
            "some are missing in the bucket until the backup has pushed them there; which ones is never told",
            "list the bucket again for up to ten days; transferred playlists end in `_<tick>_<index>.m3u8`",
        ],
    ),
    entry(
        EVENT,
        Some(33),
        &["uploading_progress"],
        [
            "how much is uploaded, in ten-thousandths of the files so far; told once a minute",
            "10000 is the end only when the recording has ended",
            "wait for event 31 or 32",
        ],
    ),
    entry(
        UNCONFIRMED,
        Some(34),
        &["STSExpired"],
        [
            "the temporary keys of the recording ran out",
            "slices after that did not reach the bucket",
            "give the recorder new keys by `update` in time; look for the rest in the backup for ten days",
        ],
    ),
    entry(
        EVENT,
        Some(40),
        &["recorder_started"],
        [
            "the recorder has started; `status` 0 is normal",
            "they begin to arrive within a minute",
            "wait; check `status` where it is not 0",
        ],
    ),
    entry(
        EVENT,
        Some(41),
        &["recorder_leave"],
        [
            "the recorder left the channel; the bits of `leaveCode` say why",
            "no slice is later than this, the upload may still go on",
            "look up `leaveCode`; wait for event 31 or 32",
        ],
    ),
    entry(
        EVENT,
        Some(42),
        &["recorder_slice_start"],
        [
            "the first slice starts, or the first after an interruption: then `discontinueUtcMs` is where the last whole slice ended",
            "slices between `discontinueUtcMs` and `startUtcMs` are lost, and no store has them",
            "take the hole as it is; it is a part of the recording that never was uploaded",
        ],
    ),
    entry(
        EVENT,
        Some(43),
        &["recorder_audio_stream_state_changed"],
        [
            "a user's sound comes (`state` 0) or does not (`state` 1) since `UtcMs`",
            "a hole while nobody sends is no loss",
            "compare the holes of the track with these times",
        ],
    ),
    entry(
        EVENT,
        Some(44),
        &["recorder_video_stream_state_changed"],
        [
            "a user's picture comes (`state` 0) or does not (`state` 1) since `UtcMs`",
            "a hole while nobody sends is no loss",
            "compare the holes of the track with these times",
        ],
    ),
    entry(
        EVENT,
        Some(45),
        &["recorder_snapshot_file"],
        [
            "a picture was taken and uploaded",
            "`fileName` is a file in the bucket, with its folders",
            "keep the names, and fetch them with `--only images`",
        ],
    ),
    entry(
        UNCONFIRMED,
        Some(46),
        &["audio_info_changed"],
        [
            "something about a user's sound changed, such as its codec",
            "a discontinuity in the playlist follows",
            "join across it only after looking at both sides",
        ],
    ),
    entry(
        UNCONFIRMED,
        Some(47),
        &["video_info_changed"],
        [
            "something about a user's picture changed, such as its size",
            "a discontinuity in the playlist follows",
            "join across it only after looking at both sides",
        ],
    ),
    entry(
        EVENT,
        Some(60),
        &["vod_started"],
        [
            "the uploader for ApsaraVideo VoD has started",
            "they go to ApsaraVideo VoD and are in no bucket",
            "look for the video there, by its `videoId`",
        ],
    ),
    entry(
        EVENT,
        Some(61),
        &["vod_triggered"],
        [
            "all files were uploaded to ApsaraVideo VoD",
            "they are in ApsaraVideo VoD and in no bucket",
            "look for the video there",
        ],
    ),
    entry(
        EVENT,
        Some(70),
        &["web_recorder_started"],
        [
            "page recording has started",
            "they begin to arrive within a minute; their channel has `-` in place of special characters",
            "keep the recording ID: nothing gives it back later",
        ],
    ),
    entry(
        EVENT,
        Some(71),
        &["web_recorder_stopped"],
        [
            "page recording has stopped; `code` other than 0 is abnormal",
            "`fileList` names playlist and MP4 files; no slice is later than this",
            "look up `code` in the table of `page-stop`",
        ],
    ),
    entry(
        EVENT,
        Some(72),
        &["web_recorder_capability_limit"],
        [
            "the page uses something that page recording does not support, and recording stops at once; `limitType` says what",
            "expect those from before",
            "change the page: no WebGL, no video above 1280 × 720, less bandwidth",
        ],
    ),
    entry(
        EVENT,
        Some(73),
        &["web_recorder_reload"],
        [
            "the page was loaded again, because its sound was lost or it did not load in time",
            "there may be a break at this time",
            "check the recording around that time",
        ],
    ),
    entry(
        EVENT,
        Some(80),
        &["transcoder_started"],
        [
            "transcoding after the recording has started",
            "MP4 files come within 24 hours, in some cases after 48",
            "wait for event 81 or 1001",
        ],
    ),
    entry(
        EVENT,
        Some(81),
        &["transcoder_completed"],
        [
            "transcoding has ended; `result` says how",
            "MP4 files of each user are named under `uids`; slices and playlists are not touched",
            "look up `result`; take the slices where an MP4 file is missing",
        ],
    ),
    entry(
        EVENT,
        Some(90),
        &["download_failed"],
        [
            "Agora could not read files of the recording from the bucket; told once per recording",
            "`fileName` lists them, joined by `;`: each is missing there, or may not be read",
            "look for exactly these in the bucket and in the fallbacks",
        ],
    ),
    entry(
        EVENT,
        Some(100),
        &["rtmp_publish_status"],
        [
            "the state of the stream that page recording pushes to a CDN",
            "it says nothing about recorded files",
            "change the address of the CDN where it says `disconnected`",
        ],
    ),
    entry(
        EVENT,
        Some(1001),
        &["postpone_transcode_final_result"],
        [
            "the final result of transcoding after the recording",
            "MP4 or sound files are named under `fileList`; slices and playlists are not touched",
            "look up `result`; take the slices where an MP4 file is missing",
        ],
    ),
];

/// `errorCode` of the service.
pub(super) const SERVICE: &[Entry] = &[
    entry(
        IN_SERVICE,
        Some(50),
        &["upload timeout"],
        [
            "uploading did not end in time",
            "slices may still come, by Agora Cloud Backup too, or be lost",
            "list the bucket again within ten days",
        ],
    ),
    entry(
        IN_SERVICE,
        Some(52),
        &["start timeout"],
        [
            "the recording service did not start in time",
            "expect no files of this try",
            "start again, with a new resource ID",
        ],
    ),
];

/// `errorCode` of the uploader.
pub(super) const UPLOADER: &[Entry] = &[
    entry(
        IN_UPLOADER,
        Some(32),
        &["storage configuration"],
        [
            "vendor, region, bucket or keys in `storageConfig` are wrong",
            "nothing reached the bucket, and since 2019-10-08 nothing goes to the backup either",
            "correct `storageConfig` (the region is Agora's number, the keys must be allowed to write), then record again",
        ],
    ),
    entry(
        IN_UPLOADER,
        Some(47),
        &["upload failed"],
        [
            "a recorded file could not be uploaded",
            "slices may be in Agora Cloud Backup for ten days, or lost",
            "list the bucket again within ten days; check the network between Agora and the bucket's region",
        ],
    ),
    entry(
        IN_UPLOADER,
        Some(51),
        &["file handling"],
        [
            "the uploader could not handle a recorded file",
            "slices may be missing, and the backup may not have them",
            "check the recording, and ask Agora with the recording ID",
        ],
    ),
];

/// `warnCode` of the uploader.
pub(super) const WARNINGS: &[Entry] = &[
    entry(
        WARNING,
        Some(31),
        &["re-upload to your storage"],
        [
            "a slice is uploaded to the customer's store again",
            "it comes late and is not lost yet",
            "wait for event 31 or 32",
        ],
    ),
    entry(
        WARNING,
        Some(32),
        &["re-upload to Agora Cloud Backup"],
        [
            "a slice is uploaded to Agora Cloud Backup instead",
            "it is missing in the bucket until the backup has pushed it there",
            "list the bucket again for up to ten days",
        ],
    ),
];
