//! What is tried.

pub(crate) mod backup;
pub(crate) mod crash;
pub(crate) mod disk;
pub(crate) mod manners;
pub(crate) mod oss;
pub(crate) mod refusal;
pub(crate) mod store;
pub(crate) mod whole;
