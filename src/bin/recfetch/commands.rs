//! One module per command.

pub(crate) mod batch;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod explain;
pub(crate) mod fetch;
pub(crate) mod join;
pub(crate) mod ledger;
pub(crate) mod locate;
pub(crate) mod looking;
pub(crate) mod man;
pub(crate) mod mirror;
pub(crate) mod outcome;
pub(crate) mod outcomes;
pub(crate) mod query;
pub(crate) mod regions;
pub(crate) mod repair;
pub(crate) mod submit;
mod thawing;
pub(crate) mod verify;
pub(crate) mod work;
