//! How fast the parts are, one core each. Divan measures, because it counts bytes and items a second by itself
//! and brings few crates.
//!
//! `cargo bench --all-features --bench speed [-- FILTER]`

#![allow(clippy::expect_used, reason = "what is measured is made here, and must be as it was meant")]

mod hashes;
mod made;
mod media;
mod names;
mod playlists;
mod recordings;

use recfetch_test_support::ts;

fn main() {
    divan::main();
}
