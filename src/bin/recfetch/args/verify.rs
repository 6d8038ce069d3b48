//! What `verify` takes.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::NetworkArgs;

#[derive(Debug, Clone, Args)]
pub(crate) struct VerifyArgs {
    /// Of a folder, also look into the media: a file may hash right and have been stored cut or broken. Of a store,
    /// read and hash every byte
    #[arg(long)]
    pub(crate) deep: bool,
    /// Store from the settings file whose mirrors of recordings are compared with their manifests, by what the store
    /// tells of its objects: their lengths and its own digests. Nothing of the payload is read
    #[arg(long, value_name = "NAME")]
    pub(crate) store: Option<String>,
    /// Bag of a recording; with --store, the ID (sid) of a recording
    #[arg(required = true, value_name = "DIR|SID", value_hint = ValueHint::DirPath)]
    pub(crate) dirs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}
