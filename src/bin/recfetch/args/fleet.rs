//! What `submit`, `work` and `outcomes` take.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use recfetch::source::Secret;

use super::mirror::tag;
use super::{KeepMode, NetworkArgs, OnlyForm, STORE_HEADING, TRANSFER_HEADING, TransferArgs};
use crate::quantity::parse_duration;

pub(crate) const SUBMIT_EXAMPLES: &str = "\
Examples:
  The recordings of a list, to be brought into another store by whoever works:
    recfetch submit day.txt --queue nats://queue.example.com --store prod --mirror cold --class GLACIER_IR
  Those that nobody could bring, once more:
    recfetch outcomes --queue nats://queue.example.com --failed | recfetch submit - --queue nats://queue.example.com";

pub(crate) const WORK_EXAMPLES: &str = "\
Examples:
  A worker that goes on until it is stopped, and one that ends when nothing is left to do:
    recfetch work --queue nats://queue.example.com --out /srv/archive
    recfetch work --queue nats://queue.example.com --out /srv/archive --drain >> outcomes.ndjson";

pub(crate) const OUTCOMES_EXAMPLES: &str = "\
Examples:
  What became of everything, and what is becoming of it:
    recfetch outcomes --queue nats://queue.example.com
    recfetch outcomes --queue nats://queue.example.com --follow";

const QUEUE_HEADING: &str = "The queue";
const LIST_HEADING: &str = "Which recordings";
const MIRROR_HEADING: &str = "Bringing to another store";
const RUNNING_HEADING: &str = "Running";

/// Which queue.
#[derive(Debug, Clone, Args)]
pub(crate) struct QueueArgs {
    /// NATS servers with JetStream, with commas: nats://HOST:4222, or tls://HOST. Who we are: in the URL, or
    /// RECFETCH_QUEUE_USER and RECFETCH_QUEUE_PASSWORD, or RECFETCH_QUEUE_TOKEN [env: RECFETCH_QUEUE]
    #[arg(long, value_name = "URL", value_parser = secret, help_heading = QUEUE_HEADING)]
    pub(crate) queue: Option<Secret>,
    /// Name of the fleet; several may use the same servers
    #[arg(long, value_name = "NAME", default_value = "recfetch", value_parser = fleet, help_heading = QUEUE_HEADING)]
    pub(crate) fleet: String,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SubmitArgs {
    /// List of recordings as `batch` takes it, - for stdin. A URL goes into the queue as it is, signature and all
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) list: PathBuf,
    #[command(flatten)]
    pub(crate) queue: QueueArgs,
    /// Only these forms, with commas or repeated [default: everything]
    #[arg(long, value_name = "FORM", value_delimiter = ',', help_heading = LIST_HEADING)]
    pub(crate) only: Vec<OnlyForm>,
    /// Walk the whole bucket where the prefix is not known
    #[arg(long, help_heading = LIST_HEADING)]
    pub(crate) search: bool,
    /// Store to look in, by its name in the settings of the workers; may be repeated [default: theirs]
    #[arg(long, value_name = "NAME", help_heading = STORE_HEADING)]
    pub(crate) store: Vec<String>,
    /// Store that is tried for what the first one lacks; may be repeated
    #[arg(long, value_name = "NAME", help_heading = STORE_HEADING)]
    pub(crate) fallback: Vec<String>,
    /// Ask the fallback also where a store refused or archived an object
    #[arg(long, help_heading = STORE_HEADING)]
    pub(crate) fallback_on_denied: bool,
    /// Bring them to this store of the settings rather than into bags
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
    /// Folder that gets one folder per recording [default: that of each worker]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "mirror", help_heading = TRANSFER_HEADING)]
    pub(crate) out: Option<PathBuf>,
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
}

#[derive(Debug, Clone, Args)]
pub(crate) struct WorkArgs {
    #[command(flatten)]
    pub(crate) queue: QueueArgs,
    /// End when nothing waits or runs anywhere, rather than wait for more
    #[arg(long, help_heading = RUNNING_HEADING)]
    pub(crate) drain: bool,
    /// Most recordings at once; all share --jobs, --limit-rate and memory
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256),
          help_heading = RUNNING_HEADING)]
    pub(crate) recordings: u16,
    /// How often a job is taken before what may be temporary ends it
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100),
          help_heading = RUNNING_HEADING)]
    pub(crate) tries: u16,
    /// A worker that is not heard of for so long is dead, and its jobs are given to others; the first worker of a
    /// fleet decides
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = parse_duration,
          help_heading = RUNNING_HEADING)]
    pub(crate) dead_after: Duration,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct OutcomesArgs {
    #[command(flatten)]
    pub(crate) queue: QueueArgs,
    /// Go on with those that come
    #[arg(long)]
    pub(crate) follow: bool,
    /// Rather the jobs that ended short of complete and were not brought since, as `submit` and `batch` take them;
    /// why, on stderr
    #[arg(long, conflicts_with = "follow")]
    pub(crate) failed: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "clap asks for a result")]
fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}

/// It becomes a part of the names of streams and subjects.
fn fleet(text: &str) -> Result<String, String> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match text {
        "" => Err("a name is wanted".to_owned()),
        text if text.len() <= 64 && text.chars().all(is_fine) => Ok(text.to_owned()),
        _ => Err("a name has letters, digits, - and _, 64 at the most".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::args::{Cli, Command};

    #[test]
    fn the_url_of_a_queue_is_not_in_texts_about_the_command() {
        let cli = Cli::parse_from(["recfetch", "work", "--queue", "nats://me:hunter2@queue.example.com"]);
        assert!(!format!("{cli:?}").contains("hunter2"));
        let Command::Work(args) = cli.command else { panic!("no work") };
        assert_eq!(args.queue.queue.unwrap().expose(), "nats://me:hunter2@queue.example.com");
    }

    #[test]
    fn a_fleet_has_a_name_that_a_subject_can_have() {
        for name in ["", "a.b", "a b", "*", ">", "nächtlich"] {
            let flag = format!("--fleet={name}");
            assert!(Cli::try_parse_from(["recfetch", "work", &flag]).is_err(), "{name}");
        }
        assert!(Cli::try_parse_from(["recfetch", "work", "--fleet=of_march-2"]).is_ok());
    }
}
