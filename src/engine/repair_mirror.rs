//! Putting back what a mirror lost. Its mark says that it is not whole until everything is back.

use futures_util::StreamExt as _;
use futures_util::stream;

use super::mirror::MirrorTarget;
use super::object::{Fetched as FetchedObject, Proven};
use super::repair::{self, AT_ONCE, Mended, NotMended};
use super::run::Failed;
use super::sink::Sink;
use super::there::read;
use super::{Audit, AuditDepth, Context, FetchError, Fetcher, Store, time_of_day};
use crate::archive::{self, Contents, Damage, Hopeless, JOURNAL, Kept, Lost, MARK, MarkV1, Mending, Record};
use crate::domain::key::KeyPrefix;
use crate::domain::place::ETag;
use crate::domain::recording::RecordingId;
use crate::domain::report::Outcome;
use crate::source::Error;
use crate::source::destination::{Keeping, Lock};

/// A mirror that was looked at, with what can be put back.
#[derive(Debug)]
pub struct MirrorMending {
    /// What was found.
    pub audit: Audit,
    /// Objects that have to be fetched.
    pub lost: Vec<Lost>,
    /// What is damaged and cannot be put back from anywhere.
    pub hopeless: Vec<(String, Hopeless)>,
    depth: AuditDepth,
    folder: KeyPrefix,
    contents: Contents,
}

/// What became of the damage of a mirror.
#[derive(Debug)]
pub struct MirrorRepaired {
    /// What was damaged.
    pub before: Audit,
    /// What was put back.
    pub mended: Vec<Mended>,
    /// Objects that could not be had as they were.
    pub failed: Vec<NotMended>,
    /// What cannot be put back from anywhere.
    pub hopeless: Vec<(String, Hopeless)>,
    /// What is left, by another look.
    pub after: Audit,
}

impl MirrorRepaired {
    /// Whether everything is there, and the mark says so.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.after.is_whole() && !self.is_marked_down()
    }

    /// Whether everything seems to be there, and the mark says that something was found missing or changed: only
    /// reading can tell.
    #[must_use]
    pub fn is_marked_down(&self) -> bool {
        let report = self.after.bag.report.as_ref().map(|report| report.exit_code);
        self.after.mark.as_ref().map(|mark| mark.exit_code) != report
    }

    /// What it comes to.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if !self.after.bag.is_whole() {
            return repair::exit_code(&self.after.bag, &self.failed, !self.hopeless.is_empty());
        }
        let marked = self.after.mark.as_ref().map_or(3, |mark| mark.exit_code);
        match self.after.exit_code() {
            0 => marked,
            code => code,
        }
    }
}

impl Fetcher {
    /// Looks at a mirror, and says what can be put back.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    pub async fn damage_of_mirror(
        &self,
        store: &Store,
        id: &RecordingId,
        depth: AuditDepth,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<MirrorMending, Error> {
        let (audit, contents) = self.looked(store, id, depth, progress).await?;
        let mending = Mending::of_mirror(audit.bag.clone(), &contents);
        let (lost, hopeless) = (mending.lost, mending.hopeless.into_iter().collect());
        Ok(MirrorMending { audit, lost, hopeless, depth, folder: mending.folder, contents })
    }

    /// Fetches what a mirror lacks from the first of `stores` that has the bytes that its manifest names, and sends
    /// them there. The mark comes last, and says that the mirror is whole only where it is.
    ///
    /// `store` and `target` are the same store, to be read and to be written.
    ///
    /// # Errors
    /// Where the mirror's store refuses. What was put back so far stays.
    pub async fn repair_mirror(
        &self,
        mending: MirrorMending,
        id: &RecordingId,
        store: &Store,
        target: &MirrorTarget,
        stores: &[Store],
    ) -> Result<MirrorRepaired, FetchError> {
        self.mend_mirror(mending, id, store, target, stores).await.map_err(|failed| failed.of(id))
    }

    async fn mend_mirror(
        &self,
        mending: MirrorMending,
        id: &RecordingId,
        store: &Store,
        target: &MirrorTarget,
        stores: &[Store],
    ) -> Result<MirrorRepaired, Failed> {
        let MirrorMending { audit: before, lost, hopeless, depth, folder, contents } = mending;
        let asking = self.asking_on();
        let context = &*asking.context;
        let there = Written { context, target, folder: target.folder(id)? };
        let mut mark = before.mark.clone();
        // A file that nobody knows is no lack of the mirror.
        let lacks = before.bag.damage.iter().any(|damage| !matches!(damage, Damage::Extra { .. }));
        if let (true, Some(mark)) = (lacks, &mut mark) {
            let outcome = if before.bag.exit_code() == 4 { Outcome::Corrupt } else { Outcome::Incomplete };
            there.mark(mark, outcome.word(), outcome.exit_code()).await?;
        }
        let (mut mended, mut failed, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        if let (Some(mark), false) = (&mark, lost.is_empty()) {
            let keeping = keeping_of(mark);
            let destination = target.destination();
            context.patiently(destination, || destination.accepts(&keeping)).await?;
            repair::planned(context, &lost);
            let from = repair::From::of(context, stores, Some(id), &folder, &lost).await;
            // With objects of their own, as where bags are repaired.
            let (there, from, keeping) = (&there, &from, &keeping);
            let sent = stream::iter(lost);
            let sent = sent.map(|lost| async move { there.put_back(&lost, from, keeping).await });
            let mut sent = sent.buffer_unordered(AT_ONCE.min(context.options.jobs.max(1)));
            while let Some(ended) = sent.next().await {
                match ended? {
                    Ok((one, stored)) => {
                        let record = contents.payload.get(&one.path).and_then(|l| l.record.clone());
                        kept.extend(record.map(|record| (record, stored)));
                        mended.push(one);
                    }
                    Err(one) => failed.push(one),
                }
            }
            drop(sent);
            there.note(kept, mark).await?;
        }
        let (mut after, _) = self.looked(store, id, AuditDepth::Told, &|_| ()).await?;
        if depth == AuditDepth::Read {
            // What only reading shows is not seen now.
            after.bag.damage.extend(repair::left(&before.bag.damage, &mended));
            after.bag.damage.sort();
            after.bag.damage.dedup();
            after.not_read.clone_from(&before.not_read);
            after.not_compared.retain(|path| before.not_compared.contains(path));
        }
        let proven = depth == AuditDepth::Read || after.proven.length == 0 || lacks && was_whole(&before);
        if let (true, true, Some(mark), Some(report)) =
            (after.is_whole(), proven, &mut mark, &after.bag.report)
            && mark.exit_code != report.exit_code
        {
            there.mark(mark, &report.outcome, report.exit_code).await?;
        }
        after.mark = mark;
        mended.sort_by(|a, b| a.path.cmp(&b.path));
        failed.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(MirrorRepaired { before, mended, failed, hopeless, after })
    }
}

/// Whether the mark called the mirror what the recording was, before this look.
fn was_whole(audit: &Audit) -> bool {
    let report = audit.bag.report.as_ref().map(|report| report.exit_code);
    audit.mark.as_ref().map(|mark| mark.exit_code) == report
}

/// A mirror that is written to.
struct Written<'a> {
    context: &'a Context,
    target: &'a MirrorTarget,
    folder: KeyPrefix,
}

impl Written<'_> {
    /// Writes the mark with another word about the whole.
    async fn mark(&self, mark: &mut MarkV1, outcome: &str, exit_code: u8) -> Result<(), Error> {
        outcome.clone_into(&mut mark.outcome);
        mark.exit_code = exit_code;
        let key = self.target.key(&self.folder, MARK)?;
        let encryption = mark.kept_as.encryption.clone();
        self.target.write(self.context, &key, mark.to_json().into_bytes(), encryption).await
    }

    /// Fetches an object and sends it on.
    async fn put_back(
        &self,
        lost: &Lost,
        from: &repair::From,
        keeping: &Keeping,
    ) -> Result<Result<(Mended, Option<ETag>), NotMended>, Failed> {
        let job = from.job(lost, self.target.destination().proofs());
        let key = self.target.key(&self.folder, &lost.path)?;
        let sink = Sink::Sent(Box::new(self.target.outgoing(key, keeping, lost.size).await));
        let FetchedObject { verdict, bytes, .. } = repair::fetched(self.context, &job, sink).await?;
        let Some(Proven { sink: Sink::Sent(outgoing), seen, from, .. }) = bytes else {
            repair::tell(self.context, lost, &verdict, None);
            return Ok(Err(NotMended { path: lost.path.clone(), verdict }));
        };
        let stored = outgoing.finish(self.context, &seen.digests).await?;
        repair::tell(self.context, lost, &verdict, Some((&from, seen.size)));
        Ok(Ok((Mended { path: lost.path.clone(), from: Some(from), size: seen.size }, stored.etag)))
    }

    /// Writes down what the store calls the objects that it has now.
    async fn note(&self, fresh: Vec<(Record, Option<ETag>)>, mark: &MarkV1) -> Result<(), Error> {
        if fresh.is_empty() {
            return Ok(());
        }
        let key = self.target.key(&self.folder, JOURNAL)?;
        let text = read(self.context, self.target.destination(), &key).await?.unwrap_or_default();
        let mut kept: Vec<Kept> = archive::read_journal(&text).collect();
        for (record, stored) in fresh {
            match kept.iter_mut().find(|kept| kept.record.path == record.path) {
                Some(kept) => kept.stored = stored,
                None => kept.push(Kept { record, stored, kept_as: mark.kept_as.clone() }),
            }
        }
        let encryption = mark.kept_as.encryption.clone();
        self.target.write(self.context, &key, archive::journal_text(&kept).into_bytes(), encryption).await
    }
}

/// As the objects of a mirror were asked to be kept.
fn keeping_of(mark: &MarkV1) -> Keeping {
    let now = time_of_day().unix_ms() / 1000;
    let lock = mark.kept_as.lock.as_ref().filter(|lock| lock.until > now);
    Keeping {
        class: mark.kept_as.class.clone(),
        encryption: mark.kept_as.encryption.clone(),
        lock: lock.map(|lock| Lock { mode: lock.mode.clone(), until: lock.until, at_least: lock.until }),
        ..Keeping::default()
    }
}
