//! The program with what people saved: answers, callbacks and storage settings of Agora's, and the live query,
//! against servers on loopback.

#![cfg(all(feature = "cli", feature = "s3"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
#![allow(unreachable_pub, missing_docs, reason = "nothing here is used from outside")]

mod kit;
mod query;
mod refusals;
mod saved;
mod storage;
