//! The engine through its public interface, against servers on loopback that do wrong on purpose.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
#![allow(clippy::wildcard_enum_match_arm, reason = "tests look at single cases of wide enums")]
#![allow(clippy::print_stderr, reason = "what was left out is to be seen")]
#![allow(unreachable_pub, missing_docs, reason = "nothing here is used from outside")]

mod batch;
mod certificates;
#[cfg(feature = "oss")]
mod cold;
mod disk;
mod forms;
mod joined_again;
mod joins;
mod keep_joined;
mod kit;
mod kodo;
mod listing;
mod looked;
mod matrix;
mod mirror;
#[cfg(feature = "oss")]
mod mirror_random;
#[cfg(feature = "oss")]
mod mirror_stores;
mod mirrored;
mod names;
mod only;
#[cfg(feature = "oss")]
mod oss;
mod overlap;
mod page;
mod places;
#[cfg(feature = "oss")]
mod random;
mod ranges;
mod repair;
mod reruns;
mod runs;
mod structures;
mod synthetic;
mod targets;
