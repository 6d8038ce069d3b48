//! A recording as one tar in another store: cold classes charge for each object, and a long recording has
//! thousands.
//!
//! The recording is fetched into a bag on the disk first, and packed when all is judged: a segment may turn out to
//! be another one only when its neighbours are here, and what was sent in the middle of a tar cannot be taken back.
//! So nothing is fetched twice, an upload that dies is begun anew from the bag, and memory holds a few parts only.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::meter::Meter;
use super::mirror::{Mirror, MirrorOptions, MirrorTarget, Mirrored, kept_as};
use super::run::{Failed, FetchError, Fetched};
use super::{Context, Fetcher, moment_ms};
use crate::archive::{self, BagTar, DigestV1, MARK_FORMAT, MarkV1, PACK, PACK_INDEX, PackV1, TagFile};
use crate::domain::digest::Digest;
use crate::domain::place::Obstacle;
use crate::domain::recording::RecordingId;
use crate::domain::verdict::{Content, Framing};
use crate::source::destination::{Keeping, Stored};
use crate::source::{Error, Operation};

/// So many pieces wait between the disk and the store.
const WAITING: usize = 8;

impl Fetcher {
    /// Brings a recording that was fetched to another store, as one tar with an index beside it.
    ///
    /// The bag on the disk stays as it is.
    ///
    /// # Errors
    /// Where the bag is not as its manifests say, or the store cannot be written: then there is no mark, and the
    /// next run sends the tar anew.
    pub async fn pack(
        &self,
        fetched: Fetched,
        target: &MirrorTarget,
        options: &MirrorOptions,
    ) -> Result<Mirrored, FetchError> {
        let id = fetched.report.recording.clone();
        pack(&self.context, fetched, &id, target, options).await.map_err(|failed| failed.of(&id))
    }
}

async fn pack(
    context: &Arc<Context>,
    fetched: Fetched,
    id: &RecordingId,
    target: &MirrorTarget,
    options: &MirrorOptions,
) -> Result<Mirrored, Failed> {
    let Fetched { report, written, dir, .. } = fetched;
    let mirror = Mirror::open(context, target, id, options.clone()).await?;
    let mtime = moment_ms(&written.finished).and_then(|ms| u64::try_from(ms / 1000).ok()).unwrap_or_default();
    let bag = open(&dir, id, mtime).await?;
    let index = bag.plan.index();
    mirror.unseal(context).await?;
    let (stored, digests) = send(context, &mirror, &bag, options).await?;
    let index_sha256 = hex::encode(Sha256::digest(index.as_bytes()));
    mirror.write(context, &mirror.key(PACK_INDEX)?, index.into_bytes()).await?;
    let mut last = [0; 32];
    for TagFile { file, bytes } in &bag.tags {
        last = Sha256::digest(bytes).into();
        mirror.write(context, &mirror.key(file)?, bytes.clone()).await?;
    }
    let mark = MarkV1 {
        format: MARK_FORMAT.to_owned(),
        written_by: written.written_by.clone(),
        recording: id.as_str().to_owned(),
        outcome: written.outcome.clone(),
        exit_code: written.exit_code,
        only: written.only.clone(),
        objects: bag.objects,
        bytes: bag.bytes,
        kept_as: kept_as(&options.keeping),
        pack: Some(PackV1 {
            file: PACK.to_owned(),
            size: bag.plan.size,
            digests: digests.iter().map(DigestV1::from).collect(),
            stored: stored.etag.map(|etag| etag.as_str().to_owned()),
            index: PACK_INDEX.to_owned(),
            index_sha256,
        }),
        tag_manifest_sha256: hex::encode(last),
        finished: written.finished.clone(),
    };
    mirror.write_mark(context, &mark).await?;
    Ok(Mirrored { report, written, mark, folder: mirror.folder().clone() })
}

async fn open(dir: &Path, id: &RecordingId, mtime: u64) -> Result<Arc<BagTar>, Failed> {
    let (dir, folder) = (dir.to_owned(), id.as_str().to_owned());
    let opened = tokio::task::spawn_blocking(move || BagTar::open(&dir, &folder, mtime)).await;
    Ok(Arc::new(opened.map_err(Failed::Task)??))
}

/// Sends the tar. The store gives it its name only when all of it was read, and is as the manifests say.
async fn send(
    context: &Context,
    mirror: &Mirror,
    bag: &Arc<BagTar>,
    options: &MirrorOptions,
) -> Result<(Stored, Vec<Digest>), Failed> {
    let keeping = Keeping { content_type: Some("application/x-tar"), ..options.keeping.clone() };
    let size = bag.plan.size;
    let mut outgoing = mirror.way().object(mirror.key(PACK)?, keeping, Some(size)).await;
    let mut meter = Meter::new(Content::Opaque, &[], &[]).also(mirror.proofs()).alone();
    let (pieces, mut waiting) = mpsc::channel::<Bytes>(WAITING);
    let reading = {
        let bag = bag.clone();
        tokio::task::spawn_blocking(move || bag.read(&mut |piece| pieces.blocking_send(piece).is_ok()))
    };
    loop {
        let piece = tokio::select! {
            biased;
            () = context.cancel.cancelled() => {
                let name = mirror.destination().name();
                return Err(Error::new(Obstacle::Unreachable, Operation::Write, name, PACK)
                    .with_answer("stopped: the tar is begun anew by the next run").into());
            }
            piece = waiting.recv() => piece,
        };
        let Some(piece) = piece else { break };
        meter.push(piece.clone());
        outgoing.write(context, &piece).await?;
    }
    let read: Result<(), archive::Error> = reading.await.map_err(Failed::Task)?;
    read?;
    let failed = |answer: &str| {
        let error = Error::new(Obstacle::Unexpected, Operation::Write, mirror.destination().name(), PACK);
        Failed::Destination(error.with_answer(answer))
    };
    let seen = meter.finish(Framing::Length).await.map_err(|_| failed("its digest could not be computed"))?;
    if seen.size != size {
        return Err(failed("the tar has another length than was laid out"));
    }
    let stored = outgoing.finish(context, &seen.digests).await?;
    Ok((stored, seen.digests))
}
