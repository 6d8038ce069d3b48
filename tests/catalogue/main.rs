//! A catalogue of defects: each a recording with exactly one, and some with several. A check has to name exactly
//! those, and none in a recording that has none.
//!
//! A case is a folder in `cases` with a `case.toml`: which clean recording it is made from, what is done to it,
//! and what has to be said. Adding one is adding a folder. With `CATALOGUE_SHOW=1` what was said is printed.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that cannot go on should stop there")]

mod case;
mod changes;
mod clean;
mod expect;
mod names;
mod stage;

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};

use case::{Case, StoreKind};
use clean::FORMS;

/// Fewer would not be a catalogue.
const AT_LEAST: usize = 60;

fn main() -> std::process::ExitCode {
    let mut trials = vec![
        Trial::test("there_are_many_over_all_vendors_and_forms", coverage),
        Trial::test("a_case_that_expects_too_little_or_too_much_fails", guard),
    ];
    for form in FORMS {
        for store in StoreKind::ALL {
            // A web server cannot list: only names that follow from the channel can be guessed there.
            if store == StoreKind::Web
                && !["composite", "long", "audio", "web-page", "failover"].contains(&form)
            {
                continue;
            }
            let name = format!("clean::{form}::{}", store.word());
            trials.push(Trial::test(name, move || clean_one(form, store)));
        }
    }
    for folder in folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        trials.push(Trial::test(format!("case::{name}"), move || {
            let case = Case::read(&folder);
            let (clean, said) = stage::case(&case);
            verdict(expect::compare(&case.expect, &clean, &said))
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn folders() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalogue/cases");
    let mut folders: Vec<_> = std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

/// A recording without defects: nothing but remarks.
fn clean_one(form: &str, store: StoreKind) -> Result<(), Failed> {
    let (clean, said) = stage::clean(form, store);
    verdict(expect::nothing_wrong(&clean, &said))
}

fn verdict(complaints: Vec<String>) -> Result<(), Failed> {
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

fn coverage() -> Result<(), Failed> {
    let cases: Vec<Case> = folders().iter().map(|folder| Case::read(folder)).collect();
    let mut lacking = Vec::new();
    if cases.len() < AT_LEAST {
        lacking.push(format!("only {} cases", cases.len()));
    }
    for form in FORMS {
        if !cases.iter().any(|case| case.like == form) {
            lacking.push(format!("no case is made from `{form}`"));
        }
    }
    for store in StoreKind::ALL {
        if !cases.iter().any(|case| case.store == store) {
            lacking.push(format!("no case is in a store of kind `{}`", store.word()));
        }
    }
    lacking.extend(
        cases.iter().filter(|case| case.about.trim().is_empty()).map(|_| "a case without a word".into()),
    );
    verdict(lacking)
}

/// The comparison can fail: with one diagnosis less, one more, and another number.
fn guard() -> Result<(), Failed> {
    let folder = folders().into_iter().find(|folder| folder.ends_with("absent")).expect("the case `absent`");
    let mut case = Case::read(&folder);
    let (clean, said) = stage::case(&case);
    let fails = |case: &Case| !expect::compare(&case.expect, &clean, &said).is_empty();
    let mut unnoticed = Vec::new();
    if fails(&case) {
        unnoticed.push("the case itself does not hold".to_owned());
    }
    case.expect.diagnosis[0].segment = Some(1);
    if !fails(&case) {
        unnoticed.push("another segment would not be noticed".to_owned());
    }
    let one = case.expect.diagnosis.remove(0);
    if !fails(&case) {
        unnoticed.push("a diagnosis that nobody expects would not be noticed".to_owned());
    }
    case.expect.diagnosis.push(case::Wanted { segment: Some(3), ..one });
    case.expect.exit = 0;
    if !fails(&case) {
        unnoticed.push("another exit code would not be noticed".to_owned());
    }
    verdict(unnoticed)
}
