//! `completions`: a script for a shell, from the same definitions as the help.

use clap::CommandFactory as _;

use crate::args::{Cli, CompletionsArgs};
use crate::failure::{ExitCode, Failure};
use crate::output;

/// Prints the script.
pub(crate) fn run(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "recfetch", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::Complete)
}
