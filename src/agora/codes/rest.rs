//! The REST interface: codes in its answers, HTTP statuses, and messages without a code.

use super::{Entry, Family, entry};

const CODE: (Family, &str) =
    (Family::Rest, "Agora, \"Common errors\", 2019 to 2026-06, and \"Response status codes\", 2025");
const HTTP_STATUS: (Family, &str) = (Family::Http, "Agora, \"Response status codes\", 2025 to 2026-06");
const TEXT: (Family, &str) = (Family::Message, CODE.1);
/// Not in a document: shown by users.
const SHOWN: (Family, &str) =
    (Family::Rest, "in no document; an issue of the project Agora-Flutter-SDK, 2022");

/// `code` in the body of an answer.
pub(super) const CODES: &[Entry] = &[
    entry(
        CODE,
        Some(2),
        &["invalid parameter"],
        [
            "a parameter is missing, misspelt, of the wrong type or out of its range; names differ by case",
            "a recording that this call should have started has none",
            "correct what `reason` names; pictures by the table of sizes and bitrates",
        ],
    ),
    entry(
        CODE,
        Some(7),
        &["already running"],
        [
            "a recording with this resource ID runs already (HTTP 201)",
            "they belong to the recording that runs, not to another one",
            "use the recording ID of the first answer; acquire a new resource ID for another recording",
        ],
    ),
    entry(
        CODE,
        Some(8),
        &["http header"],
        [
            "the header, the address or the method of the request is wrong",
            "a recording that this call should have started has none",
            "send `Content-Type: application/json;charset=utf-8`, the right method, and JSON",
        ],
    ),
    entry(
        SHOWN,
        Some(15),
        &[],
        [
            "an internal error (HTTP 500)",
            "a recording that this call should have started has none",
            "try again; ask Agora where it stays",
        ],
    ),
    entry(
        CODE,
        Some(49),
        &["repeated stop"],
        [
            "this recording was stopped before",
            "the first `stop` decides: look at its answer",
            "query no more; look into the bucket",
        ],
    ),
    entry(
        CODE,
        Some(50),
        &[],
        [
            "`stop` waited for the upload, which did not end in time",
            "the upload may go on in the background",
            "look into the bucket later; stop with `async_stop` to wait no more",
        ],
    ),
    entry(
        CODE,
        Some(52),
        &[],
        [
            "the recording did not start in time",
            "expect no files of this try",
            "start again, with a new resource ID",
        ],
    ),
    entry(
        CODE,
        Some(53),
        &["same parameters"],
        [
            "a recording with the same App ID, channel and uid runs already",
            "they belong to the recording that runs",
            "use another uid for a second recording of the channel",
        ],
    ),
    entry(
        CODE,
        Some(62),
        &["not enabled"],
        [
            "to `acquire`: the App ID may not record in the cloud; to `start`: no recording server could be reached",
            "a recording that this call should have started has none",
            "enable Cloud Recording for the project in Agora's console, or start again",
        ],
    ),
    entry(
        CODE,
        Some(65),
        &["network jitter"],
        [
            "the network failed for a moment (HTTP 206)",
            "a recording may or may not have started",
            "start again with the same resource ID after 3 and after 6 seconds",
        ],
    ),
    entry(
        CODE,
        Some(109),
        &["token expired"],
        [
            "the token with which the recorder joins the channel has expired",
            "the recorder was not let into the channel, or was put out of it: expect none after that",
            "make a token that lasts, for the recorder's uid and channel",
        ],
    ),
    entry(
        CODE,
        Some(110),
        &["invalid token"],
        [
            "the token with which the recorder joins the channel is wrong",
            "the recorder was not let into the channel: expect no files",
            "make a token for the recorder's own uid, this channel and this App ID, with the right certificate",
        ],
    ),
    entry(
        CODE,
        Some(404),
        &["failed to find worker"],
        [
            "no such recording runs: it has ended, its resource ID has expired, or a failover is going on",
            "it says nothing against them: after the end every recording answers this",
            "try again for up to 90 seconds if it should run; else look into the bucket",
        ],
    ),
    entry(
        CODE,
        Some(405),
        &["no_active_status"],
        [
            "the recording is in no state in which this can be asked",
            "it says nothing against them",
            "wait until it runs, or look into the bucket",
        ],
    ),
    entry(
        CODE,
        Some(406),
        &["vendor_over_load"],
        [
            "more recordings run at a time than are allowed (peak concurrent workers, 50 by default)",
            "a recording that this call should have started has none",
            "start again later, or ask Agora for a higher limit",
        ],
    ),
    entry(
        CODE,
        Some(432),
        &["parameter mismatch"],
        [
            "the App ID, channel or uid is another than that of the resource ID, or a parameter is not allowed",
            "it says nothing about them",
            "send the same App ID, channel and uid as to `acquire`",
        ],
    ),
    entry(
        CODE,
        Some(433),
        &["resource expired"],
        [
            "the resource ID has expired: recording must start within five minutes, and calls end after `resourceExpiredHour`",
            "it says nothing against them where the recording had started",
            "acquire a new one to record; look into the bucket for what is recorded",
        ],
    ),
    entry(
        CODE,
        Some(435),
        &["no recorded data"],
        [
            "nothing was recorded, because nobody was sending (HTTP 206)",
            "expect no files",
            "check that somebody sends, that the recorder subscribes to them, and that its uid is used by nobody else",
        ],
    ),
    entry(
        CODE,
        Some(501),
        &["service is exiting"],
        [
            "the recording service is ending; comes when `query` follows `stop`",
            "the upload may still go on",
            "query no more; look into the bucket",
        ],
    ),
    entry(
        CODE,
        Some(1001),
        &["resource id decryption"],
        [
            "the resource ID cannot be read",
            "a recording that this call should have started has none",
            "acquire a new resource ID and send it unchanged",
        ],
    ),
    entry(
        CODE,
        Some(1003),
        &["resource id mismatch"],
        [
            "App ID or recording ID do not belong to the resource ID",
            "it says nothing about them",
            "send the three as they were given together",
        ],
    ),
    entry(
        CODE,
        Some(1013),
        &["channel name"],
        [
            "the channel name is not allowed: at most 64 bytes of 89 characters",
            "a recording that this call should have started has none",
            "use letters, digits, blanks and the signs of the documents only",
        ],
    ),
    entry(
        CODE,
        Some(1028),
        &["layout parameters"],
        [
            "the body of `updateLayout` is wrong",
            "the recording goes on with the layout of before",
            "correct what `reason` names",
        ],
    ),
];

/// Statuses of HTTP.
pub(super) const HTTP: &[Entry] = &[
    entry(
        HTTP_STATUS,
        Some(200),
        &[],
        ["the call succeeded", "it says nothing about whether they are uploaded", "read the body"],
    ),
    entry(
        HTTP_STATUS,
        Some(201),
        &[],
        [
            "the call was made before: the recording runs or is stopped already",
            "they belong to the recording that runs",
            "use the answer of the first call",
        ],
    ),
    entry(
        HTTP_STATUS,
        Some(206),
        &[],
        [
            "the call succeeded in part: nobody was sending, the network failed for a moment, or (2021) some files went to Agora Cloud Backup; \
         also where `stop` and `query` meet",
            "`code` 435 means none; with `backuped` some are still in the backup",
            "look at `code` and `uploadingStatus`",
        ],
    ),
    entry(
        HTTP_STATUS,
        Some(400),
        &[],
        [
            "the request cannot be understood, or Cloud Recording is not enabled for the App ID",
            "a recording that this call should have started has none",
            "look at `code` and `reason`",
        ],
    ),
    entry(
        HTTP_STATUS,
        Some(401),
        &[],
        [
            "customer ID and customer secret are missing or wrong",
            "it says nothing about them",
            "send Basic authorization with the customer ID and secret of the REST interface, of this App ID's account",
        ],
    ),
    entry(
        HTTP_STATUS,
        Some(404),
        &[],
        [
            "no such recording runs, or the address is wrong",
            "it says nothing against them: after the end every recording answers this",
            "try again for up to 90 seconds if it should run; else look into the bucket",
        ],
    ),
    entry(
        HTTP_STATUS,
        Some(429),
        &[],
        [
            "more than ten requests a second for this App ID",
            "it says nothing about them",
            "wait a moment and ask less often",
        ],
    ),
    entry(
        HTTP_STATUS,
        Some(500),
        &[],
        [
            "the service failed",
            "it says nothing about them",
            "try again after 1, 3 and 6 seconds, then at the other domain",
        ],
    ),
    entry(
        HTTP_STATUS,
        Some(501),
        &[],
        [
            "the recording service is ending",
            "the upload may still go on",
            "query no more; look into the bucket",
        ],
    ),
    entry(
        HTTP_STATUS,
        Some(502),
        &[],
        [
            "a server on the way failed",
            "it says nothing about them",
            "try again after 1, 3 and 6 seconds, then at the other domain",
        ],
    ),
    entry(
        HTTP_STATUS,
        Some(504),
        &[],
        [
            "the service did not answer in time",
            "a recording may or may not have started",
            "query before anything is started again",
        ],
    ),
];

/// Messages without a code.
pub(super) const MESSAGES: &[Entry] = &[
    entry(
        TEXT,
        None,
        &["appid is invalid", "invalid appid"],
        [
            "the App ID is wrong, or Cloud Recording is not enabled for it",
            "a recording that this call should have started has none",
            "check the App ID, and enable Cloud Recording for the project in Agora's console",
        ],
    ),
    entry(
        TEXT,
        None,
        &["Unauthorized"],
        [
            "the header `Authorization` is missing",
            "it says nothing about them",
            "send Basic authorization with the customer ID and secret of the REST interface",
        ],
    ),
    entry(
        TEXT,
        None,
        &["Invalid authentication credentials"],
        [
            "customer ID and customer secret are wrong, or of another account than the App ID",
            "it says nothing about them",
            "check both, the word `Basic` before them, and the Base64",
        ],
    ),
    entry(
        TEXT,
        None,
        &["no Route matched with those values"],
        [
            "the method or the address is wrong",
            "it says nothing about them",
            "check the method (GET or POST) and each part of the address",
        ],
    ),
    entry(
        TEXT,
        None,
        &["API rate limit exceeded"],
        ["too many requests", "it says nothing about them", "wait a moment and ask less often"],
    ),
];
