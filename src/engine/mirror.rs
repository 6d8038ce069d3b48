//! A bag in another store: what lies there, what is added, and the mark that is written last.
//!
//! The folder of a recording there is a bag like those on a disk: `data/`, the manifests and the report. Objects
//! have their keys as soon as they are proven; what was proven about them is written to journals beside them now
//! and then, so that any machine can go on. `mirror.json` comes last: where it is, everything is.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use sha2::{Digest as _, Sha256};

use super::home::Home;
use super::located::Found;
use super::meter::Meter;
use super::outgoing::{Outgoing, Way};
use super::run::{Failed, FetchError, Run, Walked};
use super::sink::Sink;
use super::there::{list, read};
use super::{Context, Fetcher, assemble, time_of_day};
use crate::archive::{
    self, Contents, EarlierV1, Elsewhere, JOURNAL, JOURNALS, Kept, KeptAs, Locked, MARK, MARK_FORMAT, MarkV1,
    PACK, Record, ReportV1, Seal, TagFile,
};
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::key::{KeyError, KeyPrefix, ObjectKey, ObjectName};
use crate::domain::object::ObjectInfo;
use crate::domain::only::{Form, Only};
use crate::domain::place::Obstacle;
use crate::domain::recording::RecordingId;
use crate::domain::report::Report;
use crate::domain::verdict::{Content, Framing};
use crate::event::Event;
use crate::source::destination::{Destination, Keeping};
use crate::source::{Error, Operation};

/// A journal is written after so many objects. What a crash loses is sent again.
pub(super) const LINES: usize = 64;
/// What was begun and not ended is left alone for so long: somebody may still be at it.
const FORSAKEN: Duration = Duration::from_secs(60 * 60);
const AT_ONCE: usize = 8;

/// How recordings are kept in another store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorOptions {
    /// How the objects of the recording are kept. What is written about them has the class of the bucket, so that
    /// it can be read at any time.
    pub keeping: Keeping,
    /// As what the recording lies there.
    pub layout: MirrorLayout,
}

/// As what a recording lies in another store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MirrorLayout {
    /// Each of its objects is one there.
    #[default]
    Objects,
    /// All of them are in one tar, with an index beside it.
    Tar,
}

/// A store that recordings are brought to, with the folder below which they lie.
#[derive(Clone)]
pub struct MirrorTarget {
    way: Arc<Way>,
    prefix: KeyPrefix,
}

/// A recording that was brought to another store, whole or not.
#[derive(Debug)]
pub struct Mirrored {
    /// What became of each of its objects.
    pub report: Report,
    /// The same as it stands in `report.json`.
    pub written: ReportV1,
    /// What stands under the bag.
    pub mark: MarkV1,
    /// Its folder in the store.
    pub folder: KeyPrefix,
}

impl Fetcher {
    /// The mark of a recording that is there, whole, and kept as it is asked for now: it costs one request.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn mirrored(
        &self,
        target: &MirrorTarget,
        id: &RecordingId,
        options: &MirrorOptions,
        only: &Only,
    ) -> Result<Option<MarkV1>, Error> {
        let key = target.key(&target.folder(id)?, MARK)?;
        let text = read(&self.context, target.destination(), &key).await?;
        let mark = text.and_then(|text| MarkV1::read(&text));
        Ok(mark.filter(|mark| {
            let is_all = mark.only.is_empty() || only.forms().map(Form::word).eq(mark.only.iter());
            mark.recording == id.as_str()
                && mark.exit_code == 0
                && suffices(&mark.kept_as, &options.keeping)
                && mark.pack.is_some() == (options.layout == MirrorLayout::Tar)
                && is_all
        }))
    }

    /// Brings everything that is not there and proven to another store, judges it, and writes the mark.
    ///
    /// # Errors
    /// Where that store cannot be written. What was proven so far stays, and a rerun goes on from there.
    pub async fn mirror(
        &self,
        found: Found,
        target: &MirrorTarget,
        options: &MirrorOptions,
    ) -> Result<Mirrored, FetchError> {
        let id = found.recording.id.clone();
        let context = &self.context;
        let ended = async {
            let mirror = Arc::new(Mirror::open(context, target, &id, options.clone()).await?);
            let mut run = Run::new(context.clone(), Home::Mirror(mirror.clone()), &found);
            match run.walk(found, None).await {
                Ok(walked) => close(mirror, context, walked).await,
                Err(failed) => {
                    // Why it failed is what matters.
                    let _ = mirror.flush(context).await;
                    Err(failed)
                }
            }
        };
        ended.await.map_err(|failed: Failed| failed.of(&id))
    }
}

async fn close(mirror: Arc<Mirror>, context: &Arc<Context>, walked: Walked) -> Result<Mirrored, Failed> {
    let Walked { report, before, plan, .. } = walked;
    let verified: HashSet<_> = report
        .objects
        .iter()
        .filter(|object| object.verdict.is_verified())
        .map(|object| &object.name)
        .collect();
    let mut written = ReportV1::from(&report);
    let records = mirror.records();
    written.earlier =
        records.iter().filter(|record| !verified.contains(&record.name)).map(EarlierV1::from).collect();
    let play = assemble::playlists(&written, &plan.tracks);
    let page = before.page(&plan, &report);
    drop((before, plan, records));
    let seal = Seal { report: &written, play: &play, page: Some(&page), at: report.finished };
    let mark = mirror.seal(context, &seal).await?;
    context.tell(&Event::Finished { report: &report, dir: Path::new(mirror.folder.as_str()) });
    Ok(Mirrored { report, written, mark, folder: mirror.folder.clone() })
}

impl MirrorTarget {
    /// Recordings are brought below `prefix`.
    #[must_use]
    pub fn new(destination: Arc<dyn Destination>, prefix: KeyPrefix) -> Self {
        Self { way: Way::new(destination), prefix }
    }

    pub(super) fn destination(&self) -> &dyn Destination {
        &*self.way.destination
    }

    /// The length of the parts in which an object of this length is sent; smaller ones are sent whole.
    pub(super) fn part_bytes(&self, size: u64) -> u64 {
        self.way.part_bytes(size)
    }

    /// The folder of a recording.
    pub(super) fn folder(&self, id: &RecordingId) -> Result<KeyPrefix, Error> {
        KeyPrefix::from_parts([self.prefix.as_str(), id.as_str()])
            .map_err(|why| self.unusable(id.as_str(), why))
    }

    /// Writes a text that lies beside the objects.
    pub(super) async fn write(
        &self,
        context: &Context,
        key: &ObjectKey,
        text: Vec<u8>,
        encryption: Option<String>,
    ) -> Result<(), Error> {
        let keeping = Keeping { encryption, content_type: content_type(key.as_str()), ..Keeping::default() };
        let text = Bytes::from(text);
        let digests = self.sums(std::slice::from_ref(&text)).await;
        let mut outgoing = self.way.object(key.clone(), keeping, Some(text.len() as u64)).await;
        outgoing.write(context, &text).await?;
        outgoing.finish(context, &digests).await.map(|_| ())
    }

    /// A way for the bytes of an object.
    pub(super) async fn outgoing(&self, key: ObjectKey, keeping: &Keeping, size: Option<u64>) -> Outgoing {
        let keeping = Keeping { content_type: content_type(key.as_str()), ..keeping.clone() };
        self.way.object(key, keeping, size).await
    }

    /// What the store's answer is compared with.
    async fn sums(&self, pieces: &[Bytes]) -> Vec<Digest> {
        let proofs = self.destination().proofs();
        let mut meter = Meter::new(Content::Opaque, &[], &[]).also(proofs).alone();
        pieces.iter().for_each(|piece| meter.push(piece.clone()));
        // Hashed alone, so nobody can be gone.
        meter.finish(Framing::Length).await.map(|seen| seen.digests).unwrap_or_default()
    }

    pub(super) fn key(&self, folder: &KeyPrefix, path: &str) -> Result<ObjectKey, Error> {
        ObjectKey::parse(&format!("{}{path}", folder.as_str())).map_err(|why| self.unusable(path, why))
    }

    fn unusable(&self, what: &str, why: KeyError) -> Error {
        let name = self.destination().name();
        Error::new(Obstacle::Unsupported, Operation::Write, name, what).with_answer(why.to_string())
    }
}

/// A bag in a store.
pub(super) struct Mirror {
    target: MirrorTarget,
    folder: KeyPrefix,
    recording: RecordingId,
    options: MirrorOptions,
    elsewhere: Elsewhere,
    /// Journals of others and of earlier runs, which are not needed any more when the mark is there.
    journals: Mutex<Vec<ObjectKey>>,
    fresh: Mutex<Vec<Kept>>,
    run: String,
    written: AtomicU64,
    /// Holds the mark that has to be taken away before anything changes.
    seal: tokio::sync::Mutex<SealState>,
}

#[derive(PartialEq, Eq)]
enum SealState {
    Unknown,
    Off,
}

impl Mirror {
    /// Looks what earlier runs left, and believes what still is as it was proven.
    pub(super) async fn open(
        context: &Context,
        target: &MirrorTarget,
        id: &RecordingId,
        options: MirrorOptions,
    ) -> Result<Self, Error> {
        let destination = target.destination();
        let folder = target.folder(id)?;
        context.patiently(destination, || destination.accepts(&options.keeping)).await?;
        let since = time_of_day().unix_ms() / 1000 - i64::try_from(FORSAKEN.as_secs()).unwrap_or_default();
        let abort = || destination.abort_unfinished(folder.as_str(), since);
        match context.patiently(destination, abort).await {
            // Whoever may not look for them can still write.
            Err(error)
                if !matches!(
                    error.obstacle,
                    Obstacle::Denied(_) | Obstacle::Unsupported | Obstacle::Unexpected
                ) =>
            {
                return Err(error);
            }
            Ok(_) | Err(_) => {}
        }
        let listed = list(context, destination, folder.as_str()).await?;
        let in_folder =
            |info: &ObjectInfo| info.key.as_str().strip_prefix(folder.as_str()).map(str::to_owned);
        let other = |path: &str| match options.layout {
            MirrorLayout::Objects => path == PACK,
            MirrorLayout::Tar => Contents::is_payload(path),
        };
        if listed.iter().any(|info| in_folder(info).is_some_and(|path| other(&path))) {
            // What nobody asked to remove is not removed, and two forms of one recording are paid twice.
            let error =
                Error::new(Obstacle::Unsupported, Operation::Write, destination.name(), folder.as_str());
            return Err(error.with_answer(match options.layout {
                MirrorLayout::Objects => "the recording lies there as a tar",
                MirrorLayout::Tar => "the recording lies there object by object",
            }));
        }
        let journals: Vec<_> = listed
            .iter()
            .filter(|info| in_folder(info).is_some_and(|path| path.starts_with(JOURNALS)))
            .map(|info| info.key.clone())
            .collect();
        // With keys of their own: a future that borrows them could not be spawned by who calls this.
        let texts = stream::iter(journals.clone());
        let texts = texts.map(|key| async move { read(context, destination, &key).await });
        let texts: Vec<_> = texts.buffered(AT_ONCE).collect().await;
        let mut kept = Vec::new();
        for text in texts {
            kept.extend(text?.iter().flat_map(|text| archive::read_journal(text)));
        }
        // Of two lines about one object the one counts that is about the version that lies there.
        let there: HashMap<_, _> = listed.iter().filter_map(|info| Some((in_folder(info)?, info))).collect();
        kept.retain(|Kept { record, stored, kept_as }| {
            suffices(kept_as, &options.keeping)
                && there.get(&record.path).is_some_and(|info| {
                    info.size == Some(record.size) && info.etag.is_some() && info.etag == *stored
                })
        });
        Ok(Self {
            target: target.clone(),
            folder,
            recording: id.clone(),
            options,
            elsewhere: Elsewhere::new(kept),
            journals: Mutex::new(journals),
            fresh: Mutex::default(),
            run: format!("{:x}-{:x}", time_of_day().unix_ms(), std::process::id()),
            written: AtomicU64::new(0),
            seal: tokio::sync::Mutex::new(SealState::Unknown),
        })
    }

    pub(super) fn destination(&self) -> &dyn Destination {
        self.target.destination()
    }

    pub(super) fn way(&self) -> &Arc<Way> {
        &self.target.way
    }

    pub(super) fn folder(&self) -> &KeyPrefix {
        &self.folder
    }

    pub(super) fn proofs(&self) -> &'static [Algorithm] {
        self.target.destination().proofs()
    }

    pub(super) fn record(&self, name: &ObjectName) -> Option<Record> {
        self.elsewhere.record(name)
    }

    pub(super) fn records(&self) -> Vec<Record> {
        self.elsewhere.all().into_iter().map(|kept| kept.record).collect()
    }

    pub(super) fn path_of(&self, name: &ObjectName) -> String {
        self.elsewhere.path_of(name)
    }

    pub(super) fn forget(&self, name: &ObjectName) {
        self.elsewhere.forget(name);
    }

    pub(super) fn key(&self, path: &str) -> Result<ObjectKey, Error> {
        self.target.key(&self.folder, path)
    }

    /// A way for the bytes of an object.
    pub(super) async fn outgoing(&self, name: &ObjectName, size: Option<u64>) -> Result<Outgoing, Error> {
        let key = self.key(&self.path_of(name))?;
        let content_type = content_type(name.as_str());
        let keeping = Keeping { content_type, ..self.options.keeping.clone() };
        Ok(self.target.way.object(key, keeping, size).await)
    }

    /// Gives an object its key, proves that the store has it, and takes note of that.
    pub(super) async fn publish(&self, context: &Context, sink: Sink, record: Record) -> Result<(), Error> {
        self.unseal(context).await?;
        let mut digests = record.digests.clone();
        let outgoing = match sink {
            Sink::Sent(outgoing) => *outgoing,
            // A playlist was read before anybody knew what for.
            Sink::Memory { bytes, .. } => {
                let bytes = Bytes::from(bytes);
                digests = self.sums(std::slice::from_ref(&bytes)).await;
                let mut outgoing = self.outgoing(&record.name, Some(bytes.len() as u64)).await?;
                outgoing.write(context, &bytes).await?;
                outgoing
            }
            Sink::Held { pieces, .. } => {
                digests = self.sums(&pieces).await;
                let mut outgoing = self.outgoing(&record.name, Some(record.size)).await?;
                for piece in &pieces {
                    outgoing.write(context, piece).await?;
                }
                outgoing
            }
            Sink::File { .. } => {
                let name = self.target.destination().name();
                return Err(Error::new(Obstacle::Unexpected, Operation::Write, name, record.path));
            }
        };
        let stored = outgoing.finish(context, &digests).await?;
        let kept_as = kept_as(&self.options.keeping);
        let kept = Kept { record, stored: stored.etag, kept_as };
        self.elsewhere.keep(kept.clone());
        let full = {
            let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
            fresh.push(kept);
            if fresh.len() < LINES { Vec::new() } else { std::mem::take(&mut *fresh) }
        };
        self.write_journal(context, &full).await
    }

    /// Writes what is not in a journal yet.
    pub(super) async fn flush(&self, context: &Context) -> Result<(), Error> {
        let fresh = std::mem::take(&mut *self.fresh.lock().unwrap_or_else(PoisonError::into_inner));
        self.write_journal(context, &fresh).await
    }

    async fn write_journal(&self, context: &Context, kept: &[Kept]) -> Result<(), Error> {
        if kept.is_empty() {
            return Ok(());
        }
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let key = self.key(&format!("{JOURNALS}{}-{number}.ndjson", self.run))?;
        self.write(context, &key, archive::journal_text(kept).into_bytes()).await?;
        self.journals.lock().unwrap_or_else(PoisonError::into_inner).push(key);
        Ok(())
    }

    /// Writes a text that lies beside the objects.
    pub(super) async fn write(&self, context: &Context, key: &ObjectKey, text: Vec<u8>) -> Result<(), Error> {
        self.target.write(context, key, text, self.options.keeping.encryption.clone()).await
    }

    async fn sums(&self, pieces: &[Bytes]) -> Vec<Digest> {
        self.target.sums(pieces).await
    }

    async fn remove(&self, context: &Context, key: &ObjectKey) -> Result<(), Error> {
        let destination = self.target.destination();
        let remove = || async {
            context.require_claim(destination, key)?;
            destination.remove(key).await
        };
        context.patiently(destination, remove).await
    }

    /// Takes the mark away before anything changes, so that nobody takes a bag for whole that is half another.
    pub(super) async fn unseal(&self, context: &Context) -> Result<(), Error> {
        let mut seal = self.seal.lock().await;
        if *seal == SealState::Unknown {
            self.remove(context, &self.key(MARK)?).await?;
            *seal = SealState::Off;
        }
        Ok(())
    }

    /// Writes the mark, when everything else is there.
    pub(super) async fn write_mark(&self, context: &Context, mark: &MarkV1) -> Result<(), Error> {
        self.write(context, &self.key(MARK)?, mark.to_json().into_bytes()).await
    }

    /// Removes an object that turned out not to be good.
    pub(super) async fn withdraw(&self, context: &Context, name: &ObjectName) -> Result<(), Error> {
        let Some(kept) = self.elsewhere.forget(name) else { return Ok(()) };
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).retain(|fresh| fresh.record.name != *name);
        self.unseal(context).await?;
        self.remove(context, &self.key(&kept.record.path)?).await
    }

    /// Writes the tag files, the manifests behind them, and then the mark.
    pub(super) async fn seal(&self, context: &Context, seal: &Seal<'_>) -> Result<MarkV1, Error> {
        let report = seal.report;
        self.unseal(context).await?;
        // What lies there is known to whoever comes later, whatever becomes of this run.
        let all = archive::journal_text(&self.elsewhere.all());
        let journal = self.key(JOURNAL)?;
        self.write(context, &journal, all.into_bytes()).await?;
        let mut last = [0; 32];
        for TagFile { file, bytes } in self.elsewhere.tags(seal) {
            last = Sha256::digest(&bytes).into();
            self.write(context, &self.key(&file)?, bytes).await?;
        }
        let (objects, bytes) = self.elsewhere.totals();
        let mark = MarkV1 {
            format: MARK_FORMAT.to_owned(),
            written_by: report.written_by.clone(),
            recording: self.recording.as_str().to_owned(),
            outcome: report.outcome.clone(),
            exit_code: report.exit_code,
            only: report.only.clone(),
            objects,
            bytes,
            kept_as: kept_as(&self.options.keeping),
            pack: None,
            tag_manifest_sha256: hex::encode(last),
            finished: report.finished.clone(),
        };
        self.write_mark(context, &mark).await?;
        let old = std::mem::take(&mut *self.journals.lock().unwrap_or_else(PoisonError::into_inner));
        for key in old.into_iter().filter(|key| *key != journal) {
            self.remove(context, &key).await?;
        }
        Ok(mark)
    }
}

pub(super) fn kept_as(keeping: &Keeping) -> KeptAs {
    let Keeping { class, encryption, tags: _, lock, content_type: _ } = keeping;
    let lock = lock.as_ref().map(|lock| Locked { mode: lock.mode.clone(), until: lock.until });
    KeptAs { class: class.clone(), encryption: encryption.clone(), lock }
}

/// Whether what is kept so is kept as it is asked for now. Tags are no reason to send an object again.
fn suffices(found: &KeptAs, asked: &Keeping) -> bool {
    let locked = match (&asked.lock, &found.lock) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(asked), Some(found)) => asked.mode == found.mode && found.until >= asked.at_least,
    };
    found.class == asked.class && found.encryption == asked.encryption && locked
}

/// As what a browser or a player should take it.
fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "m3u8" => "application/vnd.apple.mpegurl",
        "mpd" => "application/dash+xml",
        "ts" => "video/mp2t",
        "mp4" | "m4s" => "video/mp4",
        "webm" => "video/webm",
        "aac" => "audio/aac",
        "mp3" => "audio/mpeg",
        "jpg" | "jpeg" => "image/jpeg",
        "json" => "application/json",
        "html" => "text/html; charset=utf-8",
        "txt" | "tsv" => "text/plain; charset=utf-8",
        "ndjson" => "application/x-ndjson",
        _ => return None,
    })
}
