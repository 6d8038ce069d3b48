//! The SDK of 2019, and the number of its log.

use super::{Entry, Family, entry};

const ERROR: (Family, &str) = (Family::SdkError, "Agora, \"Cloud Recording API\" (Java), 2019-04-29");
const CALLBACK: (Family, &str) = (Family::SdkCallback, ERROR.1);
const FAQ: (Family, &str) = (Family::Log, "Agora, \"Cloud recording FAQ\", 2019-10-28");

/// The names of an error: in Java, in C++, and without a prefix.
macro_rules! error {
    ($name:literal $(, $more:literal)*; $means:literal, $files:literal, $remedy:literal) => {
        entry(
            ERROR,
            None,
            &[concat!("RecordingError", $name), concat!("kRecordingError", $name), $name $(, $more)*],
            [$means, $files, $remedy],
        )
    };
}

/// `RecordingErrorCode`. No document gives them numbers.
pub(super) const ERRORS: &[Entry] = &[
    error!("Ok"; "the call succeeded", "it says nothing against them", "go on; nothing is wrong"),
    error!("ConnectError"; "the app could not reach the recording server",
        "a recording that never started has none; one that was running goes on without the app",
        "check that the App ID may record in the cloud, and the network of the app"),
    error!("Disconnected"; "the app lost its connection to the recording server",
        "the server records on without the app, so expect the files of the whole call",
        "check the network of the app; look into the bucket when the call has ended"),
    error!("InvalidParameter"; "a parameter of the call is wrong", "nothing was recorded by this call",
        "check each parameter of the call against the documentation, then start again"),
    error!("InvalidOperation"; "the call does not fit the state that the recorder is in",
        "what was recorded before the call is not touched by it", "check the order of the calls"),
    error!("NoUsers"; "nobody was in the channel", "expect no files",
        "release the instance with `release(false)`, and start only when somebody sends"),
    error!("NoRecordedData"; "nothing came that could be recorded", "expect no files",
        "release the instance with `release(false)`; check that somebody sends, and that the token and the uid are right"),
    error!("RecorderInit", "kRecordingErrorRecorderInitFailed", "RecorderInitFailed";
        "the recorder could not be set up", "expect none, or those of an earlier part of the call",
        "end this recording with `release(true)` and start a new one"),
    error!("RecorderFailed"; "the recorder broke down while it ran",
        "expect a part: slices up to the failure, and a playlist that may lack its end",
        "end this recording with `release(true)` and start a new one; check what the bucket has of the first"),
    error!("UploaderInit", "kRecordingErrorUploaderInitFailed", "UploaderInitFailed";
        "the uploader could not be set up", "expect none in the bucket",
        "check vendor, region, bucket and keys, then end this recording with `release(true)` and start a new one"),
    error!("UploaderFailed"; "the uploader broke down while it ran",
        "expect a part: slices that were not uploaded yet may be in Agora Cloud Backup or lost",
        "end this recording with `release(true)` and start a new one; list the bucket again within ten days"),
    error!("BackupFailed"; "slices could not be put into Agora Cloud Backup either",
        "slices may be lost for good: neither the bucket nor the backup has them",
        "release the instance with `release(false)`, check what is missing, and ask Agora with the recording ID at once"),
    error!("RecorderExpireExit", "RecordingErrorRecorderExit", "kRecordingErrorRecorderExit", "RecorderExit";
        "the recorder ended abnormally, or left because nobody was in the channel any more",
        "expect a playlist without its end, and the last slices may be missing",
        "end this recording with `release(true)` and start a new one; check the end of the first one"),
    error!("GeneralError"; "something else went wrong", "expect anything from nothing to all of them",
        "end this recording with `release(true)` and start a new one; check what the bucket has of the first"),
];

/// What the SDK calls its user for.
pub(super) const CALLBACKS: &[Entry] = &[
    entry(
        CALLBACK,
        None,
        &["onRecordingConnecting"],
        [
            "the app is connecting to the recording server",
            "there are none yet",
            "wait for `onRecordingStarted`",
        ],
    ),
    entry(
        CALLBACK,
        None,
        &["onRecordingStarted"],
        [
            "recording has started",
            "the playlist and the first slices follow within a minute",
            "keep the recording ID: nothing gives it back later",
        ],
    ),
    entry(
        CALLBACK,
        None,
        &["onRecordingStopped"],
        [
            "recording has stopped",
            "the upload may still go on",
            "wait for `onRecordingUploaded` or `onRecordingBackedUp` before anything is fetched",
        ],
    ),
    entry(
        CALLBACK,
        None,
        &["onRecordingUploaded"],
        [
            "all files were uploaded to the customer's store; the document prints another callback's signature under it",
            "all of them should be in the bucket",
            "fetch the recording and see that each segment is there",
        ],
    ),
    entry(
        CALLBACK,
        None,
        &["onRecordingBackedUp"],
        [
            "at least one file could not be uploaded and went to Agora Cloud Backup; told after the recording stopped",
            "some are missing in the bucket until the backup has pushed them there; which ones is never told",
            "list the bucket again for up to ten days, then ask Agora with the recording ID",
        ],
    ),
    entry(
        CALLBACK,
        None,
        &["onRecordingUploadingProgress"],
        [
            "so many percent of the recorded files are uploaded; told once a minute",
            "100 percent while it still records is not the end",
            "wait until the recording has stopped and is uploaded",
        ],
    ),
    entry(
        CALLBACK,
        None,
        &["onRecorderFailure"],
        [
            "the recorder reports an error; the service handles it by itself",
            "slices around that time may be missing",
            "look at the code, and check the recording around that time",
        ],
    ),
    entry(
        CALLBACK,
        None,
        &["onUploaderFailure", "onUploaderFaliure"],
        [
            "the uploader reports an error; the service handles it by itself. The interface spells the name wrong",
            "slices may come late, by Agora Cloud Backup, or not at all",
            "look at the code, and list the bucket again within ten days",
        ],
    ),
    entry(
        CALLBACK,
        None,
        &["onRecordingFatalError"],
        [
            "an error from which the SDK cannot recover",
            "the code tells which files to expect",
            "release the instance, look at the code, and check what the bucket has",
        ],
    ),
];

/// What log files say.
pub(super) const LOG: &[Entry] = &[entry(
    FAQ,
    Some(101),
    &["ErrorUint32", "ErrorUint32:101"],
    [
        "the token or the App ID is wrong: a wrong or expired token, or one side uses a token and the other does not",
        "the recorder was not let into the channel: expect no files",
        "make a new token for the recorder's uid and channel, use tokens on all sides or on none, and record again",
    ],
)];
