//! All fuzz targets in one program: `RECFETCH_FUZZ` names the one to run. A target panics where what it is
//! about does not hold.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

mod answers;
mod dash;
mod events;
mod mp4;
mod names;
mod picture;
mod playlist;
mod saved;
mod sound;
mod ts;
mod webm;

type Target = fn(&[u8]);

const TARGETS: &[(&str, Target)] = &[
    ("answers", answers::target),
    ("dash", dash::target),
    ("events", events::target),
    ("mp4", mp4::target),
    ("names", names::target),
    ("picture", picture::target),
    ("playlist", playlist::target),
    ("saved", saved::target),
    ("sound", sound::target),
    ("ts", ts::target),
    ("webm", webm::target),
];

static CHOSEN: OnceLock<Target> = OnceLock::new();

fn chosen() -> Target {
    let name = std::env::var("RECFETCH_FUZZ").unwrap_or_default();
    let known: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("RECFETCH_FUZZ={name} is none of {known:?}")).1
}

fuzz_target!(|bytes: &[u8]| CHOSEN.get_or_init(chosen)(bytes));

/// A first byte that says how, and the rest.
fn with_choice(bytes: &[u8]) -> (usize, &[u8]) {
    bytes.split_first().map_or((0, bytes), |(first, rest)| (usize::from(*first), rest))
}

/// Whether a text can be shown on one line of a terminal.
fn is_one_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
