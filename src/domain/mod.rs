//! What is known about recordings, and every decision that can be made from it.
//!
//! Pure: no I/O, no clock, no environment, no `async`, no wire formats. A function here takes facts
//! and returns facts, so that each rule can be tested from a table.

mod bytes;
pub mod check;
pub mod continuity;
pub mod dash;
pub mod digest;
pub mod filename;
pub mod finding;
pub mod form;
pub mod joining;
pub mod key;
pub mod locate;
pub mod misplaced;
pub mod object;
pub mod only;
pub mod place;
pub mod plan;
pub mod play;
pub mod playlist;
pub mod recording;
pub mod regions;
pub mod report;
mod spelling;
pub mod synthetic;
pub mod thaw;
pub mod time;
pub mod timeline;
pub mod vendor;
pub mod verdict;
