//! What Agora's own services say about a recording: answers and callbacks that people saved, their
//! signatures, and the live `query` of a recording that still runs.
//!
//! There is no interface that turns an ID into anything once a recording has ended, so a saved text is the
//! best that there is besides the bucket itself. All of it is hostile until it is read: sizes are bounded,
//! names are checked, and keys that a text carries are [`Secret`](crate::source::Secret)s from then on.
//!
//! [`events`] reads a log of callbacks of any length, [`codes`] says what Agora's numbers and names mean.
//!
//! Shapes: Agora, "query", "stop", "start" and callback pages from 2019-04 to 2026-06, and what their users
//! showed of real ones.

pub mod codes;
pub mod events;
mod query;
mod saved;
mod signature;

pub use query::{Customer, DEFAULT_BASES, Query, QueryError, query};
pub use saved::{
    Facts, MAX_BYTES, MAX_FILES, Note, Saved, SavedError, SavedFile, SavedKeys, SavedRecording, SavedStore,
    State, read,
};
pub use signature::{Signature, SignatureError};
