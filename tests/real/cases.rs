//! What is tried.

pub(crate) mod backup;
pub(crate) mod crash;
pub(crate) mod disk;
pub(crate) mod joining;
pub(crate) mod manners;
pub(crate) mod refusal;
pub(crate) mod store;
pub(crate) mod whole;
