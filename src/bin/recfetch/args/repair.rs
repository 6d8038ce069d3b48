//! What `repair` takes.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{NetworkArgs, StoreArgs, TRANSFER_HEADING};
use crate::quantity::parse_rate;

pub(crate) const EXAMPLES: &str = "\
Examples:
  What is damaged or gone in a bag, from the store that it came from:
    recfetch repair archive/38f8e3cfdc474cd56fc1ceba380d7e1a
  From another store, a mirror in it, or a folder of other bags; whoever has the right bytes:
    recfetch repair archive/38f8e3cfdc474cd56fc1ceba380d7e1a --from backup --from cold
    recfetch repair archive/38f8e3cfdc474cd56fc1ceba380d7e1a --dir /mnt/second/archive
  What would be fetched:
    recfetch repair archive/38f8e3cfdc474cd56fc1ceba380d7e1a --dry-run
  A mirror in a store, by what the store tells of its objects; and by reading all of them:
    recfetch repair --store cold 38f8e3cfdc474cd56fc1ceba380d7e1a --from prod
    recfetch repair --store cold --deep 38f8e3cfdc474cd56fc1ceba380d7e1a --from prod";

#[derive(Debug, Clone, Args)]
#[command(mut_arg("store", |arg| arg
    .long("from")
    .help("Store from the settings file that has what is damaged, or a mirror of it; may be repeated, asked in this \
           order [default: the store that the bag came from, then the others]")))]
pub(crate) struct RepairArgs {
    /// Bag of a recording; with --store, the ID (sid) of a recording
    #[arg(required = true, value_name = "DIR|SID", value_hint = ValueHint::DirPath)]
    pub(crate) dirs: Vec<PathBuf>,
    /// Say what is damaged and what would be fetched; fetch and write nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Store from the settings file whose mirrors of recordings are repaired; those that lie object by object. One
    /// that lies there as a tar is mirrored anew
    #[arg(id = "mirrors", long = "store", value_name = "NAME")]
    pub(crate) mirrors: Option<String>,
    /// Of a mirror, read and hash every byte first, rather than believe what its store tells
    #[arg(long, requires = "mirrors")]
    pub(crate) deep: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Most objects that are fetched at once [env: RECFETCH_JOBS] [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = TRANSFER_HEADING)]
    pub(crate) jobs: Option<u16>,
    /// Most bytes per second: 500k, 1M, 2MiB [env: RECFETCH_LIMIT_RATE] [default: none]
    #[arg(long, value_name = "RATE", value_parser = parse_rate, help_heading = TRANSFER_HEADING)]
    pub(crate) limit_rate: Option<u64>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

impl RepairArgs {
    /// Whether it was said where the bytes are.
    pub(crate) fn names_a_source(&self) -> bool {
        let StoreArgs { store, vendor, bucket, url, dir, storage_config, .. } = &self.store;
        let one = [vendor, bucket, url].iter().any(|given| given.is_some());
        !store.is_empty() || one || dir.is_some() || storage_config.is_some()
    }
}
