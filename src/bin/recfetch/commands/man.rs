//! `man`: one page for all commands, from the same definitions as the help.

use std::fmt::Write as _;

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::args::Cli;
use crate::failure::{EXIT_CODES, ExitCode, Failure};
use crate::output;
use crate::settings::env::VARIABLES;

/// Prints the page.
pub(crate) fn run() -> Result<ExitCode, Failure> {
    output::print(&page().map_err(Failure::internal)?)?;
    Ok(ExitCode::Complete)
}

fn page() -> std::io::Result<String> {
    let mut root = Cli::command();
    root.build();
    // The table has a section of its own.
    let man = Man::new(root.clone().after_help(""));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    page.push_str(".SH COMMANDS\n");
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        let inner: Vec<_> =
            command.get_subcommands().filter(|inner| inner.get_name() != "help").cloned().collect();
        let commands = if inner.is_empty() { vec![command.clone()] } else { inner };
        for command in commands {
            page.push_str(&section(command)?);
        }
    }
    page.push_str(".SH \"EXIT STATUS\"\n.nf\n");
    verbatim(&mut page, EXIT_CODES.split_once('\n').map_or(EXIT_CODES, |(_, table)| table));
    page.push_str(".fi\n.SH ENVIRONMENT\n");
    for (name, what) in VARIABLES {
        // Writing to a string cannot fail.
        let _ = writeln!(page, ".TP\n\\fB{name}\\fR\n{}", escaped(what));
    }
    page.push_str(
        ".PP\nThe variables and files of the AWS tools (for a store of Aliyun's those of ossutil) are read where \
         a store has no credentials of its own; HTTPS_PROXY, HTTP_PROXY and NO_PROXY unless \\-\\-proxy none; NO_COLOR; RUST_LOG.\n\
         .SH FILES\n.TP\n$XDG_CONFIG_HOME/recfetch/config.toml\n\
         The settings: [defaults], and a table [store.NAME] for each store.\n",
    );
    Ok(page)
}

/// One command: its own lines of the page, without the global options that the top has.
fn section(command: clap::Command) -> std::io::Result<String> {
    let usage = command.clone().render_usage().to_string();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let after = command.get_after_help().map(ToString::to_string);
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let hidden = command
        .get_arguments()
        .filter(|arg| arg.is_global_set())
        .map(|arg| arg.get_id().clone())
        .collect::<Vec<_>>();
    let mut own = command.after_help("");
    for id in hidden {
        own = own.mut_arg(id, |arg| arg.hide(true));
    }
    let mut options = Vec::new();
    Man::new(own).render_options_section(&mut options)?;
    let mut text = format!(".SS \"{}\"\n{}.\n.PP\n", escaped(&name), escaped(&about));
    verbatim(&mut text, usage.strip_prefix("Usage: ").unwrap_or(&usage));
    for line in String::from_utf8_lossy(&options).lines() {
        // Headings of a page would end the section of this command.
        match line.strip_prefix(".SH ") {
            Some("OPTIONS") => {}
            Some(heading) => {
                let heading = heading.trim_matches('"');
                let _ = writeln!(text, ".PP\n\\fI{heading}\\fR");
            }
            None => {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    if let Some(after) = after {
        text.push_str(".PP\n.nf\n");
        verbatim(&mut text, &after);
        text.push_str(".fi\n");
    }
    Ok(text)
}

fn verbatim(page: &mut String, text: &str) {
    for line in text.lines() {
        page.push_str(&escaped(line));
        page.push('\n');
    }
}

/// Text as roff takes it literally.
fn escaped(line: &str) -> String {
    let escaped = line.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_command_every_code_and_every_variable() {
        let page = page().unwrap();
        for command in Cli::command().get_subcommands() {
            assert!(
                page.contains(&format!(".SS \"recfetch {}", command.get_name())),
                "{}",
                command.get_name()
            );
        }
        for part in ["EXIT STATUS", "143  stopped by SIGTERM", "RECFETCH_STALL_TIMEOUT", "\\-\\-allow\\-gaps"]
        {
            assert!(page.contains(part), "{part}");
        }
    }

    #[test]
    fn a_line_cannot_become_a_request() {
        assert_eq!(escaped(".SH x"), "\\&.SH x");
        assert_eq!(escaped("a\\b --c"), "a\\eb \\-\\-c");
    }
}
