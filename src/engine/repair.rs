//! Putting back what a bag lost, byte for byte, from any store that has it. Neither a listing nor a playlist is
//! asked for: the manifest says what the bytes were, and no others are taken.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::examining::Look;
use super::object::{self, Fetched as FetchedObject, Job, Place, Proven};
use super::run::Failed;
use super::sink::Sink;
use super::{AfterDenial, Context, FetchError, FetchOptions, Fetcher, Store, mirrored};
use crate::archive::{self, Damage, Hopeless, Lost, Mending, Verification};
use crate::domain::digest::Algorithm;
use crate::domain::key::{KeyPrefix, ObjectKey};
use crate::domain::only::Only;
use crate::domain::place::SourceName;
use crate::domain::recording::RecordingId;
use crate::domain::report::{Origin, Outcome};
use crate::domain::verdict::{Content, Expectation, Verdict};
use crate::event::Event;

/// So many objects are put back at once.
pub(super) const AT_ONCE: usize = 16;

/// What became of damage.
#[derive(Debug)]
pub struct Repaired {
    /// What was damaged.
    pub before: Verification,
    /// What was put back.
    pub mended: Vec<Mended>,
    /// Objects that could not be had as they were.
    pub failed: Vec<NotMended>,
    /// What cannot be put back from anywhere, by its path.
    pub hopeless: Vec<(String, Hopeless)>,
    /// What was found when everything was hashed once more.
    pub after: Verification,
}

/// Something that is as it was again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// Its path in the bag.
    pub path: String,
    /// Where its bytes came from; `None` where they follow from the bag itself.
    pub from: Option<SourceName>,
    /// Its length.
    pub size: u64,
}

/// Something that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotMended {
    /// Its path in the bag.
    pub path: String,
    /// Why not.
    pub verdict: Verdict,
}

impl Repaired {
    /// What it comes to: that of the recording where the bag is whole now, and else why it is not.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        exit_code(&self.after, &self.failed, !self.hopeless.is_empty())
    }
}

pub(super) fn exit_code(after: &Verification, failed: &[NotMended], is_hopeless: bool) -> u8 {
    if after.is_whole() {
        return after.exit_code();
    }
    let why = failed.iter().map(|failed| Outcome::of(&failed.verdict)).max();
    let left = if after.exit_code() == 3 { Outcome::Incomplete } else { Outcome::Corrupt };
    match why {
        Some(why) if why != Outcome::Complete && !is_hopeless => why.exit_code(),
        Some(why) => why.max(left).exit_code(),
        None => left.exit_code(),
    }
}

impl Fetcher {
    /// Fetches what a bag lacks from the first of `stores` that has the bytes that its manifest names, sets aside
    /// what lies in their place, and hashes the whole bag once more. What is whole is not asked for.
    ///
    /// # Errors
    /// Where the disk refuses. What was put back so far stays.
    pub async fn repair(
        &self,
        mending: Mending,
        stores: &[Store],
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<Repaired, FetchError> {
        let recording = mending.before.report.as_ref().map(|report| report.recording.clone());
        let dir = mending.dir().to_owned();
        let ended = self.mend(mending, stores, progress).await;
        ended.map_err(|failed| {
            let id = recording.as_deref().and_then(|id| RecordingId::parse(id).ok());
            match (id, failed) {
                (Some(id), failed) => failed.of(&id),
                (None, Failed::Task(cause)) => FetchError::Task(cause),
                (None, Failed::Archive(cause)) => {
                    FetchError::Archive { recording: dir.display().to_string(), cause }
                }
                (None, Failed::Join(cause)) => {
                    FetchError::Join { recording: dir.display().to_string(), cause }
                }
                (None, Failed::Destination(cause)) => {
                    FetchError::Destination { recording: dir.display().to_string(), cause }
                }
            }
        })
    }

    async fn mend(
        &self,
        mending: Mending,
        stores: &[Store],
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<Repaired, Failed> {
        let hopeless: Vec<_> = mending.hopeless.iter().map(|(path, why)| (path.clone(), *why)).collect();
        if mending.is_idle() {
            let before = mending.before;
            let after = before.clone();
            return Ok(Repaired { before, mended: Vec::new(), failed: Vec::new(), hopeless, after });
        }
        let mending = Arc::new(mending);
        let _held = mending.start()?;
        let writing = mending.clone();
        tokio::task::spawn_blocking(move || writing.write_tags()).await.map_err(Failed::Task)??;
        let tags = mending.tags.iter();
        let mut mended: Vec<_> = tags
            .map(|tag| Mended { path: tag.file.clone(), from: None, size: tag.bytes.len() as u64 })
            .collect();
        let asking = self.asking_on();
        let context = &*asking.context;
        let id = mending.before.report.as_ref().and_then(|report| RecordingId::parse(&report.recording).ok());
        let from = From::of(context, stores, id.as_ref(), &mending.folder, &mending.lost).await;
        planned(context, &mending.lost);
        // With objects of their own: a future that borrows them could not be spawned by who calls this.
        let from = &from;
        let fetches = stream::iter(mending.lost.clone()).map(|lost| {
            let mending = mending.clone();
            async move {
                let lost = &lost;
                let job = from.job(lost, &[]);
                let sink = Sink::file(mending.stage()?);
                let fetched = fetched(context, &job, sink).await?;
                let FetchedObject { verdict, bytes, .. } = fetched;
                let Some(Proven { sink: Sink::File { staged, .. }, seen, from, .. }) = bytes else {
                    tell(context, lost, &verdict, None);
                    return Ok::<_, Failed>(Err(NotMended { path: lost.path.clone(), verdict }));
                };
                let path = lost.path.clone();
                let put = tokio::task::spawn_blocking(move || mending.put(staged, &path));
                put.await.map_err(Failed::Task)??;
                tell(context, lost, &verdict, Some((&from, seen.size)));
                Ok(Ok(Mended { path: lost.path.clone(), from: Some(from), size: seen.size }))
            }
        });
        let mut fetches = fetches.buffer_unordered(AT_ONCE.min(context.options.jobs.max(1)));
        let mut failed = Vec::new();
        while let Some(ended) = fetches.next().await {
            match ended? {
                Ok(one) => mended.push(one),
                Err(one) => failed.push(one),
            }
        }
        drop(fetches);
        let dir = mending.dir().to_owned();
        let after = if context.cancel.is_cancelled() && !failed.is_empty() {
            // Whoever stopped it does not wait for that, and it is not whole by what is known.
            Verification { damage: left(&mending.before.damage, &mended), ..mending.before.clone() }
        } else {
            let verify = tokio::task::spawn_blocking(move || archive::verify(&dir, &progress));
            verify.await.map_err(Failed::Task)??
        };
        mended.sort_by(|a, b| a.path.cmp(&b.path));
        failed.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Repaired { before: mending.before.clone(), mended, failed, hopeless, after })
    }

    /// A fetcher that asks on after a refusal: the bytes are known, so that nobody can be misled.
    pub(super) fn asking_on(&self) -> Self {
        let options = FetchOptions { after_denial: AfterDenial::AskFallback, ..self.context.options.clone() };
        self.beside(options, self.context.observer.clone())
    }
}

/// Fetches an object, unless the run is stopped before.
pub(super) async fn fetched(context: &Context, job: &Job, sink: Sink) -> Result<FetchedObject, Failed> {
    let turn = context.turn().await;
    let fetched = tokio::select! {
        biased;
        () = context.cancel.cancelled() => FetchedObject {
            verdict: Verdict::Interrupted,
            bytes: None,
            rejected: None,
            failed_tries: Vec::new(),
            findings: Vec::new(),
        },
        fetched = object::fetch(context, job, sink) => fetched?,
    };
    drop(turn);
    Ok(fetched)
}

/// Tells how much is to come.
pub(super) fn planned(context: &Context, lost: &[Lost]) {
    let bytes = lost.iter().filter_map(|lost| lost.size).sum();
    context.tell(&Event::Planned { keep: 0, fetch: lost.len(), bytes });
}

pub(super) fn tell(context: &Context, lost: &Lost, verdict: &Verdict, here: Option<(&SourceName, u64)>) {
    context.tell(&Event::Judged {
        name: &lost.name,
        verdict,
        size: here.map(|(_, size)| size),
        from: here.map(|(from, _)| from),
        origin: if here.is_some() { Origin::Fetched } else { Origin::Nowhere },
    });
}

/// Where lost objects are asked for, in order.
pub(super) struct From {
    folder: KeyPrefix,
    stores: Vec<Store>,
}

impl From {
    /// Each store, and the mirror of the recording in it where there is one.
    pub(super) async fn of(
        context: &Context,
        stores: &[Store],
        id: Option<&RecordingId>,
        folder: &KeyPrefix,
        lost: &[Lost],
    ) -> Self {
        let mut all = Vec::new();
        for store in stores {
            all.push(store.clone());
            let prefix = store.prefix.clone().unwrap_or_default();
            let home = id.and_then(|id| KeyPrefix::from_parts([prefix.as_str(), id.as_str()]).ok());
            if let (Some(id), Some(home), false) = (id, home, lost.is_empty()) {
                // A store that cannot be asked this can be asked for objects all the same.
                let there = mirrored::find(context, store, id, &Only::default(), &home, folder).await;
                all.extend(there.ok().flatten().map(|there| there.store));
            }
        }
        Self { folder: folder.clone(), stores: all }
    }

    pub(super) fn job(&self, lost: &Lost, also: &'static [Algorithm]) -> Job {
        Job {
            name: lost.name.clone(),
            // What the bytes are was judged when they came first.
            expected: Expectation { size: lost.size, content: Content::Opaque, ..Expectation::default() },
            listed: None,
            places: self.stores.iter().map(|store| self.place(store, lost)).collect(),
            look: Look::Judging,
            also,
            pinned: Some((vec![lost.sha256.clone()], SourceName::new("the manifest"))),
        }
    }

    fn place(&self, store: &Store, lost: &Lost) -> Place {
        let within = |folder: &KeyPrefix| lost.name.in_folder(folder).ok();
        let by_prefix = store.prefix.as_ref().and_then(within);
        let others = [lost.key.clone(), within(&self.folder), within(&KeyPrefix::root())];
        let mut known = BTreeSet::new();
        let keys = by_prefix.into_iter().chain(others.into_iter().flatten());
        let keys: Vec<ObjectKey> = keys.filter(|key| known.insert(key.clone())).collect();
        Place { source: store.source.clone(), keys }
    }
}

/// What is left of damage, where some of it was put back.
pub(super) fn left(before: &[Damage], mended: &[Mended]) -> Vec<Damage> {
    let is_mended = |path: &str| mended.iter().any(|mended| mended.path == path);
    let path = |damage: &Damage| match damage {
        Damage::Changed { path, .. }
        | Damage::Length { path, .. }
        | Damage::Digest { path, .. }
        | Damage::Part { path, .. }
        | Damage::Missing { path }
        | Damage::Extra { path }
        | Damage::Unreadable { path, .. }
        | Damage::NotInManifest { path } => Some(path.clone()),
        Damage::BadLine { file, .. } => Some(file.clone()),
        Damage::Oxum { .. } => None,
    };
    let damage = before.iter();
    damage.filter(|damage| path(damage).is_none_or(|path| !is_mended(&path))).cloned().collect()
}
