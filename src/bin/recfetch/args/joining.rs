//! What can be said about joining.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use recfetch::engine::{Overlap, RunFiles};

use super::JOINING_HEADING;

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
    /// Into how many files a track goes.
    pub(crate) fn runs(&self) -> RunFiles {
        if self.across_discontinuities { RunFiles::One } else { RunFiles::Each }
    }

    /// What is done where two recorders recorded the same time.
    pub(crate) fn overlap(&self) -> Overlap {
        match self.overlap {
            Some(OverlapMode::Trim) | None => Overlap::Trim,
            Some(OverlapMode::Keep) => Overlap::Keep,
        }
    }
}
