//! Fetching a track straight into its joined file, in one pass: segments are fetched a little ahead, judged,
//! appended in playing order, and dropped.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::assemble::{JoinRequest, Overlap, RunFiles, track_key};
use super::object::{self, Fetched as FetchedObject, Job, Proven};
use super::reporting::{findings_of, kept_other, kept_report, report_of};
use super::run::{Failed, Run, Seen, record_of};
use super::sink::{Room, Sink};
use super::thawing::Given;
use super::width::FIRST;
use super::{Candidate, Context, HELD_AT_MOST};
use crate::archive::{Archive, Assembly, Record, Staged};
use crate::domain::filename::FileName;
use crate::domain::form::rotation_marks;
use crate::domain::joining::{Piece, Runs, Turn, superseded};
use crate::domain::key::{KeyPrefix, ObjectName};
use crate::domain::plan::{Item, TrackPlan};
use crate::domain::recording::TrackId;
use crate::domain::report::{ObjectRole, Origin, Try};
use crate::domain::verdict::Verdict;

/// How many segments may be on their way, or here without being appended yet. With it the room on disk beside
/// the joined files and the memory are bounded, however long a segment keeps the others waiting.
pub const LOOK_AHEAD: usize = 32;

/// A track that is kept joined, with all that is known before its bytes come.
pub(super) struct JoinedTrack {
    pub(super) id: TrackId,
    archive: Arc<Archive>,
    slots: Vec<Slot>,
}

/// A segment in its place.
#[derive(Clone)]
struct Slot {
    item: Item,
    piece: Piece,
    /// Whether a later recorder lists segments for all its time. It is kept as a file, and no part of the
    /// joined one. One pass has to go by what is listed: if a later segment turns out to be missing, the file
    /// has a gap there, and says so.
    is_left_out: bool,
}

/// Where the files of a track are at the end of the pass.
pub(super) struct Kept {
    pub(super) id: TrackId,
    /// Files that grew in this run or an earlier one; nothing where those in the bag are all there is.
    pub(super) assembly: Option<Assembly>,
}

/// What came of one segment.
enum Came {
    /// Not to be appended.
    Passed,
    /// Lies in a file from before.
    Before(PathBuf, Box<Record>),
    Fetched(Box<FetchedObject>),
    Refused,
    Interrupted,
}

/// Segments that lie in files from before, by name: the file, and the place in it.
type Before = HashMap<ObjectName, (PathBuf, Record)>;

impl JoinedTrack {
    /// `None` where its segments cannot be joined byte for byte: these are kept as files.
    pub(super) fn of(
        archive: &Arc<Archive>,
        track: &TrackPlan,
        items: &[Item],
        request: &JoinRequest,
    ) -> Option<Self> {
        let whole = track.segments.iter().all(|segment| {
            segment.listed.byte_range.is_none()
                && segment.listed.map.is_none()
                && segment.name.as_str().to_ascii_lowercase().ends_with(".ts")
        });
        if !whole || track.segments.is_empty() {
            return None;
        }
        let mut turns: HashMap<_, Vec<Turn>> = HashMap::new();
        for mark in rotation_marks(&track.segments) {
            let degrees = mark.rotation.degrees();
            let turn = Turn { at_ms: mark.at.unix_ms(), picture: mark.picture, degrees };
            turns.entry(mark.segment).or_default().push(turn);
        }
        let mut slots: Vec<_> = items
            .iter()
            .filter(|item| item.role == ObjectRole::Segment(track.id))
            .map(|item| {
                let start = item.starts.map(|starts| starts.unix_ms());
                let ms = item.expected.duration.and_then(|d| i64::try_from(d.as_millis()).ok());
                let recorder = FileName::parse(item.name.file_name(), None).and_then(|name| name.failover);
                let piece = Piece {
                    recorder: recorder.map(u32::from),
                    span_ms: start.zip(ms).map(|(start, ms)| (start, start.saturating_add(ms))),
                    turns: turns.remove(&item.name).unwrap_or_default(),
                    is_here: true,
                    ..Piece::default()
                };
                Slot { item: item.clone(), piece, is_left_out: false }
            })
            .collect();
        if request.overlap == Overlap::Trim {
            let pieces: Vec<_> = slots.iter().map(|slot| slot.piece.clone()).collect();
            for (slot, out) in slots.iter_mut().zip(superseded(&pieces)) {
                slot.is_left_out = out;
            }
        }
        Some(Self { id: track.id, archive: archive.clone(), slots })
    }

    /// The names of the segments that go into its joined files.
    pub(super) fn names(&self) -> impl Iterator<Item = &ObjectName> {
        self.slots.iter().filter(|slot| !slot.is_left_out).map(|slot| &slot.item.name)
    }

    /// Goes along the segments as they lie in files from before. `None` where they lie in another order or in
    /// other files than they would today.
    fn follow(&self, parts: &[Record], files: RunFiles) -> Option<Followed> {
        let mut followed = Followed { next: 0, runs: Runs::default(), holes: Vec::new() };
        let mut parts = parts.iter().peekable();
        let mut before: Option<&Record> = None;
        for (n, slot) in self.slots.iter().enumerate() {
            let Some(part) = parts.peek() else { break };
            followed.next = n + 1;
            if slot.is_left_out || part.name != slot.item.name {
                followed.runs.pass(&slot.piece);
                if !slot.is_left_out {
                    followed.holes.push(n);
                }
                continue;
            }
            let piece = Piece { form: part.form.clone(), ..slot.piece.clone() };
            let splits = followed.runs.next(&piece).is_some() && files == RunFiles::Each;
            let starts_at = match before {
                Some(before) if !splits => before.offset.map(|offset| offset.saturating_add(before.size)),
                Some(_) | None => Some(0),
            };
            let same_file = before.is_none_or(|before| (before.path == part.path) != splits);
            if part.offset != starts_at || !same_file {
                return None;
            }
            before = parts.next();
        }
        parts.peek().is_none().then_some(followed)
    }
}

struct Followed {
    /// The slot behind the last segment that is there.
    next: usize,
    runs: Runs,
    /// Slots before that whose segments are not there.
    holes: Vec<usize>,
}

impl Run {
    /// Fetches what the joined files of a track lack.
    pub(super) async fn keep_joined(
        &mut self,
        candidate: &Candidate,
        folder: &KeyPrefix,
        mut track: JoinedTrack,
        kept: &HashMap<ObjectName, Record>,
        request: &JoinRequest,
    ) -> Result<Kept, Failed> {
        let files = request.runs;
        let here: Vec<&Record> = track.names().filter_map(|name| kept.get(name)).collect();
        let dir = track.archive.dir().to_owned();
        // Also those that were files of their own, before overlaps were treated as they are now.
        let mut before: Before =
            here.iter().map(|r| (r.name.clone(), (dir.join(&r.path), (*r).clone()))).collect();
        let in_bag: Vec<_> = here.into_iter().filter(|record| record.offset.is_some()).cloned().collect();
        let assembly = self.open_assembly(&track).await?;
        let (mut assembly, start) = if assembly.parts().is_empty() {
            let followed = track.follow(&in_bag, files).filter(|_| fill_files(&track.archive, &in_bag));
            if let Some(mut followed) = followed {
                let behind = (followed.next..track.slots.len()).filter(|n| !track.slots[*n].is_left_out);
                followed.holes.extend(behind);
                if !self.any_came(candidate, folder, &track, &followed.holes, &before).await? {
                    self.keep(candidate, &track, in_bag);
                    assembly.remove()?;
                    return Ok(Kept { id: track.id, assembly: None });
                }
            }
            (assembly, None)
        } else {
            let followed = track.follow(assembly.parts(), files);
            let goes_on = match &followed {
                Some(followed) => !self.any_came(candidate, folder, &track, &followed.holes, &before).await?,
                None => false,
            };
            if goes_on {
                self.keep(candidate, &track, assembly.parts().to_vec());
                (assembly, followed)
            } else {
                let parts = assembly.parts().to_vec();
                let (old, assembly) = assembly.restart()?;
                before.extend(parts.into_iter().map(|r| (r.name.clone(), (old.join(&r.path), r))));
                (assembly, None)
            }
        };
        let start = start.unwrap_or(Followed { next: 0, runs: Runs::default(), holes: Vec::new() });
        assembly = self.pass(candidate, folder, &track, &before, start, assembly, files).await?;
        assembly = self.put_right(candidate, folder, &mut track, assembly, files).await?;
        Ok(Kept { id: track.id, assembly: Some(assembly) })
    }

    async fn open_assembly(&self, track: &JoinedTrack) -> Result<Assembly, Failed> {
        let (archive, key) = (track.archive.clone(), track_key(&track.id));
        let opened = tokio::task::spawn_blocking(move || archive.assembly(&key)).await;
        Ok(opened.map_err(Failed::Task)??)
    }

    /// Says that these segments are here from an earlier run.
    fn keep(&mut self, candidate: &Candidate, track: &JoinedTrack, parts: Vec<Record>) {
        let items: HashMap<_, _> = track.slots.iter().map(|slot| (&slot.item.name, &slot.item)).collect();
        for record in parts {
            if let Some(item) = items.get(&record.name) {
                self.findings.extend(findings_of(item, &record));
                self.findings.extend(kept_other(item, &record, candidate.store.source.name()));
                let mut report = kept_report(item, &record);
                // Where it lies is known once its file has a place.
                (report.path, report.offset) = (None, None);
                self.done(report);
                self.assembled.insert(record.name.clone(), record);
            }
        }
    }

    /// What comes of a segment that is known to be out of reach.
    fn unreadable(&self, name: &ObjectName) -> Option<Came> {
        let Given { verdict, tries } = self.unreadable.get(name)?.clone();
        Some(Came::Fetched(Box::new(FetchedObject {
            verdict,
            bytes: None,
            rejected: None,
            failed_tries: tries,
            findings: Vec::new(),
        })))
    }

    /// Fetches segments that were missing before, until one comes: then the files have to be made anew. Its
    /// bytes are fetched again in its turn, which costs one segment and keeps this simple.
    async fn any_came(
        &mut self,
        candidate: &Candidate,
        folder: &KeyPrefix,
        track: &JoinedTrack,
        holes: &[usize],
        before: &Before,
    ) -> Result<bool, Failed> {
        if holes.iter().any(|n| before.contains_key(&track.slots[*n].item.name)) {
            return Ok(true);
        }
        let mut queue = holes.iter().map(|n| track.slots[*n].item.clone());
        for n in holes {
            let item = &track.slots[*n].item;
            if let Some(unreadable) = self.unreadable(&item.name) {
                self.not_appended(item, unreadable);
            }
        }
        let unreadable: HashSet<_> = self.unreadable.keys().cloned().collect();
        let mut running = JoinSet::new();
        loop {
            while running.len() < self.context.width().min(LOOK_AHEAD) {
                let Some(item) = queue.find(|item| !unreadable.contains(&item.name)) else { break };
                match self.job(candidate, folder, &item) {
                    Some(job) if !self.context.cancel.is_cancelled() => {
                        let (context, archive) = (self.context.clone(), track.archive.clone());
                        // What comes is fetched again in its turn: a file keeps the memory free.
                        running.spawn(async move { (item, fetch(context, archive, job, None).await) });
                    }
                    Some(_) => self.done(report_of(&item, Verdict::Interrupted, None, Vec::new())),
                    None => self.done(report_of(&item, Verdict::NotRequested, None, Vec::new())),
                }
            }
            let Some(ended) = running.join_next().await else { return Ok(false) };
            let (item, came) = ended.map_err(Failed::Task)?;
            self.context.object_done();
            match came? {
                Came::Fetched(fetched) if fetched.bytes.is_some() => return Ok(true),
                came @ (Came::Fetched(_)
                | Came::Passed
                | Came::Before(..)
                | Came::Refused
                | Came::Interrupted) => self.not_appended(&item, came),
            }
        }
    }

    /// Appends all segments from `start` on, in their order.
    #[expect(clippy::too_many_arguments, reason = "what a pass needs, of which nothing belongs together")]
    async fn pass(
        &mut self,
        candidate: &Candidate,
        folder: &KeyPrefix,
        track: &JoinedTrack,
        before: &Before,
        start: Followed,
        mut assembly: Assembly,
        files: RunFiles,
    ) -> Result<Assembly, Failed> {
        let slots = &track.slots;
        let Followed { next: mut next_to_append, mut runs, .. } = start;
        let mut next_to_fetch = next_to_append;
        let mut waiting: BTreeMap<usize, Came> = BTreeMap::new();
        let mut running = JoinSet::new();
        while next_to_append < slots.len() {
            while self.context.coming(running.len()) < self.context.width()
                && next_to_fetch < slots.len()
                && next_to_fetch - next_to_append < LOOK_AHEAD
            {
                let (n, slot) = (next_to_fetch, &slots[next_to_fetch]);
                next_to_fetch += 1;
                let at_once = if slot.is_left_out {
                    Came::Passed
                } else if self.context.cancel.is_cancelled() {
                    Came::Interrupted
                } else if let Some((file, record)) = before.get(&slot.item.name) {
                    self.findings.extend(kept_other(&slot.item, record, candidate.store.source.name()));
                    Came::Before(file.clone(), Box::new(record.clone()))
                } else if let Some(unreadable) = self.unreadable(&slot.item.name) {
                    unreadable
                } else if let Some(job) = self.job(candidate, folder, &slot.item) {
                    let room = match room(&self.context, &track.archive, &job) {
                        Memory::Here(room) => Some(room),
                        Memory::Later if self.waits_for_memory(running.len() + waiting.len()) => {
                            next_to_fetch = n;
                            break;
                        }
                        Memory::Later | Memory::Never => None,
                    };
                    let (context, archive) = (self.context.clone(), track.archive.clone());
                    running.spawn(async move { (n, fetch(context, archive, job, room).await) });
                    continue;
                } else {
                    Came::Refused
                };
                waiting.insert(n, at_once);
            }
            if let Some(came) = waiting.remove(&next_to_append) {
                let slot = &slots[next_to_append];
                next_to_append += 1;
                assembly = self.append(slot, came, assembly, &mut runs, files).await?;
                continue;
            }
            let may_fetch = next_to_fetch < slots.len() && next_to_fetch - next_to_append < LOOK_AHEAD;
            let ended = tokio::select! {
                ended = running.join_next() => ended,
                () = self.context.settled.notified(), if may_fetch => continue,
            };
            let Some(ended) = ended else { break };
            let (n, came) = ended.map_err(Failed::Task)?;
            self.context.object_done();
            waiting.insert(n, came?);
        }
        Ok(assembly)
    }

    /// Whether a segment for which there is no memory waits for some, while so many are on their way or wait for
    /// their turn. Those that came hold memory too, and give it back as soon as those before them are here. It
    /// goes into a file, and is written twice, only where segments are so large that there would be too few.
    fn waits_for_memory(&self, ahead: usize) -> bool {
        ahead >= self.context.width().min(FIRST)
    }

    /// Appends one segment, or says why there is nothing to append.
    async fn append(
        &mut self,
        slot: &Slot,
        came: Came,
        assembly: Assembly,
        runs: &mut Runs,
        files: RunFiles,
    ) -> Result<Assembly, Failed> {
        let item = &slot.item;
        let (source, record, verdict, origin, tries) = match came {
            Came::Before(file, record) => {
                let verdict = Verdict::Verified { evidence: record.evidence.clone() };
                (Source::File(file), *record, verdict, Origin::Kept, Vec::new())
            }
            Came::Fetched(fetched) if fetched.bytes.is_some() => {
                let FetchedObject { verdict, bytes, failed_tries, findings, .. } = *fetched;
                findings.into_iter().for_each(|finding| self.notice(finding));
                let (Some(Proven { sink, seen, from, etag, .. }), Verdict::Verified { evidence }) =
                    (bytes, &verdict)
                else {
                    return Ok(assembly);
                };
                let source = match sink {
                    Sink::File { staged, .. } => Source::Staged(staged),
                    Sink::Held { pieces, .. } => Source::Held(pieces),
                    Sink::Memory { .. } | Sink::Sent(_) => return Ok(assembly),
                };
                let record = record_of(item, String::new(), evidence.clone(), Seen { seen, from, etag });
                (source, record, verdict, Origin::Fetched, failed_tries)
            }
            came @ (Came::Fetched(_) | Came::Passed | Came::Refused | Came::Interrupted) => {
                self.not_appended(item, came);
                runs.pass(&slot.piece);
                return Ok(assembly);
            }
        };
        for finding in findings_of(item, &record) {
            self.findings.push(finding);
        }
        let piece = Piece { form: record.form.clone(), ..slot.piece.clone() };
        let splits = runs.next(&piece).is_some() && files == RunFiles::Each;
        let appended = tokio::task::spawn_blocking(move || append(assembly, source, record, splits)).await;
        let (assembly, record) = appended.map_err(Failed::Task)??;
        let mut report = report_of(item, verdict, Some(&record), tries);
        (report.path, report.offset, report.origin) = (None, None, origin);
        self.assembled.insert(record.name.clone(), record);
        self.done(report);
        Ok(assembly)
    }

    fn not_appended(&mut self, item: &Item, came: Came) {
        let report = match came {
            // It has its report: it was fetched as a file.
            Came::Passed | Came::Before(..) => return,
            Came::Refused => report_of(item, Verdict::NotRequested, None, Vec::new()),
            Came::Interrupted => report_of(item, Verdict::Interrupted, None, Vec::new()),
            Came::Fetched(fetched) => {
                let FetchedObject { verdict, failed_tries, findings, .. } = *fetched;
                findings.into_iter().for_each(|finding| self.notice(finding));
                report_of(item, verdict, None, failed_tries)
            }
        };
        self.done(report);
    }

    /// Segments whose bytes are those of another one, and that no store vouches for, are fetched once more.
    /// They lie inside of files: these are made anew from their other segments.
    async fn put_right(
        &mut self,
        candidate: &Candidate,
        folder: &KeyPrefix,
        track: &mut JoinedTrack,
        assembly: Assembly,
        files: RunFiles,
    ) -> Result<Assembly, Failed> {
        let Some(plan) = self.tracks.iter().find(|plan| plan.id == track.id).cloned() else {
            return Ok(assembly);
        };
        let items: Vec<_> = track.slots.iter().map(|slot| slot.item.clone()).collect();
        let wrong = self.misplaced(&plan, &items);
        if wrong.is_empty() {
            return Ok(assembly);
        }
        let mut told = Vec::new();
        let mut again = HashSet::new();
        for (item, what) in wrong {
            let from = self.objects.get(&item.name).and_then(|object| object.from.clone());
            let Some(from) = from else { continue };
            self.assembled.remove(&item.name);
            again.insert(item.name.clone());
            told.push((item.name.clone(), from, what));
            if let Some(slot) = track.slots.iter_mut().find(|slot| slot.item.name == item.name) {
                slot.item = item;
            }
        }
        let parts = assembly.parts().to_vec();
        let (old, assembly) = assembly.restart()?;
        let before: Before = parts
            .into_iter()
            .filter(|record| !again.contains(&record.name))
            .map(|record| (record.name.clone(), (old.join(&record.path), record)))
            .collect();
        let origins: HashMap<_, _> =
            self.objects.iter().map(|(name, object)| (name.clone(), object.origin)).collect();
        let found = self.findings.clone();
        let start = Followed { next: 0, runs: Runs::default(), holes: Vec::new() };
        let assembly = self.pass(candidate, folder, track, &before, start, assembly, files).await?;
        // What was said about the others was said already.
        let new: Vec<_> = self.findings.drain(found.len()..).filter(|f| !found.contains(f)).collect();
        self.findings.extend(new);
        for (name, object) in &mut self.objects {
            if before.contains_key(name)
                && let Some(origin) = origins.get(name)
            {
                object.origin = *origin;
            }
        }
        for (name, from, what) in told {
            if let Some(after) = self.objects.get_mut(&name) {
                let verdict = Verdict::Corrupt { from: from.clone(), what };
                after.failed_tries.insert(0, Try { from, why: verdict.to_string() });
            }
        }
        Ok(assembly)
    }
}

/// Whether these segments are all that there is in their files. None are no file.
fn fill_files(archive: &Archive, in_bag: &[Record]) -> bool {
    let mut sizes: HashMap<&str, u64> = HashMap::new();
    for part in in_bag {
        let size = sizes.entry(&part.path).or_default();
        *size = size.saturating_add(part.size);
    }
    let files = archive.records();
    let is_full = |file: &Record| sizes.get(file.path.as_str()) == Some(&file.size);
    let full = files.iter().filter(|record| record.offset.is_none() && is_full(record)).count();
    !sizes.is_empty() && full == sizes.len()
}

enum Source {
    Held(Vec<Bytes>),
    Staged(Staged),
    File(PathBuf),
}

fn append(
    mut assembly: Assembly,
    source: Source,
    record: Record,
    splits: bool,
) -> Result<(Assembly, Record), crate::archive::Error> {
    if splits {
        assembly.start_file()?;
    }
    let record = match source {
        Source::Held(pieces) => assembly.append_bytes(&pieces, record)?,
        Source::Staged(staged) => assembly.append(staged, record)?,
        Source::File(file) => assembly.append_from(&file, record)?,
    };
    Ok((assembly, record))
}

/// Fetches one segment, and leaves its bytes without a name.
async fn fetch(
    context: Arc<Context>,
    archive: Arc<Archive>,
    job: Job,
    room: Option<Room>,
) -> Result<Came, Failed> {
    let sink = match room {
        Some(room) => Sink::held(room),
        None => Sink::file(archive.stage()?),
    };
    let _turn = context.turn().await;
    tokio::select! {
        biased;
        () = context.cancel.cancelled() => Ok(Came::Interrupted),
        fetched = object::fetch(&context, &job, sink) => Ok(Came::Fetched(Box::new(fetched?))),
    }
}

/// Whether the bytes of a segment can be held in memory: then they are written only once.
enum Memory {
    Here(Room),
    /// Others hold too much of it now.
    Later,
    /// It is larger than all of it, or nobody knows how large.
    Never,
}

fn room(context: &Context, archive: &Arc<Archive>, job: &Job) -> Memory {
    let kib = job.expected.size.map(|bytes| (bytes, bytes.div_ceil(1024)));
    let Some((bytes, kib)) = kib.filter(|(_, kib)| *kib <= HELD_AT_MOST as u64) else {
        return Memory::Never;
    };
    let Ok(kib) = u32::try_from(kib) else { return Memory::Never };
    match context.budget.held.clone().try_acquire_many_owned(kib) {
        Ok(permit) => Memory::Here(Room { bytes, archive: archive.clone(), _permit: permit }),
        Err(_) => Memory::Later,
    }
}
