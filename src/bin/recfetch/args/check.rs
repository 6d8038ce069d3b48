//! What can be typed behind `check`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::{NetworkArgs, RecordingArgs, StoreArgs};
use crate::quantity::parse_duration;

pub(super) const EXAMPLES: &str = "\
Examples:
  What of a recording is where, what is lost, why, and what to do:
    recfetch check 38f8e3cfdc474cd56fc1ceba380d7e1a --store prod --fallback backup
  A text for Agora's support:
    recfetch check 38f8e3cfdc474cd56fc1ceba380d7e1a --store prod --app-id APPID --ticket
  What players would meet, and the media too, as a page:
    recfetch check 38f8e3cfdc474cd56fc1ceba380d7e1a --store prod --players=https://app.example.com --deep=first \\
        --html check.html
  Every recording of a store, for a spreadsheet:
    recfetch check --all --store prod --format csv > recordings.csv

Exit codes:
    0  nothing is missing, or all of it can be had
    3  incomplete: something is lost
    4  corrupt: bytes that were read are wrong
    5  unknown: a store did not answer
    6  denied
    7  not found
    8  archived: a restore is needed";

const AGORA_HEADING: &str = "What Agora told";
const SAYING_HEADING: &str = "What is said";

/// Which recordings are checked, how, and what is said about them.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("recordings", |arg| arg.required(false).required_unless_present("all")))]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) what: RecordingArgs,
    /// Check every recording of the store, from one pass over its listing; with --search of its whole bucket
    #[arg(long, conflicts_with_all = ["recordings", "wait_backup"])]
    pub(crate) all: bool,
    /// Read the media too, streaming, nothing is kept: first reads 64 KiB of each segment, whole all of it
    #[expect(clippy::option_option, reason = "clap: not given, given, given with a depth")]
    #[arg(long, value_name = "DEPTH", num_args = 0..=1, require_equals = true)]
    pub(crate) deep: Option<Option<DeepMode>>,
    /// Ask as a player on a page of this origin would, without keys: types, ranges, CORS
    /// [default: https://player.example]
    #[arg(long, value_name = "ORIGIN", num_args = 0..=1, require_equals = true,
          default_missing_value = "https://player.example")]
    pub(crate) players: Option<String>,
    /// Look again until nothing is awaited that Agora Cloud Backup may still push, for so long at the most: 2h, 10d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) wait_backup: Option<Duration>,
    /// A log of Agora's callbacks, one per line or an array, - for stdin; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "all",
          help_heading = AGORA_HEADING)]
    pub(crate) events: Vec<PathBuf>,
    /// Believe only callbacks of the logs whose signature fits the secret in this environment variable
    #[arg(long, value_name = "VARIABLE", help_heading = AGORA_HEADING)]
    pub(crate) events_secret_env: Option<String>,
    /// Agora's project, for the request to its support
    #[arg(long, value_name = "ID", help_heading = AGORA_HEADING)]
    pub(crate) app_id: Option<String>,
    /// Print a request to Agora's support instead: what is missing, since when, what was seen and tried
    #[arg(long, conflicts_with = "format", help_heading = SAYING_HEADING)]
    pub(crate) ticket: bool,
    /// Write the best playlist that the facts allow, to be put beside the slices: gaps, lost segments and guessed
    /// durations are marked. Of several tracks each gets a file, with the track before the extension of
    /// FILE: list.uid-7-audio.m3u8
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = SAYING_HEADING)]
    pub(crate) write_playlist: Option<PathBuf>,
    /// Write a page that shows all of it: one file, which a browser opens without any network
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = SAYING_HEADING)]
    pub(crate) html: Option<PathBuf>,
    /// One line for each recording [default with several: table]
    #[arg(long, value_name = "FORM", help_heading = SAYING_HEADING)]
    pub(crate) format: Option<RowFormat>,
    /// Draw with ASCII letters; so it is done too where the locale is not UTF-8
    #[arg(long, help_heading = SAYING_HEADING)]
    pub(crate) ascii: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// How much of each segment is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeepMode {
    /// The first 64 KiB
    First,
    /// All of it
    #[default]
    Whole,
}

/// One line for each recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// For people
    Table,
    /// Comma-separated values (RFC 4180), with a line of names first
    Csv,
    /// An object of JSON on each line, with the same names
    Ndjson,
}
