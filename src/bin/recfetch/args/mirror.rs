//! What `mirror` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use recfetch::source::destination::Lock;

use super::{ColdArgs, NetworkArgs, RecordingArgs, STORE_HEADING, StoreArgs};
use crate::quantity::parse_rate;

pub(crate) const EXAMPLES: &str = "\
Examples:
  A recording from one store of the settings into another, its objects in a cold class:
    recfetch mirror 38f8e3cfdc474cd56fc1ceba380d7e1a --from prod --to cold --class GLACIER_IR
  The same once more: one request says that it is there, whole
    recfetch mirror 38f8e3cfdc474cd56fc1ceba380d7e1a --from prod --to cold --class GLACIER_IR
  As one tar rather than hundreds of objects:
    recfetch mirror 38f8e3cfdc474cd56fc1ceba380d7e1a --from prod --to cold --class DEEP_ARCHIVE --pack tar --work /var/tmp/pack
  What either form would cost in objects, bytes and requests:
    recfetch mirror 38f8e3cfdc474cd56fc1ceba380d7e1a --from prod --to cold --estimate
  What would be brought there:
    recfetch mirror 38f8e3cfdc474cd56fc1ceba380d7e1a --from prod --to cold --dry-run";

const KEEPING_HEADING: &str = "Where the recording goes";

#[derive(Debug, Clone, Args)]
#[command(mut_arg("store", |arg| arg.visible_alias("from")))]
pub(crate) struct MirrorArgs {
    #[command(flatten)]
    pub(crate) what: RecordingArgs,
    /// Locate and plan only: say what would be brought there
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Store from the settings file that recordings are brought to: S3 and what speaks its protocol, Aliyun OSS, Qiniu
    /// Kodo, or a folder. Each gets a folder named after it, below the prefix of the store
    #[arg(long, value_name = "NAME", required = true, help_heading = KEEPING_HEADING)]
    pub(crate) to: String,
    /// Say what it would cost first, in objects, bytes and requests for each form, and send nothing
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) estimate: bool,
    /// One object for the whole recording, with an index beside it by which single segments are read back: cold
    /// classes charge for each object. The recording is fetched into --work first, and packed when all is judged
    #[arg(long, value_name = "HOW", requires = "work", help_heading = KEEPING_HEADING)]
    pub(crate) pack: Option<PackMode>,
    /// Folder on a disk for recordings until they are packed; what was fetched there stays until the tar is stored
    #[arg(long, value_name = "DIR", requires = "pack", value_hint = ValueHint::DirPath, help_heading = KEEPING_HEADING)]
    pub(crate) work: Option<PathBuf>,
    /// Storage class of the objects, by the store's name for it. S3: STANDARD_IA, GLACIER_IR, GLACIER, DEEP_ARCHIVE,
    /// INTELLIGENT_TIERING; OSS: IA, Archive, ColdArchive, DeepColdArchive; Kodo: line, archive, deep-archive. Manifests and reports keep the class of the bucket, so that they can be read at any time
    #[arg(long, value_name = "CLASS", help_heading = KEEPING_HEADING)]
    pub(crate) class: Option<String>,
    /// Encryption by the store. S3: AES256, aws:kms; OSS: AES256, KMS, SM4
    #[arg(long, value_name = "HOW", help_heading = KEEPING_HEADING)]
    pub(crate) sse: Option<String>,
    /// Tag of the objects, at S3 and OSS; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = tag, help_heading = KEEPING_HEADING)]
    pub(crate) tag: Vec<(String, String)>,
    /// Lock of the objects against deletion, in a bucket of S3 that has object lock: GOVERNANCE or COMPLIANCE, for so
    /// many days from when an object is stored, or until a date (2030-12-31, 2030-12-31T18:00:00Z). Nobody can take a
    /// lock of COMPLIANCE away. Manifests and reports are not locked: they are written anew by each run
    #[arg(long, value_name = "MODE:DAYS|UNTIL", value_parser = lock, help_heading = KEEPING_HEADING)]
    pub(crate) lock: Option<LockArg>,
    #[command(flatten)]
    pub(crate) cold: ColdArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Ask the fallback also where a store refused or archived an object
    #[arg(long, help_heading = STORE_HEADING)]
    pub(crate) fallback_on_denied: bool,
    /// Request segments whose URI in the playlist is absolute or names another host
    #[arg(long, help_heading = STORE_HEADING)]
    pub(crate) allow_absolute: bool,
    /// Most objects that are under way at once [env: RECFETCH_JOBS] [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = KEEPING_HEADING)]
    pub(crate) jobs: Option<u16>,
    /// Most bytes per second: 500k, 1M, 2MiB [env: RECFETCH_LIMIT_RATE] [default: none]
    #[arg(long, value_name = "RATE", value_parser = parse_rate, help_heading = KEEPING_HEADING)]
    pub(crate) limit_rate: Option<u64>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// A lock as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockArg {
    mode: &'static str,
    until: Until,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// So many days from now.
    Days(u16),
    /// In seconds of Unix time.
    At(i64),
}

impl LockArg {
    /// The lock of what is stored now, where it would not be over already.
    pub(crate) fn from(&self, now: i64) -> Option<Lock> {
        let (until, at_least) = match self.until {
            Until::Days(days) => (now + i64::from(days) * 24 * 60 * 60, now),
            Until::At(until) => (until, until),
        };
        (until > now).then(|| Lock { mode: self.mode.to_owned(), until, at_least })
    }
}

fn lock(text: &str) -> Result<LockArg, String> {
    let wanted =
        || "a lock is MODE:DAYS or MODE:UNTIL, as in GOVERNANCE:30 or COMPLIANCE:2030-12-31".to_owned();
    let (mode, until) = text.split_once(':').ok_or_else(wanted)?;
    let modes = ["GOVERNANCE", "COMPLIANCE"];
    let mode = modes.into_iter().find(|known| known.eq_ignore_ascii_case(mode)).ok_or_else(wanted)?;
    let day = || {
        let day: jiff::civil::Date = until.parse().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    let until = match until.parse() {
        Ok(0) => return Err(wanted()),
        Ok(days) => Until::Days(days),
        Err(_) => {
            let at = until.parse::<jiff::Timestamp>().ok().or_else(day).ok_or_else(wanted)?;
            Until::At(at.as_second())
        }
    };
    Ok(LockArg { mode, until })
}

/// How a recording becomes one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PackMode {
    /// A tar (POSIX pax) that unpacks to the bag
    Tar,
}

pub(super) fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("a tag is NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn a_lock_is_for_days_or_until_a_date() {
        let of = |text: &str| lock(text).ok().and_then(|lock| lock.from(NOW));
        let expected = |mode: &str, until, at_least| Some(Lock { mode: mode.to_owned(), until, at_least });
        // Whoever asks for thirty days tomorrow again has what he wants.
        assert_eq!(of("GOVERNANCE:30"), expected("GOVERNANCE", NOW + 30 * 86_400, NOW));
        assert_eq!(of("compliance:2030-12-31"), expected("COMPLIANCE", 1_924_905_600, 1_924_905_600));
        assert_eq!(
            of("COMPLIANCE:2030-12-31T18:00:00Z"),
            expected("COMPLIANCE", 1_924_970_400, 1_924_970_400)
        );
        assert_eq!(of("GOVERNANCE:2020-01-01"), None, "over already");
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        for text in [
            "",
            "GOVERNANCE",
            "GOVERNANCE:",
            "GOVERNANCE:0",
            "GOVERNANCE:-1",
            "LEGAL:30",
            ":30",
            "COMPLIANCE:soon",
        ] {
            assert!(lock(text).is_err(), "{text}");
        }
    }
}
