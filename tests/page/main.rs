//! The page of a check in a real browser.
//!
//! `scripts/test` installs Chromium and what drives it, and says in `RECFETCH_TOOLS` where. Without that each
//! test is listed as ignored.

#![allow(
    clippy::unwrap_used,
    clippy::exit,
    clippy::print_stderr,
    reason = "a test, and the end of a program"
)]

mod browser;
mod cases;
mod checks;

use std::path::Path;

use browser::Browser;
use libtest_mimic::{Arguments, Trial};

const VARIABLE: &str = "RECFETCH_TOOLS";

fn main() {
    let mut arguments = Arguments::from_args();
    // Times are measured, and a browser is several processes by itself.
    arguments.test_threads.get_or_insert(1);
    let tools = std::env::var_os(VARIABLE);
    let browser = tools.as_ref().map(|venv| Browser::find(Path::new(venv)));
    if let Some(Err(what)) = &browser
        && !arguments.list
    {
        eprintln!("{VARIABLE} is set, but {what}");
        std::process::exit(101);
    }
    let browser = browser.and_then(Result::ok);
    if browser.is_none() {
        eprintln!("{} tests of the page left out: run scripts/test", cases::ALL.len());
    }
    let trials = cases::ALL.iter().map(|(name, run)| {
        let browser = browser.clone();
        let kind = if browser.is_none() { "needs scripts/test" } else { "" };
        let missing = browser.is_none();
        let run = move || {
            if let Some(browser) = &browser {
                run(browser);
            }
            Ok(())
        };
        Trial::test(*name, run).with_kind(kind).with_ignored_flag(missing)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
