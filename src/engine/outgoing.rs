//! Bytes that go on to another store while they come, without a disk in between.
//!
//! Little objects wait in memory until they are judged, and are stored whole. Of large ones each part goes on as
//! soon as it is here; the store gives the object its name only when it is told to, which is after the verdict.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Context;
use super::meter::Meter;
use super::retry::Retries;
use crate::domain::digest::{Algorithm, Comparison, Digest, compare};
use crate::domain::key::ObjectKey;
use crate::domain::place::Obstacle;
use crate::domain::verdict::{Content, Framing};
use crate::source::destination::{Destination, Keeping, Object, Parts, Pieces, Stored, Upload};
use crate::source::{Error, Operation, Read};

/// So many KiB may be held for all objects together.
const HELD_AT_MOST: usize = 40 << 10;
/// So many bytes of one object, but for what the store wants in a part at least.
const PART: u64 = 5 << 20;
/// Parts are numbered up to ten thousand, and sizes may turn out a little larger than was listed.
const PARTS_AT_MOST: u64 = 9_500;

/// A store that objects go to.
pub(super) struct Way {
    pub(super) destination: Arc<dyn Destination>,
    memory: Arc<Semaphore>,
}

/// An object on its way to a store.
pub(super) struct Outgoing {
    way: Arc<Way>,
    key: ObjectKey,
    keeping: Keeping,
    part: u64,
    pieces: Vec<Bytes>,
    held: u64,
    written: u64,
    upload: Option<Box<dyn Upload>>,
    _memory: Option<OwnedSemaphorePermit>,
}

impl Way {
    pub(super) fn new(destination: Arc<dyn Destination>) -> Arc<Self> {
        Arc::new(Self { destination, memory: Arc::new(Semaphore::new(HELD_AT_MOST)) })
    }

    /// The length of the parts in which an object of this length is sent.
    pub(super) fn part_bytes(&self, size: u64) -> u64 {
        let (least, most) = self.destination.part_bytes();
        PART.max(size.div_ceil(PARTS_AT_MOST)).clamp(least, most)
    }

    /// Waits until there is memory for an object, of `size` bytes where that is known.
    pub(super) async fn object(
        self: &Arc<Self>,
        key: ObjectKey,
        keeping: Keeping,
        size: Option<u64>,
    ) -> Outgoing {
        let part = self.part_bytes(size.unwrap_or_default());
        let kib = size.unwrap_or(part).min(part).div_ceil(1024);
        let kib = u32::try_from(kib.min(HELD_AT_MOST as u64)).unwrap_or(u32::MAX);
        // It is never closed.
        let memory = self.memory.clone().acquire_many_owned(kib).await.ok();
        let way = self.clone();
        let pieces = Vec::new();
        Outgoing { way, key, keeping, part, pieces, held: 0, written: 0, upload: None, _memory: memory }
    }
}

impl Outgoing {
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) async fn write(&mut self, context: &Context, chunk: &Bytes) -> Result<(), Error> {
        self.written += chunk.len() as u64;
        let mut rest = chunk.clone();
        while self.held + rest.len() as u64 >= self.part {
            let fits = usize::try_from(self.part - self.held).unwrap_or(usize::MAX).min(rest.len());
            let first = rest.split_to(fits);
            self.held += first.len() as u64;
            self.pieces.push(first);
            self.send(context).await?;
        }
        if !rest.is_empty() {
            self.held += rest.len() as u64;
            self.pieces.push(rest);
        }
        Ok(())
    }

    /// Sends what is held as a part.
    async fn send(&mut self, context: &Context) -> Result<(), Error> {
        let bytes: Pieces = std::mem::take(&mut self.pieces).into_iter().collect();
        self.held = 0;
        if self.upload.is_none() {
            let destination = &self.way.destination;
            let begin = || destination.begin(&self.key, &self.keeping);
            self.upload = Some(context.patiently(&**destination, begin).await?);
        }
        // It stays where it is while a part is under way: whoever is stopped then aborts it too.
        let Some(upload) = self.upload.as_mut() else { return Err(self.corrupt("its parts are gone")) };
        let mut retries = Retries::new(context.options.retry, context.now());
        loop {
            match upload.part(&bytes).await {
                Ok(()) => return Ok(()),
                Err(error) => context.before_another_try(error, &mut retries).await?,
            }
        }
    }

    /// Throws away what was sent.
    pub(super) async fn restart(&mut self) -> Result<(), Error> {
        (self.held, self.written) = (0, 0);
        self.pieces.clear();
        match self.upload.take() {
            Some(mut upload) => upload.abort().await,
            None => Ok(()),
        }
    }

    /// Gives the object its key, and proves that the store has these bytes.
    ///
    /// # Errors
    /// [`Obstacle::Corrupt`] where it has others.
    pub(super) async fn finish(mut self, context: &Context, digests: &[Digest]) -> Result<Stored, Error> {
        let way = self.way.clone();
        let destination = &way.destination;
        let stored = if self.upload.is_some() {
            if self.held > 0 {
                self.send(context).await?;
            }
            let mut retries = Retries::new(context.options.retry, context.now());
            loop {
                let Some(upload) = self.upload.as_mut() else {
                    return Err(self.corrupt("its parts are gone"));
                };
                let completed = match context.require_claim(&**destination, &self.key) {
                    Ok(()) => upload.complete(digests).await,
                    Err(lost) => Err(lost),
                };
                match completed {
                    Ok(stored) => {
                        self.upload = None;
                        break stored;
                    }
                    Err(error) => {
                        if let Err(error) = context.before_another_try(error, &mut retries).await {
                            // What cannot be aborted now is found by a later run.
                            self.restart().await.ok();
                            return Err(error);
                        }
                    }
                }
            }
        } else {
            let bytes: Pieces = std::mem::take(&mut self.pieces).into_iter().collect();
            let (key, keeping) = (&self.key, &self.keeping);
            let object = Object { key, bytes: &bytes, digests, keeping };
            let put = || async {
                context.require_claim(&**destination, key)?;
                destination.put(&object).await
            };
            context.patiently(&**destination, put).await?
        };
        let sent = self.written;
        match (compare(digests, &stored.digests), stored.parts) {
            (Comparison::Differs(algorithm), _) => {
                Err(self.corrupt(&differing(algorithm, digests, &stored.digests, sent)))
            }
            (_, Parts::Differ) => {
                let tag = stored.etag.as_ref().map_or("none", |etag| etag.as_str());
                Err(self.corrupt(&format!("its tag {tag} is not that of the parts of the {sent} bytes sent")))
            }
            (Comparison::Agrees(_), _) | (Comparison::Silent, Parts::Agree) => Ok(stored),
            (Comparison::Silent, Parts::Untold) => {
                self.read_back(context, digests).await?;
                Ok(stored)
            }
        }
    }

    /// A store that tells nothing about what it got is read.
    async fn read_back(&self, context: &Context, digests: &[Digest]) -> Result<(), Error> {
        let destination = &self.way.destination;
        let open = || destination.open(&self.key, Read::default());
        let mut opened = context.patiently(&**destination, open).await?;
        let mut meter = Meter::new(Content::Opaque, &[], &[]).alone();
        while let Some(chunk) = opened.body.next().await {
            meter.push(chunk?);
        }
        // Hashed alone, so nobody can be gone.
        let Ok(seen) = meter.finish(Framing::Length).await else {
            return Err(self.corrupt("what is there cannot be hashed"));
        };
        if seen.size != self.written {
            return Err(self.corrupt(&format!("{} bytes are there, {} were sent", seen.size, self.written)));
        }
        match compare(digests, &seen.digests) {
            Comparison::Agrees(_) => Ok(()),
            Comparison::Differs(algorithm) => {
                Err(self.corrupt(&differing(algorithm, digests, &seen.digests, self.written)))
            }
            Comparison::Silent => Err(self.corrupt("nothing was computed that could be compared")),
        }
    }

    fn corrupt(&self, why: &str) -> Error {
        let name = self.way.destination.name();
        Error::new(Obstacle::Corrupt, Operation::Write, name, self.key.as_str()).with_answer(why)
    }
}

/// What is told of two digests that should be one.
fn differing(algorithm: Algorithm, ours: &[Digest], theirs: &[Digest], sent: u64) -> String {
    let hex = |digests: &[Digest]| {
        let found = digests.iter().find(|digest| digest.algorithm() == algorithm);
        found.map_or_else(|| "none".to_owned(), Digest::hex)
    };
    format!("{algorithm} {} there, {} of the {sent} bytes sent", hex(theirs), hex(ours))
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // Whoever is stopped has no time to wait; what is not aborted now is found by a later run.
        if let (Some(mut upload), Ok(runtime)) = (self.upload.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { upload.abort().await });
        }
    }
}
