//! What is tried.

pub(crate) mod backup;
pub(crate) mod checking;
pub(crate) mod crash;
pub(crate) mod disk;
pub(crate) mod fleet;
pub(crate) mod forms;
pub(crate) mod hosts;
pub(crate) mod joining;
pub(crate) mod judges;
pub(crate) mod manners;
pub(crate) mod mirror;
pub(crate) mod oss;
pub(crate) mod qiniu;
pub(crate) mod refusal;
pub(crate) mod store;
pub(crate) mod whole;
