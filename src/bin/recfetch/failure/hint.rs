//! What can be done about it.

use std::io::ErrorKind;

use recfetch::archive;
use recfetch::domain::place::{Denial, Obstacle, SourceName};
use recfetch::domain::report::ObjectReport;
use recfetch::domain::verdict::Verdict;
use recfetch::source::Operation;

/// Hints on what stood in the way of a request to the store `from`.
pub(crate) fn of_obstacle(
    obstacle: &Obstacle,
    operation: Option<Operation>,
    from: &SourceName,
) -> Vec<String> {
    let text = match obstacle {
        Obstacle::Absent => format!(
            "{from} answered that it has no such object; check the prefix and the bucket, or name another \
             store with --store or --fallback"
        ),
        Obstacle::NoSuchBucket => format!(
            "no bucket of this name exists there; check `bucket`, `region` and `endpoint` of {from} \
             (recfetch config show)"
        ),
        Obstacle::Denied(denial) => return of_denial(*denial, operation, from),
        Obstacle::Frozen { .. } => {
            "run the same command with --restore: it asks for what is needed, and the same command goes on when it \
             can be read (--wait waits for that)"
                .to_owned()
        }
        Obstacle::WrongRegion { right: Some(right) } => {
            format!("the bucket is in {right}: give --region {right}, or set `region` of {from}")
        }
        Obstacle::WrongRegion { right: None } => {
            format!(
                "the answer does not name the right region: look it up in the vendor's console and set `region` of {from}"
            )
        }
        Obstacle::Changed => "something writes to the recording; run again when it is finished".to_owned(),
        Obstacle::Corrupt => format!(
            "run the same command again: what {from} keeps wrongly is not believed and is sent once more; if it \
             happens again, trust neither that store nor what lies between"
        ),
        Obstacle::Throttled => {
            "the store asks for patience: run again later, or with a lower --jobs or --limit-rate".to_owned()
        }
        Obstacle::Unreachable => format!(
            "run the same command again: what is proven is kept; check the network, the proxy settings and \
             the endpoint, URL or domain of {from}"
        ),
        Obstacle::Untrusted => "certificates are always checked; if the server's authority is one of your \
             own, name its PEM file in SSL_CERT_FILE"
            .to_owned(),
        Obstacle::Unsupported => match operation {
            Some(Operation::List) | None => format!(
                "{from} cannot list: name the channel with --channel or the playlist's key with --playlist"
            ),
            Some(Operation::Read | Operation::Stat | Operation::Sign) => format!(
                "{from} cannot serve this; where it is a bucket of Qiniu's, name a domain that is bound to it \
                 as `domain` or --domain, or read it by interface = \"s3\""
            ),
            Some(Operation::Restore) => format!(
                "{from} does not restore this so: choose another tier (--restore=Standard) or fewer --days"
            ),
            Some(Operation::Write | Operation::Remove) => format!(
                "recordings are brought to S3 and what speaks its protocol, to OSS, to Kodo, or to a folder: {from} is \
                 none of these, or has no such class, encryption, tag or lock"
            ),
        },
        Obstacle::Unexpected => {
            format!("check that the endpoint or URL of {from} is that of a store; -vv shows its answers")
        }
    };
    vec![text]
}

/// Hints that go by a store's own code for what is wrong, which says more than the obstacle does.
pub(super) fn of_answer(answer: &str, from: &SourceName) -> Option<Vec<String>> {
    if answer.contains("PublicEndpointForbidden") {
        return Some(vec![
            format!(
                "since 2025-03-20 new users of OSS cannot read buckets in mainland China by the region's public \
                 host: bind a domain to the bucket, give it as `endpoint` of {from} and say `cname = true`"
            ),
            "from inside the region `network = \"internal\"` does too".to_owned(),
        ]);
    }
    if answer.contains("no domain is bound to the bucket") {
        return Some(vec![
            format!(
                "bind a domain to the bucket in Qiniu's console and name it as `domain` of {from} or with --domain; \
                     domains for testing end after 30 days"
            ),
            "or leave out `domain` and `interface`: the S3 interface of the region needs no domain"
                .to_owned(),
        ]);
    }
    if answer.contains("there is no folder") {
        return Some(vec![format!(
            "make the folder of {from}, or mount the disk that it is on: recfetch does not make it, because an \
             empty folder in the place of a missing disk would fill up unseen"
        )]);
    }
    // Kodo has one answer for both.
    if answer.contains("HTTP 401 bad token") {
        return Some(vec![format!(
            "Kodo does not say which of the two keys of {from} is wrong: check QINIU_ACCESS_KEY and \
             QINIU_SECRET_KEY or the variables that {from} names, and that no blank or line end was copied with them"
        )]);
    }
    answer
        .contains("SecondLevelDomainForbidden")
        .then(|| vec![format!("OSS takes the bucket before the host only: leave out `path_style` of {from}")])
}

/// Hints on why an object of a report is not here.
pub(crate) fn of_object(object: &ObjectReport) -> Vec<String> {
    let by_code = object.failed_tries.last().and_then(|last| of_answer(&last.why, &last.from));
    match &object.verdict {
        Verdict::Verified { .. } => Vec::new(),
        Verdict::Denied { from, why } if was_restored(object) => {
            of_denial(*why, Some(Operation::Restore), from)
        }
        Verdict::Frozen { from, .. } if was_restored(object) => {
            of_obstacle(&Obstacle::Unsupported, Some(Operation::Restore), from)
        }
        verdict @ (Verdict::Denied { .. } | Verdict::Unreachable { .. }) => {
            by_code.unwrap_or_else(|| of_verdict(verdict))
        }
        verdict @ (Verdict::Absent { .. }
        | Verdict::Frozen { .. }
        | Verdict::Corrupt { .. }
        | Verdict::NotRequested
        | Verdict::Interrupted) => of_verdict(verdict),
    }
}

/// Whether it was its restore that failed.
fn was_restored(object: &ObjectReport) -> bool {
    let restore = format!("could not {} ", Operation::Restore);
    object.failed_tries.last().is_some_and(|last| last.why.starts_with(&restore))
}

/// A hint on why an object is not here, where there is one to give.
pub(crate) fn of_verdict(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Verified { .. } => Vec::new(),
        Verdict::Absent { .. } => vec![
            "a second copy (Agora Cloud Backup, another bucket) may have what is absent: name it with \
             --fallback and run again"
                .to_owned(),
        ],
        Verdict::Denied { from, why } => of_denial(*why, Some(Operation::Read), from),
        Verdict::Frozen { from, class } => {
            of_obstacle(&Obstacle::Frozen { class: class.clone() }, Some(Operation::Read), from)
        }
        Verdict::Unreachable { from, last } => of_obstacle(last, Some(Operation::Read), from),
        Verdict::Corrupt { .. } => vec![
            "the bytes in the store are wrong, and were asked for twice: name a second copy with --fallback \
             and run again"
                .to_owned(),
        ],
        Verdict::NotRequested => {
            vec!["--allow-absolute requests such segments, if you trust the playlist".to_owned()]
        }
        Verdict::Interrupted => vec!["run the same command again to go on".to_owned()],
    }
}

fn of_denial(denial: Denial, operation: Option<Operation>, from: &SourceName) -> Vec<String> {
    match denial {
        Denial::NotAllowed => match operation {
            Some(Operation::List) => vec![
                format!("{from} may not be listed with these credentials, or without any: allow listing the bucket (oss:ListObjects at Aliyun, s3:ListBucket at Amazon and its like)"),
                "without listing, name the channel with --channel or the playlist's key with --playlist"
                    .to_owned(),
            ],
            Some(Operation::Write) => vec![format!(
                "{from} may not be written with these credentials: allow s3:PutObject and s3:AbortMultipartUpload \
                 (for --tag s3:PutObjectTagging, for --lock s3:PutObjectRetention), oss:PutObject and \
                 oss:AbortMultipartUpload at Aliyun"
            )],
            Some(Operation::Remove) => vec![format!(
                "in {from} nothing may be removed with these credentials: journals and the mark of a bag that \
                 changes are; allow s3:DeleteObject (oss:DeleteObject at Aliyun)"
            )],
            Some(Operation::Restore) => vec![format!(
                "in {from} nothing may be restored with these credentials: allow s3:RestoreObject at Amazon and its \
                 like, oss:RestoreObject at Aliyun"
            )],
            Some(Operation::Stat | Operation::Read | Operation::Sign) | None => vec![
                format!("{from} may not be read with these credentials, or without any: allow reading the bucket's objects (oss:GetObject at Aliyun, s3:GetObject at Amazon and its like)"),
                "a store may answer the same for an object that does not exist, unless listing is \
                 allowed: absent and denied cannot be told apart then"
                    .to_owned(),
            ],
        },
        Denial::Anonymous => vec![format!(
            "no credentials were found for {from}: set `access_key_env` with `secret_key_env`, `credential_command` \
             or `profile`, or use the variables and files that the vendor's own tools read (README, Settings)"
        )],
        Denial::UnknownKey => vec![format!(
            "{from} does not know the access key: it may be deleted, of another vendor, or of another part of \
             the vendor's cloud (mainland China has accounts of its own)"
        )],
        Denial::WrongSecret => vec![format!(
            "the secret does not belong to the access key of {from}: check both, and that no blank or line \
             end was copied with them"
        )],
        Denial::Expired => vec![format!(
            "the token or the signed URL has run out: get a new one for {from} and run the same command again"
        )],
        Denial::ClockSkew => vec![
            "the store refused because of the time; which of the two clocks is ahead it does not say: compare \
             `date -u` with a clock that you trust"
                .to_owned(),
        ],
    }
}

/// Hints on a problem with the local side.
#[expect(clippy::wildcard_enum_match_arm, reason = "the system's kinds of errors may grow")]
pub(super) fn of_archive(error: &archive::Error) -> Vec<String> {
    use archive::Error::{
        AnotherRecording, Damaged, Foreign, Io, KeptOtherwise, Locked, Newer, NoRoom, NotABag,
    };
    let room = "make room, or choose another folder with --out; what is proven is kept for the next run";
    let text = match error {
        Locked { .. } => "run again when the other recfetch is finished".to_owned(),
        AnotherRecording { .. } => {
            "choose another folder with --out: each recording gets a folder of its own below it".to_owned()
        }
        Foreign { .. } => {
            "what recfetch did not write is never overwritten: move it away or choose another folder"
                .to_owned()
        }
        NotABag { .. } => {
            "name the folder of one recording, the one that holds bagit.txt and manifest-sha256.txt"
                .to_owned()
        }
        KeptOtherwise { .. } => {
            "go on with the same --keep, or choose another folder with --out; `recfetch join` joins the segments \
             of a bag"
                .to_owned()
        }
        NoRoom { .. } => room.to_owned(),
        Newer { .. } => "use a recfetch that is at least as new as the one that wrote it".to_owned(),
        Damaged { .. } => {
            "`recfetch verify` names every file that changed; fetching again replaces what is not proven"
                .to_owned()
        }
        Io { .. } if error.is_disk_full() => room.to_owned(),
        Io { path, cause, .. } => match cause.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                format!("see who may write to `{}`, or choose another folder with --out", path.display())
            }
            ErrorKind::NotFound => "check the spelling of the folder".to_owned(),
            _ => return Vec::new(),
        },
    };
    vec![text]
}
