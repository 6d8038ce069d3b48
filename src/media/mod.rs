//! What bytes look like: transport streams, and text that comes in their place.
//!
//! Knows nothing of recordings or verdicts: it counts and describes, others judge.

pub mod page;
pub mod ts;
