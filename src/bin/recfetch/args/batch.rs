//! What `batch` and `ledger` take.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use recfetch::batch::Shard;
use recfetch::domain::time::SliceTime;

use super::mirror::tag;
use super::{KeepMode, NetworkArgs, OnlyForm, STORE_HEADING, StoreArgs, TRANSFER_HEADING, TransferArgs};

pub(crate) const EXAMPLES: &str = "\
Examples:
  The recordings of a list, one ID on each line, into another store; then those that failed once more:
    recfetch batch day.txt --store prod --mirror cold --class GLACIER_IR --failed again.txt
    recfetch batch again.txt --store prod --mirror cold --class GLACIER_IR
  All that was recorded in March, eight at a time and 50 MB/s together, into bags:
    recfetch batch --all --store prod --since 2026-03-01 --until 2026-04-01 --out archive --recordings 8 --limit-rate 50M
  What callbacks named, as they were saved; a table with the columns recording and channel; jobs as NDJSON:
    recfetch batch callbacks.ndjson --store prod --out archive
    recfetch batch lessons.csv --store prod --out archive
    produce-jobs | recfetch batch - --out archive
  The third of eight machines, which are given the same list:
    recfetch batch day.txt --store prod --mirror cold --shard 2/8";

pub(crate) const LEDGER_EXAMPLES: &str = "\
Examples:
  Which recordings of March are not complete, and why:
    recfetch ledger ls --out archive --since 2026-03-01 --until 2026-04-01 --open
  Those that were incomplete, as a list for `batch`:
    recfetch ledger export --out archive --outcome incomplete --format ids > again.txt
  The ledger was lost:
    recfetch ledger rebuild --out archive";

const LIST_HEADING: &str = "Which recordings";
const MIRROR_HEADING: &str = "Bringing to another store";
const RUNNING_HEADING: &str = "Running";

#[derive(Debug, Clone, Args)]
pub(crate) struct BatchArgs {
    /// List of recordings, - for stdin: an ID, key or URL on each line; CSV with a header (recording or sid, and
    /// channel, playlist, store, fallback, only, out, to, class, sse); jobs as NDJSON; or saved callbacks
    #[arg(required_unless_present = "all", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) list: Option<PathBuf>,
    /// All recordings that the stores list
    #[arg(long, conflicts_with = "list", help_heading = LIST_HEADING)]
    pub(crate) all: bool,
    /// With --all: recorded at this time or later (a date, or RFC 3339), by the first slice; what has no time is taken
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "list", help_heading = LIST_HEADING)]
    pub(crate) since: Option<SliceTime>,
    /// With --all: recorded before this time
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "list", help_heading = LIST_HEADING)]
    pub(crate) until: Option<SliceTime>,
    /// Only share INDEX of COUNT (from 0/8 to 7/8), by the IDs, stable when the list grows; 0/1 is everything
    /// [default: that of a Kubernetes indexed Job with --shards, an AWS Batch array, or a Slurm array]
    #[arg(long, value_name = "INDEX/COUNT", value_parser = shard, help_heading = LIST_HEADING)]
    pub(crate) shard: Option<Shard>,
    /// How many shares there are, where the scheduler tells only which one this is [env: RECFETCH_SHARDS]
    #[arg(long, value_name = "COUNT", conflicts_with = "shard", help_heading = LIST_HEADING)]
    pub(crate) shards: Option<u32>,
    /// Only these forms, with commas or repeated [default: everything]
    #[arg(long, value_name = "FORM", value_delimiter = ',', help_heading = LIST_HEADING)]
    pub(crate) only: Vec<OnlyForm>,
    /// Walk the whole bucket where the prefix is not known
    #[arg(long, help_heading = LIST_HEADING)]
    pub(crate) search: bool,
    /// Bring them to this store of the settings rather than into bags below --out
    #[arg(long, value_name = "STORE", help_heading = MIRROR_HEADING)]
    pub(crate) mirror: Option<String>,
    /// Storage class of the objects, by the store's name for it
    #[arg(long, value_name = "CLASS", requires = "mirror", help_heading = MIRROR_HEADING)]
    pub(crate) class: Option<String>,
    /// Encryption by the store: AES256, aws:kms
    #[arg(long, value_name = "HOW", requires = "mirror", help_heading = MIRROR_HEADING)]
    pub(crate) sse: Option<String>,
    /// Tag of the objects; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = tag, requires = "mirror", help_heading = MIRROR_HEADING)]
    pub(crate) tag: Vec<(String, String)>,
    /// Most recordings at once; all share --jobs, --limit-rate and memory
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256),
          help_heading = RUNNING_HEADING)]
    pub(crate) recordings: u16,
    /// Write those that are not complete into this file at the end, in the form of the list. What was signed in the
    /// list is signed there
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = RUNNING_HEADING)]
    pub(crate) failed: Option<PathBuf>,
    /// What was asked for, tried and proven [default: recfetch-ledger.sqlite in --out]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = RUNNING_HEADING)]
    pub(crate) ledger: Option<PathBuf>,
    /// Look for every recording anew, whatever the ledger says
    #[arg(long, help_heading = RUNNING_HEADING)]
    pub(crate) again: bool,
    /// Counts as Prometheus reads them, written anew every few seconds
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = RUNNING_HEADING)]
    pub(crate) metrics: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Ask the fallback also where a store refused or archived an object
    #[arg(long, help_heading = STORE_HEADING)]
    pub(crate) fallback_on_denied: bool,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
    /// What is kept of segments
    #[arg(long, value_name = "WHAT", default_value = "segments", conflicts_with = "mirror", help_heading = TRANSFER_HEADING)]
    pub(crate) keep: KeepMode,
    /// Join the segments of each recording into one file beside its bag
    #[arg(long, conflicts_with_all = ["mirror", "keep"], help_heading = TRANSFER_HEADING)]
    pub(crate) join: bool,
    /// Join although segments are missing, and say so in the name
    #[arg(long, conflicts_with = "mirror", help_heading = TRANSFER_HEADING)]
    pub(crate) allow_gaps: bool,
    /// Request segments whose URI in the playlist is absolute or names another host
    #[arg(long, help_heading = TRANSFER_HEADING)]
    pub(crate) allow_absolute: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// List recordings with their outcomes
    Ls(LedgerArgs),
    /// Show all that is known about recordings, each try among it
    Show(LedgerShowArgs),
    /// Print entries for other programs
    Export(LedgerExportArgs),
    /// Write a ledger from the bags in the output folder
    Rebuild(LedgerFileArgs),
}

impl LedgerCommand {
    /// Which ledger.
    pub(crate) fn file(&self) -> &LedgerFileArgs {
        match self {
            Self::Ls(args) => &args.file,
            Self::Show(args) => &args.file,
            Self::Export(args) => &args.which.file,
            Self::Rebuild(args) => args,
        }
    }
}

/// Which ledger.
#[derive(Debug, Clone, Args)]
pub(crate) struct LedgerFileArgs {
    /// The ledger [default: recfetch-ledger.sqlite in --out]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ledger: Option<PathBuf>,
    /// Folder with one folder per recording [env: RECFETCH_OUT] [default: .]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}

/// Which entries.
#[derive(Debug, Clone, Args)]
pub(crate) struct LedgerArgs {
    #[command(flatten)]
    pub(crate) file: LedgerFileArgs,
    /// Recorded at this time or later (a date, or RFC 3339); asked for, where nobody knows when it was recorded
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) since: Option<SliceTime>,
    /// Recorded before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) until: Option<SliceTime>,
    /// Only these outcomes, with commas or repeated: complete, incomplete, corrupt, denied, frozen, temporary,
    /// not-found, disk, usage, interrupted, listed
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    pub(crate) outcome: Vec<String>,
    /// Only what is not complete
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct LedgerShowArgs {
    #[command(flatten)]
    pub(crate) file: LedgerFileArgs,
    /// Recording IDs
    #[arg(required = true, value_name = "RECORDING")]
    pub(crate) recordings: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct LedgerExportArgs {
    #[command(flatten)]
    pub(crate) which: LedgerArgs,
    /// The form
    #[arg(long, value_name = "FORM", default_value = "ndjson")]
    pub(crate) format: ExportForm,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportForm {
    /// An object of JSON on each line
    Ndjson,
    /// Comma-separated values with a line of names first; `batch` reads it
    Csv,
    /// An ID on each line; `batch` reads it
    Ids,
}

fn shard(text: &str) -> Result<Shard, String> {
    Shard::parse(text).map_err(|error| error.to_string())
}

/// A date, which starts at midnight UTC, or RFC 3339.
fn moment(text: &str) -> Result<SliceTime, String> {
    let midnight = format!("{text}T00:00:00Z");
    SliceTime::from_rfc3339(text).or_else(|| SliceTime::from_rfc3339(&midnight)).ok_or_else(|| {
        "a date such as 2026-03-01 or a time such as 2026-03-01T08:00:00Z is wanted".to_owned()
    })
}
