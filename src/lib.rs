//! recfetch: brings Agora Cloud Recording recordings home.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there"))]

pub mod archive;
pub mod domain;
pub mod engine;
pub mod event;
pub mod media;
pub mod source;
