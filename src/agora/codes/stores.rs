//! What stores answer to whoever reads a recording.

use super::{Entry, Family, entry};

const AMAZON: (Family, &str) = (Family::S3, "Amazon, \"S3 error responses\", 2006-03-01 to 2026");
const ALIYUN: (Family, &str) = (Family::Oss, "Alibaba Cloud, \"OSS error codes\", to 2026");
const QINIU: (Family, &str) = (Family::Kodo, "Qiniu, \"Kodo: error responses\", to 2025");

const GONE: &str =
    "look in the fallbacks and under other prefixes; list the bucket again within ten days of the recording";
const RESTORE: &str = "restore it in the vendor's console or by its interface, wait, and read again";
const WRITE_ONLY: &str =
    "use keys that may list and read: those of the recorder often may only write, as Agora advises";

/// Amazon S3.
pub(super) const S3: &[Entry] = &[
    entry(
        AMAZON,
        None,
        &["NoSuchKey"],
        ["there is no such object", "it was never uploaded, or was deleted", GONE],
    ),
    entry(
        AMAZON,
        None,
        &["NoSuchBucket"],
        [
            "there is no such bucket",
            "it says nothing about them: they may be in a bucket of another name or account",
            "check the name of the bucket, and the region",
        ],
    ),
    entry(
        AMAZON,
        None,
        &["AccessDenied"],
        [
            "the key may not do this; an absent object is answered so too where the key may not list",
            "it says nothing against them: refused is not absent",
            WRITE_ONLY,
        ],
    ),
    entry(
        AMAZON,
        None,
        &["AllAccessDisabled"],
        [
            "the object or the whole bucket was closed by the vendor",
            "they may be there and cannot be read",
            "ask the vendor, and look at the account's bills",
        ],
    ),
    entry(
        AMAZON,
        None,
        &["InvalidObjectState"],
        [
            "the object is in an archive class and is not restored",
            "it is there and cannot be read now",
            RESTORE,
        ],
    ),
    entry(
        AMAZON,
        None,
        &["RestoreAlreadyInProgress"],
        [
            "the object is being restored already",
            "it is there and cannot be read yet",
            "wait: hours for Glacier, up to two days for Deep Archive",
        ],
    ),
    entry(
        AMAZON,
        None,
        &["InvalidAccessKeyId"],
        [
            "the store does not know the access key",
            "it says nothing about them",
            "check the access key; mainland China and US government have accounts of their own",
        ],
    ),
    entry(
        AMAZON,
        None,
        &["SignatureDoesNotMatch"],
        [
            "the secret does not fit the access key, or something changed the request",
            "it says nothing about them",
            "check the secret, that no blank was copied with it, and proxies on the way",
        ],
    ),
    entry(
        AMAZON,
        None,
        &["ExpiredToken", "TokenRefreshRequired"],
        ["temporary keys have expired", "it says nothing about them", "get new ones and run the same again"],
    ),
    entry(
        AMAZON,
        None,
        &["InvalidToken"],
        [
            "the session token is wrong or missing",
            "it says nothing about them",
            "give the session token together with its two keys",
        ],
    ),
    entry(
        AMAZON,
        None,
        &["RequestTimeTooSkewed"],
        [
            "the clock of this machine differs from the store's by more than 15 minutes",
            "it says nothing about them",
            "set the clock",
        ],
    ),
    entry(
        AMAZON,
        None,
        &["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"],
        [
            "the bucket is in another region",
            "it says nothing about them",
            "set the region of the bucket; Agora's numbers are listed by `recfetch regions`",
        ],
    ),
    entry(
        AMAZON,
        None,
        &["TemporaryRedirect"],
        [
            "the bucket is new or was moved, and is found elsewhere for now",
            "it says nothing about them",
            "try again, or set the region of the bucket",
        ],
    ),
    entry(
        AMAZON,
        None,
        &["SlowDown", "ServiceUnavailable", "InternalError"],
        [
            "the store asks for patience",
            "it says nothing about them",
            "try again later, with fewer requests at a time",
        ],
    ),
    entry(
        AMAZON,
        None,
        &["RequestTimeout"],
        ["the request took too long to come", "it says nothing about them", "try again; check the network"],
    ),
    entry(
        AMAZON,
        None,
        &["InvalidRange"],
        [
            "the object has no such part: it is shorter than was expected",
            "it may have been cut off, or replaced by a shorter one",
            "list it again and read it from its start",
        ],
    ),
    entry(
        AMAZON,
        None,
        &["PreconditionFailed"],
        [
            "the object changed since it was listed",
            "another version stands there now",
            "list again; wait until nothing writes to the recording any more",
        ],
    ),
    entry(
        AMAZON,
        None,
        &["KMS.DisabledException", "KMS.NotFoundException", "KMS.InvalidStateException"],
        [
            "the key that the object is encrypted with cannot be used",
            "it is there and cannot be read",
            "enable the key at the vendor, and allow `kms:Decrypt`",
        ],
    ),
];

/// Aliyun OSS and Qiniu Kodo.
pub(super) const OSS_AND_KODO: &[Entry] = &[
    entry(
        ALIYUN,
        None,
        &["NoSuchKey"],
        ["there is no such object", "it was never uploaded, or was deleted", GONE],
    ),
    entry(
        ALIYUN,
        None,
        &["NoSuchBucket"],
        [
            "there is no such bucket",
            "it says nothing about them: they may be in a bucket of another name or account",
            "check the name of the bucket, and the region",
        ],
    ),
    entry(
        ALIYUN,
        None,
        &["AccessDenied"],
        [
            "the key may not do this, the bucket is in another region, or it refuses readers without keys",
            "it says nothing against them: refused is not absent",
            WRITE_ONLY,
        ],
    ),
    entry(
        ALIYUN,
        None,
        &["InvalidObjectState"],
        ["the object is archived and is not restored", "it is there and cannot be read now", RESTORE],
    ),
    entry(
        ALIYUN,
        None,
        &["RestoreAlreadyInProgress"],
        [
            "the object is being restored already",
            "it is there and cannot be read yet",
            "wait: minutes for Archive, hours for Cold Archive, up to two days for Deep Cold Archive",
        ],
    ),
    entry(
        ALIYUN,
        None,
        &["InvalidAccessKeyId"],
        [
            "the store does not know the access key, or it is disabled",
            "it says nothing about them",
            "check the access key",
        ],
    ),
    entry(
        ALIYUN,
        None,
        &["SignatureDoesNotMatch"],
        [
            "the secret does not fit the access key, or something changed the request",
            "it says nothing about them",
            "check the secret, and that no blank was copied with it",
        ],
    ),
    entry(
        ALIYUN,
        None,
        &["SecurityTokenExpired"],
        ["temporary keys have expired", "it says nothing about them", "get new ones and run the same again"],
    ),
    entry(
        ALIYUN,
        None,
        &["InvalidSecurityToken"],
        [
            "the security token is wrong or missing",
            "it says nothing about them",
            "give the token together with its two keys",
        ],
    ),
    entry(
        ALIYUN,
        None,
        &["RequestTimeTooSkewed"],
        [
            "the clock of this machine differs from the store's by more than 15 minutes",
            "it says nothing about them",
            "set the clock",
        ],
    ),
    entry(
        ALIYUN,
        None,
        &["SecondLevelDomainForbidden"],
        [
            "the bucket must stand before the host, not in the path",
            "it says nothing about them",
            "leave out `path_style`",
        ],
    ),
    entry(
        ALIYUN,
        None,
        &["PublicEndpointForbidden"],
        [
            "since 2025-03-20 new users cannot read buckets in mainland China by the region's public host",
            "it says nothing against them",
            "bind a domain to the bucket, give it as `endpoint`, and say `cname = true`",
        ],
    ),
    entry(
        ALIYUN,
        None,
        &["UserDisable"],
        [
            "the account is closed, or owes money",
            "they may be there and cannot be read",
            "look at the account's bills",
        ],
    ),
    entry(
        QINIU,
        Some(400),
        &[],
        ["the request is wrong", "it says nothing about them", "check bucket, region and domain"],
    ),
    entry(
        QINIU,
        Some(401),
        &["bad token"],
        [
            "one of the two keys is wrong, or a signed address has expired",
            "it says nothing about them",
            "check both keys and the clock of this machine",
        ],
    ),
    entry(
        QINIU,
        Some(403),
        &[],
        [
            "the key may not do this, or the object is archived",
            "it says nothing against them: refused is not absent",
            "check what the key may do, and restore the object where it is archived",
        ],
    ),
    entry(
        QINIU,
        Some(404),
        &[],
        [
            "the domain has no such object",
            "it was never uploaded, or was deleted; another bucket may be bound to the domain",
            GONE,
        ],
    ),
    entry(
        QINIU,
        Some(419),
        &[],
        ["the account is frozen", "they may be there and cannot be read", "look at the account's bills"],
    ),
    entry(
        QINIU,
        Some(573),
        &[],
        ["too many requests", "it says nothing about them", "try again later, with fewer requests at a time"],
    ),
    entry(QINIU, Some(599), &[], ["the store failed", "it says nothing about them", "try again later"]),
    entry(
        QINIU,
        Some(612),
        &["no such file or directory"],
        ["there is no such object", "it was never uploaded, or was deleted", GONE],
    ),
    entry(
        QINIU,
        Some(631),
        &["no such bucket"],
        [
            "there is no such bucket",
            "it says nothing about them: they may be in a bucket of another name or account",
            "check the name of the bucket; in the S3 interface it may have another one",
        ],
    ),
    entry(
        QINIU,
        Some(640),
        &[],
        [
            "the marker with which a listing goes on is wrong",
            "it says nothing about them",
            "list again from the start",
        ],
    ),
];
