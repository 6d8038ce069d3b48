//! What `mirror` takes.

use clap::Args;

use super::{NetworkArgs, RecordingArgs, STORE_HEADING, StoreArgs};
use crate::quantity::parse_rate;

pub(crate) const EXAMPLES: &str = "\
Examples:
  A recording from one store of the settings into another, its objects in a cold class:
    recfetch mirror 38f8e3cfdc474cd56fc1ceba380d7e1a --from prod --to cold --class GLACIER_IR
  The same once more: one request says that it is there, whole
    recfetch mirror 38f8e3cfdc474cd56fc1ceba380d7e1a --from prod --to cold --class GLACIER_IR
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
    /// Store from the settings file that recordings are brought to: S3 and what speaks its protocol, or a folder.
    /// Each gets a folder named after it, below the prefix of the store
    #[arg(long, value_name = "NAME", required = true, help_heading = KEEPING_HEADING)]
    pub(crate) to: String,
    /// Storage class of the objects, by the store's name for it: STANDARD_IA, GLACIER_IR, GLACIER, DEEP_ARCHIVE,
    /// INTELLIGENT_TIERING. Manifests and reports keep the class of the bucket, so that they can be read at any time
    #[arg(long, value_name = "CLASS", help_heading = KEEPING_HEADING)]
    pub(crate) class: Option<String>,
    /// Encryption by the store: AES256, aws:kms
    #[arg(long, value_name = "HOW", help_heading = KEEPING_HEADING)]
    pub(crate) sse: Option<String>,
    /// Tag of the objects; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = tag, help_heading = KEEPING_HEADING)]
    pub(crate) tag: Vec<(String, String)>,
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

pub(super) fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("a tag is NAME=VALUE".to_owned()),
    }
}
