//! One module per command.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod man;
pub(crate) mod regions;
pub(crate) mod verify;
