//! What can be typed: the command line as clap sees it. What it means is decided in `settings`.

mod batch;
mod check;
mod cold;
mod fleet;
mod mirror;
mod repair;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use recfetch::engine::{Overlap, RunFiles};

use crate::failure::EXIT_CODES;
use crate::quantity::{parse_duration, parse_rate};

pub(crate) use batch::{BatchArgs, ExportForm, LedgerArgs, LedgerCommand};
pub(crate) use check::{CheckArgs, DeepMode, RowFormat};
pub(crate) use cold::{ColdArgs, TierArg};
pub(crate) use fleet::{OutcomesArgs, QueueArgs, SubmitArgs, WorkArgs};
pub(crate) use mirror::{MirrorArgs, PackMode};
pub(crate) use repair::RepairArgs;

const EXAMPLES: &str = "\
Examples:
  A recording of a configured store, with all its segments joined into one file:
    recfetch fetch 38f8e3cfdc474cd56fc1ceba380d7e1a --store prod --out archive --join
  One call without a config file; region as Agora's number, its name, or Amazon's id:
    recfetch fetch 38f8e3cfdc474cd56fc1ceba380d7e1a --vendor aws --region 4 --bucket lessons --prefix school/math
  A bucket at Qiniu through a domain of its own (keys in QINIU_ACCESS_KEY and QINIU_SECRET_KEY):
    recfetch fetch 38f8e3cfdc474cd56fc1ceba380d7e1a --vendor qiniu --region 0 --bucket lessons --domain v.example.com
  From a public or presigned playlist URL:
    recfetch fetch 'https://lessons.example.com/math/38f8…_room.m3u8'
  What is missing in the bucket, from the backup:
    recfetch fetch 38f8e3cfdc474cd56fc1ceba380d7e1a --store prod --fallback backup
  What was archived: ask for its restore, and come back when it can be read; or wait for it
    recfetch fetch 38f8e3cfdc474cd56fc1ceba380d7e1a --store cold --restore=Bulk --days 10
    recfetch fetch 38f8e3cfdc474cd56fc1ceba380d7e1a --store cold --restore --wait=8h
  What a saved callback, or answer to query or stop, is about; where it went, as start was told:
    recfetch fetch @callback.json --store prod
    recfetch fetch @stop.json --storage-config start.json --profile reader";

const LOCATE_EXAMPLES: &str = "\
Examples:
  What a saved callback, or answer to query or stop, is about:
    recfetch locate @callback.json
  A recording that runs, by Agora's live query (it knows nothing of one that has ended):
    recfetch locate --query SID --resource-id RID --mode mix";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  A number that can be several things, and only one of them:
    recfetch explain 32
    recfetch explain uploader:32
  Errors and callbacks of the SDK of 2019, states, errors of stores, and findings of recfetch:
    recfetch explain RecordingErrorBackupFailed backuped NoSuchKey RF101 unlisted-gap";

const STORE_HEADING: &str = "Where the recording is";
const TRANSFER_HEADING: &str = "Fetching and keeping";
const JOINING_HEADING: &str = "Joining";

/// Brings Agora Cloud Recording recordings home: finds, fetches, proves, keeps and joins them.
#[derive(Debug, Parser)]
#[command(
    name = "recfetch",
    version,
    after_help = EXIT_CODES,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = false,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Settings file [env: RECFETCH_CONFIG] [default: recfetch/config.toml in the XDG config folder]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Say nothing but results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more: notes and failed tries; twice: a log of what is done
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How progress is shown, on stderr [env: RECFETCH_PROGRESS] [default: auto]
    #[arg(long, global = true, value_name = "HOW")]
    pub(crate) progress: Option<ProgressMode>,
    /// Whether text is coloured; NO_COLOR is heeded
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorMode,
    /// Print the result as JSON on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    /// A bar on a terminal, else lines
    #[default]
    Auto,
    /// A bar
    Bar,
    /// A line every few seconds
    Lines,
    /// Every event as a line of JSON
    Json,
    /// Nothing
    None,
}

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorMode {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch recordings, prove every segment, and keep them as BagIt bags
    #[command(after_help = EXAMPLES)]
    Fetch(FetchArgs),
    /// Say where recordings are and what belongs to them, without fetching
    #[command(after_help = LOCATE_EXAMPLES)]
    Locate(LocateArgs),
    /// Say which segments are missing, since when, why, and what to do, without fetching
    #[command(after_help = check::EXAMPLES)]
    Check(CheckArgs),
    /// Bring recordings to another store, proven on the way in and on the way out, without a disk in between
    #[command(after_help = mirror::EXAMPLES)]
    Mirror(MirrorArgs),
    /// Fetch or mirror many recordings, several at once, and go on where some fail
    #[command(after_help = batch::EXAMPLES)]
    Batch(Box<BatchArgs>),
    /// Say what became of the recordings of batches
    #[command(subcommand, after_help = batch::LEDGER_EXAMPLES)]
    Ledger(LedgerCommand),
    /// Put the recordings of a list into a queue, for a fleet of workers
    #[command(after_help = fleet::SUBMIT_EXAMPLES)]
    Submit(SubmitArgs),
    /// Take jobs from the queue of a fleet and do them
    #[command(after_help = fleet::WORK_EXAMPLES)]
    Work(WorkArgs),
    /// Say what became of the jobs of a fleet
    #[command(after_help = fleet::OUTCOMES_EXAMPLES)]
    Outcomes(OutcomesArgs),
    /// Hash every file of bags again, offline, and name what changed; or audit mirrors in a store
    Verify(VerifyArgs),
    /// Fetch again only what is damaged or missing in bags, or in mirrors in a store, from whoever has it
    #[command(after_help = repair::EXAMPLES)]
    Repair(Box<RepairArgs>),
    /// Join the segments of a bag into one file
    Join(JoinArgs),
    /// List Agora's region numbers and names of all document generations
    Regions(RegionsArgs),
    /// Say what codes, names and findings mean, what they imply for the files, and what to do
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Look at the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the man page
    Man,
}

/// Which recordings.
#[derive(Debug, Clone, Args)]
pub(crate) struct RecordingArgs {
    /// Recording ID (sid), key or URL of a playlist, or @FILE: saved JSON of Agora's (@- for stdin)
    #[arg(required = true, value_name = "RECORDING")]
    pub(crate) recordings: Vec<String>,
    /// Channel name (cname); names the playlist where a store cannot list
    #[arg(long, value_name = "CNAME")]
    pub(crate) channel: Option<String>,
    /// Walk the whole bucket where the prefix is not known
    #[arg(long)]
    pub(crate) search: bool,
    /// Key of the playlist, where it is known
    #[arg(long, value_name = "KEY")]
    pub(crate) playlist: Option<String>,
    /// Refuse the saved callback unless this Agora-Signature or Agora-Signature-V2 fits its bytes
    /// [secret: AGORA_CALLBACK_SECRET]
    #[arg(long, value_name = "HEX")]
    pub(crate) callback_signature: Option<String>,
    /// Only these forms, with commas or repeated; the rest is left out on purpose, complete is said of these,
    /// and what an earlier run brought stays in the bag [default: everything]
    #[arg(long, value_name = "FORM", value_delimiter = ',')]
    pub(crate) only: Vec<OnlyForm>,
}

/// A form of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnlyForm {
    /// Slices, playlists, master playlists and DASH manifests
    Hls,
    /// MP4 files
    Mp4,
    /// Sound files
    Audio,
    /// Pictures
    Images,
}

/// Where the bytes are.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = STORE_HEADING)]
pub(crate) struct StoreArgs {
    /// Store from the settings file; may be repeated, searched in this order [env: RECFETCH_STORE]
    #[arg(long, value_name = "NAME")]
    pub(crate) store: Vec<String>,
    /// Store that is tried for what the first one lacks; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) fallback: Vec<String>,
    /// A store for this call: qiniu, aws, aliyun, tencent, …, s3, http, dir, or Agora's number
    #[arg(long, value_name = "VENDOR", conflicts_with = "store")]
    pub(crate) vendor: Option<String>,
    /// Region: Agora's number or name, or the vendor's id
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Bucket
    #[arg(long, value_name = "BUCKET")]
    pub(crate) bucket: Option<String>,
    /// Folder in the bucket, Agora's fileNamePrefix joined by slashes
    #[arg(long, value_name = "FOLDER")]
    pub(crate) prefix: Option<String>,
    /// Scheme and host of an S3-compatible store, or of a bucket at Aliyun
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) endpoint: Option<String>,
    /// Put the bucket into the path of URLs rather than before the host
    #[arg(long)]
    pub(crate) path_style: bool,
    /// The endpoint is a domain of the bucket's own, bound to it at Aliyun
    #[arg(long, requires = "endpoint")]
    pub(crate) cname: bool,
    /// Domain that is bound to the bucket at Qiniu: read through it and Kodo's own interfaces; https unless said
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) domain: Option<String>,
    /// Profile of the AWS settings files, or at Aliyun of ossutil's
    #[arg(long, value_name = "PROFILE", conflicts_with = "anonymous")]
    pub(crate) profile: Option<String>,
    /// Ask without credentials: a public bucket
    #[arg(long)]
    pub(crate) anonymous: bool,
    /// A web server for this call: the folder that keys are below
    #[arg(long, value_name = "URL", conflicts_with_all = ["store", "bucket", "dir"], value_hint = ValueHint::Url)]
    pub(crate) url: Option<String>,
    /// A local folder for this call, laid out like the bucket
    #[arg(long, value_name = "DIR", conflicts_with_all = ["store", "bucket"], value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
    /// A store for this call from the storageConfig that was sent to `start`, - for stdin. Its keys are used
    /// where no others are given (--profile, --anonymous); keys for recording often may only write
    #[arg(long, value_name = "FILE", conflicts_with_all = ["store", "vendor", "url", "dir"], value_hint = ValueHint::FilePath)]
    pub(crate) storage_config: Option<PathBuf>,
    /// Accept a region number or name whose meaning is a guess
    #[arg(long)]
    pub(crate) unconfirmed_region: bool,
}

/// How patient the network side is.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArgs {
    /// Tries after the first one, per object and store [env: RECFETCH_RETRIES] [default: 8]
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,
    /// Longest time for all tries of one object: 90s, 5m [env: RECFETCH_PATIENCE] [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) patience: Option<Duration>,
    /// Longest time for a connection to be made [env: RECFETCH_CONNECT_TIMEOUT] [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) connect_timeout: Option<Duration>,
    /// Longest time without a byte [env: RECFETCH_STALL_TIMEOUT] [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) stall_timeout: Option<Duration>,
    /// Proxies: those of the environment (HTTPS_PROXY …) or none [env: RECFETCH_PROXY] [default: system]
    #[arg(long, value_name = "WHICH")]
    pub(crate) proxy: Option<ProxyMode>,
}

/// Which proxies are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProxyMode {
    /// Those that the environment names
    System,
    /// None
    None,
}

/// How bytes are fetched and kept.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = TRANSFER_HEADING)]
pub(crate) struct TransferArgs {
    /// Folder that gets one folder per recording [env: RECFETCH_OUT] [default: .]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Most objects that are fetched at once [env: RECFETCH_JOBS] [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Most bytes per second: 500k, 1M, 2MiB [env: RECFETCH_LIMIT_RATE] [default: none]
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(crate) limit_rate: Option<u64>,
    /// Believe size and time of files that an earlier run proved, do not hash them [env: RECFETCH_TRUST_MTIME]
    #[arg(long)]
    pub(crate) trust_mtime: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct FetchArgs {
    #[command(flatten)]
    pub(crate) what: RecordingArgs,
    /// Locate and plan only: say what would be fetched
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Ask the fallback also where a store refused or archived an object
    #[arg(long, help_heading = STORE_HEADING)]
    pub(crate) fallback_on_denied: bool,
    /// Look again first, for so long at the most, until nothing is awaited that Agora Cloud Backup may still push
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = STORE_HEADING)]
    pub(crate) wait_backup: Option<Duration>,
    #[command(flatten)]
    pub(crate) cold: ColdArgs,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
    /// What is kept of segments
    #[arg(long, value_name = "WHAT", default_value = "segments", help_heading = TRANSFER_HEADING)]
    pub(crate) keep: KeepMode,
    /// Request segments whose URI in the playlist is absolute or names another host
    #[arg(long, help_heading = TRANSFER_HEADING)]
    pub(crate) allow_absolute: bool,
    /// Join the segments into one file, beside the bag unless FILE is given
    #[expect(clippy::option_option, reason = "clap: not given, given, given with a file")]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, value_hint = ValueHint::FilePath,
          help_heading = JOINING_HEADING)]
    pub(crate) join: Option<Option<PathBuf>>,
    /// Join although segments are missing, and say so in the name
    #[arg(long, help_heading = JOINING_HEADING)]
    pub(crate) allow_gaps: bool,
    #[command(flatten)]
    pub(crate) joining: JoiningArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, Clone, Args)]
#[command(mut_arg("recordings", |arg| arg.required(false).required_unless_present("query")))]
pub(crate) struct LocateArgs {
    #[command(flatten)]
    pub(crate) what: RecordingArgs,
    /// Ask Agora about a running recording, then look for it where a store is configured
    /// [env: AGORA_APP_ID, AGORA_CUSTOMER_ID, AGORA_CUSTOMER_SECRET, AGORA_API]
    #[arg(long, value_name = "SID", requires_all = ["resource_id", "mode"], conflicts_with = "recordings")]
    pub(crate) query: Option<String>,
    /// Resource ID that `acquire` gave for it
    #[arg(long, value_name = "RID", requires = "query")]
    pub(crate) resource_id: Option<String>,
    /// How it is recorded
    #[arg(long, value_name = "MODE", requires = "query")]
    pub(crate) mode: Option<RecordingMode>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// How a recording is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecordingMode {
    /// Everybody in one picture
    Mix,
    /// Each user in files of their own
    Individual,
    /// A web page
    Web,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct VerifyArgs {
    /// Of a folder, also look into the media: a file may hash right and have been stored cut or broken. Of a store,
    /// read and hash every byte
    #[arg(long)]
    pub(crate) deep: bool,
    /// Store from the settings file whose mirrors of recordings are compared with their manifests, by what the store
    /// tells of its objects: their lengths and its own digests. Nothing of the payload is read
    #[arg(long, value_name = "NAME")]
    pub(crate) store: Option<String>,
    /// Bag of a recording; with --store, the ID (sid) of a recording
    #[arg(required = true, value_name = "DIR|SID", value_hint = ValueHint::DirPath)]
    pub(crate) dirs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct JoinArgs {
    /// Bag of a recording
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// The file to write [default: beside the bag, named after the recording]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) to: Option<PathBuf>,
    /// Join although segments are missing, and say so in the name
    #[arg(long)]
    pub(crate) allow_gaps: bool,
    /// The track to join, as the report names it, where there is more than one
    #[arg(long, value_name = "TRACK")]
    pub(crate) track: Option<String>,
    #[command(flatten)]
    pub(crate) joining: JoiningArgs,
}

/// What is kept of segments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeepMode {
    /// Each as a file
    #[default]
    Segments,
    /// Only the joined file of each track, in the bag, with the proof of each segment in it; one pass, with a
    /// bounded number of segments beside it. WebM is kept as segments
    Joined,
}

/// What becomes one joined file.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = JOINING_HEADING)]
pub(crate) struct JoiningArgs {
    /// One file although size, codec or rotation change inside; by default each run of one form gets its own,
    /// with .run1, .run2 … in its name
    #[arg(long)]
    pub(crate) across_discontinuities: bool,
    /// Where two recorders recorded the same time (failover) [default: trim]
    #[arg(long, value_name = "HOW")]
    pub(crate) overlap: Option<OverlapMode>,
}

/// What is done where two recorders recorded the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OverlapMode {
    /// Leave out segments that a later recorder's segments cover wholly
    Trim,
    /// Take every segment, in time order
    Keep,
}

impl JoiningArgs {
    pub(crate) fn runs(&self) -> RunFiles {
        if self.across_discontinuities { RunFiles::One } else { RunFiles::Each }
    }

    pub(crate) fn overlap(&self) -> Overlap {
        match self.overlap {
            Some(OverlapMode::Trim) | None => Overlap::Trim,
            Some(OverlapMode::Keep) => Overlap::Keep,
        }
    }
}

#[derive(Debug, Clone, Args)]
pub(crate) struct RegionsArgs {
    /// Vendor: Agora's number, a word or a product's name; all without it
    pub(crate) vendor: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ExplainArgs {
    /// Number, name or word: of Agora's REST interface, callbacks, SDK and states, of a store's errors, or of a
    /// finding (RF101); FAMILY:CODE for one meaning only (event:31, leave:6)
    #[arg(required_unless_present = "list", value_name = "CODE")]
    pub(crate) codes: Vec<String>,
    /// All codes
    #[arg(long, conflicts_with = "codes")]
    pub(crate) list: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the effective settings and where each came from
    Show(ConfigShowArgs),
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConfigShowArgs {
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell
    pub(crate) shell: Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn join_takes_a_file_only_after_an_equals_sign() {
        let parse = |words: &[&str]| {
            let cli = Cli::try_parse_from([&["recfetch", "fetch"], words].concat()).unwrap();
            match cli.command {
                Command::Fetch(args) => (args.what.recordings, args.join),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(parse(&["--join", "sid"]), (vec!["sid".to_owned()], Some(None)));
        assert_eq!(parse(&["sid", "--join=a.ts"]), (vec!["sid".to_owned()], Some(Some("a.ts".into()))));
        assert_eq!(parse(&["sid"]).1, None);
    }

    #[test]
    fn forms_are_named_with_commas_or_again() {
        let parse = |words: &[&str]| {
            let cli = Cli::try_parse_from([&["recfetch", "locate", "sid"], words].concat());
            match cli.map(|cli| cli.command) {
                Ok(Command::Locate(args)) => Some(args.what.only),
                Ok(other) => panic!("{other:?}"),
                Err(_) => None,
            }
        };
        assert_eq!(parse(&["--only", "mp4,hls"]), Some(vec![OnlyForm::Mp4, OnlyForm::Hls]));
        assert_eq!(parse(&["--only=audio", "--only=images"]), Some(vec![OnlyForm::Audio, OnlyForm::Images]));
        assert_eq!(parse(&["--only", "film"]), None);
        assert_eq!(parse(&[]), Some(vec![]));
    }

    #[test]
    fn segments_are_kept_unless_told_otherwise() {
        for (words, expected) in
            [(&["sid"][..], KeepMode::Segments), (&["sid", "--keep", "joined"], KeepMode::Joined)]
        {
            let cli = Cli::try_parse_from([&["recfetch", "fetch"], words].concat()).unwrap();
            assert!(matches!(cli.command, Command::Fetch(args) if args.keep == expected));
        }
    }

    #[test]
    fn the_help_of_fetch_groups_its_flags() {
        let cli = Cli::command();
        let fetch = cli.find_subcommand("fetch").unwrap();
        let group = |id: &str| {
            let arg = fetch.get_arguments().find(|arg| arg.get_id() == id).unwrap();
            arg.get_help_heading().unwrap_or("Options").to_owned()
        };
        for (id, heading) in [
            ("only", "Options"),
            ("dry_run", "Options"),
            ("cname", STORE_HEADING),
            ("fallback_on_denied", STORE_HEADING),
            ("out", TRANSFER_HEADING),
            ("keep", TRANSFER_HEADING),
            ("allow_absolute", TRANSFER_HEADING),
            ("join", JOINING_HEADING),
            ("allow_gaps", JOINING_HEADING),
            ("overlap", JOINING_HEADING),
            ("retries", "Network"),
        ] {
            assert_eq!(group(id), heading, "{id}");
        }
    }

    #[test]
    fn no_flag_takes_a_secret() {
        for command in Cli::command().get_subcommands() {
            for arg in command.get_arguments() {
                // One that ends so takes the name of a variable, and that may be in a list of processes.
                let name = arg.get_id().as_str().trim_end_matches("_secret_env");
                assert!(
                    !name.contains("secret") && !name.contains("token") && !name.contains("key_id"),
                    "{name}"
                );
            }
        }
    }
}
