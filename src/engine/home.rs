//! Where a recording is brought: a folder here, or another store.

use std::sync::Arc;

use super::Context;
use super::mirror::Mirror;
use super::object::{Fetched as FetchedObject, Job, Proven};
use super::reporting::{findings_of, report_of};
use super::run::{Failed, Seen, record_of};
use super::sink::Sink;
use crate::archive::{self, Archive, Presence, Record, Trust};
use crate::domain::digest::Algorithm;
use crate::domain::finding::Finding;
use crate::domain::key::ObjectName;
use crate::domain::plan::Item;
use crate::domain::report::{ObjectReport, Origin};
use crate::domain::verdict::Verdict;

/// Where the objects of a recording are kept.
#[derive(Clone)]
pub(super) enum Home {
    /// A bag on a disk.
    Bag(Arc<Archive>),
    /// A bag in a store.
    Mirror(Arc<Mirror>),
}

/// An object that was dealt with, and what is to be said besides.
pub(super) type Done = (ObjectReport, Vec<Finding>);

impl Home {
    /// What was proven about an object, in this run or an earlier one.
    pub(super) fn record(&self, name: &ObjectName) -> Option<Record> {
        match self {
            Self::Bag(archive) => archive.record(name),
            Self::Mirror(mirror) => mirror.record(name),
        }
    }

    /// What has to be computed of each object besides what its store publishes.
    pub(super) fn also(&self) -> &'static [Algorithm] {
        match self {
            Self::Bag(_) => &[],
            Self::Mirror(mirror) => mirror.proofs(),
        }
    }

    /// Checks that there is room.
    pub(super) fn require_room(&self, bytes: u64) -> Result<(), archive::Error> {
        match self {
            Self::Bag(archive) => archive.require_room(bytes),
            // Nobody tells how much a store takes.
            Self::Mirror(_) => Ok(()),
        }
    }

    /// Looks whether an object is still as it was proven. Blocks for as long as a disk takes.
    pub(super) fn examine(&self, record: &Record, trust: Trust) -> Result<Presence, archive::Error> {
        match self {
            Self::Bag(archive) => archive.examine(record, trust),
            // Everything else was forgotten when the store was listed.
            Self::Mirror(mirror) if mirror.record(&record.name).as_ref() == Some(record) => {
                Ok(Presence::Proven)
            }
            Self::Mirror(_) => Ok(Presence::Missing),
        }
    }

    /// The same for many, with what is told of each. Once `stop` says so, the rest is left out.
    pub(super) fn examine_each(
        &self,
        records: Vec<Record>,
        trust: Trust,
        stop: &(dyn Fn() -> bool + Sync),
        told: &(dyn Fn(&Record, Presence) + Sync),
    ) -> Result<Vec<(Record, Presence)>, archive::Error> {
        match self {
            Self::Bag(archive) => archive.examine_each(records, trust, stop, told),
            Self::Mirror(_) => records
                .into_iter()
                .take_while(|_| !stop())
                .map(|record| {
                    let presence = self.examine(&record, trust)?;
                    told(&record, presence);
                    Ok((record, presence))
                })
                .collect(),
        }
    }

    /// Forgets an object that is not as it was proven.
    pub(super) fn forget(&self, name: &ObjectName) {
        match self {
            Self::Bag(archive) => archive.forget(name),
            Self::Mirror(mirror) => mirror.forget(name),
        }
    }

    /// Takes an object out again that turned out not to be good.
    pub(super) async fn withdraw(&self, context: &Context, name: &ObjectName) -> Result<(), Failed> {
        match self {
            Self::Bag(archive) => Ok(archive.withdraw(name)?),
            Self::Mirror(mirror) => Ok(mirror.withdraw(context, name).await?),
        }
    }

    /// A place for the bytes of an object until they are judged.
    pub(super) async fn sink(&self, job: &Job) -> Result<Sink, Failed> {
        match self {
            Self::Bag(archive) => Ok(Sink::file(archive.stage()?)),
            Self::Mirror(mirror) => {
                Ok(Sink::Sent(Box::new(mirror.outgoing(&job.name, job.expected.size).await?)))
            }
        }
    }

    /// Keeps an object with a good verdict, and reports any.
    pub(super) async fn keep(
        &self,
        context: &Context,
        item: Item,
        fetched: FetchedObject,
    ) -> Result<Done, Failed> {
        match self {
            Self::Bag(archive) => {
                let archive = archive.clone();
                let kept = tokio::task::spawn_blocking(move || into_bag(&archive, &item, fetched)).await;
                Ok(kept.map_err(Failed::Task)??)
            }
            Self::Mirror(mirror) => into_store(mirror, context, &item, fetched).await,
        }
    }
}

fn into_bag(archive: &Archive, item: &Item, fetched: FetchedObject) -> Result<Done, archive::Error> {
    let FetchedObject { verdict, bytes, failed_tries, mut findings, .. } = fetched;
    let (Some(Proven { sink, seen, from, etag, .. }), Verdict::Verified { evidence }) = (bytes, &verdict)
    else {
        return Ok((report_of(item, verdict, None, failed_tries), findings));
    };
    let staged = match sink {
        Sink::File { staged, .. } => staged,
        Sink::Held { pieces, .. } => {
            let mut staged = archive.stage()?;
            pieces.iter().try_for_each(|piece| staged.write(piece))?;
            staged
        }
        Sink::Memory { bytes, .. } => {
            let mut staged = archive.stage()?;
            staged.write(&bytes)?;
            staged
        }
        // It went elsewhere: nothing is here to be kept.
        Sink::Sent(_) => return Ok((report_of(item, verdict, None, failed_tries), findings)),
    };
    let path = archive.path_of(&item.name);
    let record = record_of(item, path, evidence.clone(), Seen { seen, from, etag });
    findings.extend(findings_of(item, &record));
    archive.publish(staged, record.clone())?;
    let mut report = report_of(item, verdict, Some(&record), failed_tries);
    report.origin = Origin::Fetched;
    Ok((report, findings))
}

async fn into_store(
    mirror: &Mirror,
    context: &Context,
    item: &Item,
    fetched: FetchedObject,
) -> Result<Done, Failed> {
    let FetchedObject { verdict, bytes, failed_tries, mut findings, .. } = fetched;
    let (Some(Proven { sink, seen, from, etag, .. }), Verdict::Verified { evidence }) = (bytes, &verdict)
    else {
        return Ok((report_of(item, verdict, None, failed_tries), findings));
    };
    let path = mirror.path_of(&item.name);
    let record = record_of(item, path, evidence.clone(), Seen { seen, from, etag });
    findings.extend(findings_of(item, &record));
    mirror.publish(context, sink, record.clone()).await?;
    let mut report = report_of(item, verdict, Some(&record), failed_tries);
    report.origin = Origin::Fetched;
    Ok((report, findings))
}
