//! One suite over every adapter of [`Source`](recfetch::source::Source): what the port promises, each keeps.
//! Cases are chosen by `capabilities()`; what only a web server can do wrong is in `obstacles`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
#![allow(clippy::wildcard_enum_match_arm, reason = "tests look at single cases of wide enums")]

mod makers;
mod obstacles;
mod secrets;
mod suite;
