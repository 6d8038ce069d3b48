//! Fetching a recording that was found into its archive.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::assemble::{self, JoinRequest, JoinTo, JoinedFile, Refusal};
use super::located::{Found, FoundPlaylist};
use super::object::{self, Fetched as FetchedObject, Job, Place, Proven, Stop};
use super::sink::Sink;
use super::target::PlaylistUrl;
use super::{Candidate, Context, Fetcher, time_of_day};
use crate::archive::{self, Archive, Presence, Record, ReportV1, Seal, Trust};
use crate::domain::continuity::{Stamp, Suspect, Why, suspects};
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::finding::Finding;
use crate::domain::key::ObjectName;
use crate::domain::place::SourceName;
use crate::domain::plan::{Item, ItemPlace, PlannedSegment, TrackPlan, name_in_archive};
use crate::domain::report::{ObjectReport, ObjectRole, Origin, Report, TrackReport, Try};
use crate::domain::time::SliceTime;
use crate::domain::verdict::{
    Corruption, Evidence, START_SLACK, Structure, Verdict, clock_distance, plays_in_full,
};
use crate::event::Event;
use crate::source::HttpSource;

/// A recording that was fetched, whole or not.
#[derive(Debug)]
pub struct Fetched {
    /// What became of each of its objects.
    pub report: Report,
    /// The same as it stands in `report.json`.
    pub written: ReportV1,
    /// The bag.
    pub dir: PathBuf,
    /// The joined file, where one was asked for.
    pub joined: JoinOutcome,
}

/// What became of the wish for a joined file.
#[derive(Debug)]
pub enum JoinOutcome {
    /// There was none.
    NotAsked,
    /// One file for each track.
    Done(Vec<JoinedFile>),
    /// Something is missing, and gaps were not allowed.
    Refused(Refusal),
}

/// Why a recording could not be fetched at all. What a store did is no error but part of the report.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The local disk.
    #[error("could not keep recording {recording}")]
    Archive {
        /// The recording.
        recording: String,
        /// Why not.
        #[source]
        cause: archive::Error,
    },
    /// The segments could not be joined although they are all here.
    #[error("could not join recording {recording}")]
    Join {
        /// The recording.
        recording: String,
        /// Why not.
        #[source]
        cause: assemble::JoinError,
    },
    /// A bug: a task of this program ended by itself.
    #[error("a task of recfetch failed")]
    Task(#[source] tokio::task::JoinError),
}

impl Fetcher {
    /// Fetches everything that is not here and proven, judges it, keeps it in `out/<recording ID>`, and joins
    /// it where that is asked for.
    ///
    /// # Errors
    /// Where the archive cannot be written. Then what was proven so far stays, and a rerun goes on from there.
    pub async fn fetch(
        &self,
        found: Found,
        out: &Path,
        join: Option<&JoinRequest>,
    ) -> Result<Fetched, FetchError> {
        let recording = found.recording.id.clone();
        let failed = |stop: Failed| match stop {
            Failed::Archive(cause) => FetchError::Archive { recording: recording.to_string(), cause },
            Failed::Join(cause) => FetchError::Join { recording: recording.to_string(), cause },
            Failed::Task(cause) => FetchError::Task(cause),
        };
        let dir = out.join(recording.as_str());
        let id = recording.clone();
        let open = tokio::task::spawn_blocking(move || Archive::open(&dir, &id)).await;
        let archive = open.map_err(FetchError::Task)?.map_err(|e| failed(Failed::Archive(e)))?;
        let mut run = Run {
            context: self.context.clone(),
            archive: Arc::new(archive),
            started: time_of_day(),
            objects: BTreeMap::new(),
            findings: found.findings.clone(),
        };
        run.walk(found, join).await.map_err(failed)
    }
}

/// What stops a run.
pub(super) enum Failed {
    Archive(archive::Error),
    Join(assemble::JoinError),
    Task(tokio::task::JoinError),
}

impl From<archive::Error> for Failed {
    fn from(error: archive::Error) -> Self {
        Self::Archive(error)
    }
}

struct Run {
    context: Arc<Context>,
    archive: Arc<Archive>,
    started: SliceTime,
    objects: BTreeMap<ObjectName, ObjectReport>,
    findings: Vec<Finding>,
}

impl Run {
    async fn walk(&mut self, found: Found, join: Option<&JoinRequest>) -> Result<Fetched, Failed> {
        let Found { candidate, recording, playlists, plan, .. } = found;
        let kept = self.recheck(&plan.items).await?;
        let (keep, fetch): (Vec<_>, Vec<_>) =
            plan.items.iter().cloned().partition(|item| kept.contains_key(&item.name));
        let bytes: u64 = fetch.iter().filter_map(|item| item.expected.size).sum();
        self.context.tell(&Event::Planned { keep: keep.len(), fetch: fetch.len(), bytes });
        let joined_bytes = match join.map(|join| &join.to) {
            Some(JoinTo::File(file)) if !self.archive.shares_disk_with(file) => 0,
            Some(JoinTo::BesideBag | JoinTo::File(_)) => segment_bytes(&plan.items),
            None => 0,
        };
        self.archive.require_room(bytes + joined_bytes)?;
        let playlist_names: Vec<_> =
            playlists.iter().map(|p| name_in_archive(&p.info.key, &recording.folder)).collect();
        for playlist in playlists {
            self.keep_playlist(&candidate, playlist, &recording.folder).await?;
        }
        for item in keep {
            if let Some(record) = kept.get(&item.name) {
                self.findings.extend(findings_of(&item, record));
                self.findings.extend(kept_other(&item, record, candidate.store.source.name()));
                self.done(kept_report(&item, record));
            }
        }
        self.fetch_all(&candidate, &recording.folder, fetch.clone()).await?;
        self.withdraw_misplaced(&candidate, &recording.folder, &plan.tracks, &plan.items).await?;
        self.findings.extend(self.context.take_noticed());
        let order = playlist_names.into_iter().chain(plan.items.iter().map(|item| item.name.clone()));
        let report = Report {
            recording: recording.id.clone(),
            channel: recording.channel.clone(),
            folder: recording.folder.clone(),
            places: places(&candidate),
            tracks: plan.tracks.iter().map(track_report).collect(),
            objects: order.filter_map(|name| self.objects.remove(&name)).collect(),
            findings: std::mem::take(&mut self.findings),
            started: self.started,
            finished: time_of_day(),
        };
        self.close(report, &plan.tracks, join).await
    }

    /// Joins where asked, and seals the bag.
    async fn close(
        &self,
        report: Report,
        tracks: &[TrackPlan],
        join: Option<&JoinRequest>,
    ) -> Result<Fetched, Failed> {
        let (archive, context) = (self.archive.clone(), self.context.clone());
        let (tracks, join) = (tracks.to_vec(), join.cloned());
        let sealed = tokio::task::spawn_blocking(move || {
            let mut written = ReportV1::from(&report);
            let play = assemble::playlists(&written, &tracks);
            // Sealed before joining: whatever happens to the joined file, the proof is in place.
            archive.seal(&Seal { report: &written, play: &play, at: report.finished })?;
            let joined = match &join {
                None => JoinOutcome::NotAsked,
                Some(request) => assemble::join(archive.dir(), &written, request, &*context.observer)
                    .map_err(Failed::Join)?,
            };
            if let JoinOutcome::Done(files) = &joined {
                written.joined = files.iter().map(|file| file.written.clone()).collect();
                archive.seal(&Seal { report: &written, play: &play, at: report.finished })?;
            }
            context.tell(&Event::Finished { report: &report, dir: archive.dir() });
            Ok(Fetched { report, written, dir: archive.dir().to_owned(), joined })
        });
        sealed.await.map_err(Failed::Task)?
    }

    /// Proves again what an earlier run left here.
    async fn recheck(&self, items: &[Item]) -> Result<HashMap<ObjectName, Record>, Failed> {
        let mut known = items.iter().filter_map(|item| self.archive.record(&item.name));
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let (mut kept, mut running) = (HashMap::new(), JoinSet::new());
        loop {
            while running.len() < threads && !self.context.cancel.is_cancelled() {
                let Some(record) = known.next() else { break };
                let (archive, trust) = (self.archive.clone(), self.context.options.trust);
                running.spawn_blocking(move || archive.examine(&record, trust).map(|p| (record, p)));
            }
            let Some(examined) = running.join_next().await else { return Ok(kept) };
            let (record, presence) = examined.map_err(Failed::Task)??;
            let proven = presence == Presence::Proven;
            self.context.tell(&Event::Rechecked { name: &record.name, bytes: record.size, proven });
            if proven {
                kept.insert(record.name.clone(), record);
            } else {
                self.archive.forget(&record.name);
            }
        }
    }

    /// A playlist was read into memory already. It is written again where it changed meanwhile.
    async fn keep_playlist(
        &mut self,
        candidate: &Candidate,
        playlist: FoundPlaylist,
        folder: &crate::domain::key::KeyPrefix,
    ) -> Result<(), Failed> {
        let FoundPlaylist { info, verdict, bytes, failed_tries } = playlist;
        let item = Item {
            name: name_in_archive(&info.key, folder),
            place: ItemPlace::Key(info.key.clone()),
            role: ObjectRole::Playlist,
            expected: crate::domain::verdict::Expectation::default(),
            listed: None,
            starts: None,
        };
        let fetched = FetchedObject { verdict, bytes, failed_tries, findings: Vec::new() };
        let known = self.archive.record(&item.name);
        if let (Some(record), Some(proven)) = (&known, &fetched.bytes)
            && record.digests.first() == proven.seen.digests.first()
            && self.archive.examine(record, Trust::Hash)? == Presence::Proven
        {
            self.done(kept_report(&item, record));
            return Ok(());
        }
        if fetched.bytes.as_ref().is_some_and(|bytes| bytes.sink.is_cut()) {
            // Larger than what is read of a playlist: kept all the same, whole, as a file.
            return self.fetch_all(candidate, folder, vec![item]).await;
        }
        let (archive, report) = (self.archive.clone(), item.clone());
        let kept = tokio::task::spawn_blocking(move || keep(&archive, &report, fetched)).await;
        let (report, _) = kept.map_err(Failed::Task)??;
        self.done(report);
        Ok(())
    }

    /// Fetches objects, as many at once as helps.
    async fn fetch_all(
        &mut self,
        candidate: &Candidate,
        folder: &crate::domain::key::KeyPrefix,
        items: Vec<Item>,
    ) -> Result<(), Failed> {
        let mut queue = items.into_iter();
        let mut running = JoinSet::new();
        loop {
            while running.len() < self.context.width() {
                let Some(item) = queue.next() else { break };
                if self.context.cancel.is_cancelled() {
                    self.done(report_of(&item, Verdict::Interrupted, None, Vec::new()));
                    continue;
                }
                match self.job(candidate, folder, &item) {
                    Some(job) => {
                        running.spawn(one(self.context.clone(), self.archive.clone(), item, job));
                    }
                    None => self.done(report_of(&item, Verdict::NotRequested, None, Vec::new())),
                }
            }
            // Dropping the set on the way out stops the rest, and what they had written is swept.
            let Some(ended) = running.join_next().await else { return Ok(()) };
            let (report, findings) = ended.map_err(Failed::Task)??;
            self.context.object_done();
            for finding in &findings {
                self.context.tell(&Event::Noticed { finding });
            }
            self.findings.extend(findings);
            self.done(report);
        }
    }

    /// The places of an item; `None` where it is not requested.
    fn job(&self, candidate: &Candidate, folder: &crate::domain::key::KeyPrefix, item: &Item) -> Option<Job> {
        let places = match &item.place {
            ItemPlace::Refused => return None,
            ItemPlace::Key(key) => {
                let first = Place { source: candidate.store.source.clone(), keys: vec![key.clone()] };
                let rest = candidate.fallbacks.iter().map(|fallback| Place {
                    source: fallback.source.clone(),
                    keys: fallback.keys_as_fallback(folder, &item.name),
                });
                std::iter::once(first).chain(rest).collect()
            }
            ItemPlace::Url(url) => {
                let url = PlaylistUrl::parse(url).ok()?;
                let name = SourceName::new(url.origin.host_str().unwrap_or("elsewhere"));
                let source = HttpSource::new(name, url.origin, &self.context.options.http).ok()?;
                let source = source.with_presigned(url.key.clone(), url.url.expose().clone());
                vec![Place { source: Arc::new(source), keys: vec![url.key] }]
            }
        };
        Some(Job {
            name: item.name.clone(),
            expected: item.expected.clone(),
            listed: item.listed.clone(),
            places,
        })
    }

    /// Segments whose time stamps or bytes are those of another one, and that no store vouches for, are
    /// fetched once more; what stays wrong is taken out of the archive again.
    async fn withdraw_misplaced(
        &mut self,
        candidate: &Candidate,
        folder: &crate::domain::key::KeyPrefix,
        tracks: &[TrackPlan],
        items: &[Item],
    ) -> Result<(), Failed> {
        let items: HashMap<_, _> = items.iter().map(|item| (&item.name, item)).collect();
        for track in tracks {
            let (present, stamps) = self.stamps(&track.segments);
            for Suspect { index, why } in suspects(&stamps) {
                let Some(item) = items.get(&present[index].name) else { continue };
                let Some(object) = self.objects.get(&item.name) else { continue };
                // An answer about another version than the listed one vouches for that version.
                let changed = Finding::ChangedSinceListing { name: item.name.clone() };
                let vouched_for =
                    matches!(object.verdict, Verdict::Verified { evidence: Evidence::StoreDigest { .. } })
                        && !self.findings.contains(&changed);
                match why {
                    Why::OutOfPlace { expected_pts, found_pts }
                        if beyond_slack(expected_pts, found_pts, &stamps[index]) =>
                    {
                        if vouched_for {
                            let ms = i64::try_from(clock_distance(expected_pts, found_pts) / 90);
                            let finding = Finding::TimestampsJump {
                                name: item.name.clone(),
                                ms: ms.unwrap_or(i64::MAX),
                            };
                            self.context.tell(&Event::Noticed { finding: &finding });
                            self.findings.push(finding);
                        } else {
                            let mut item = (*item).clone();
                            item.expected.starts_at = Some(expected_pts);
                            let what = Corruption::OtherTime {
                                expected_ms: expected_pts / 90,
                                found_ms: found_pts / 90,
                            };
                            self.once_more(candidate, folder, item, what).await?;
                        }
                    }
                    Why::SameBytes { as_index } if !vouched_for => {
                        let other = present[as_index].name.clone();
                        let mut item = (*item).clone();
                        item.expected.not_as = self
                            .sha256(&other)
                            .and_then(|bytes| Digest::new(Algorithm::Sha256, bytes))
                            .map(|bytes| (other.clone(), bytes));
                        self.once_more(candidate, folder, item, Corruption::SameAs { other }).await?;
                    }
                    Why::SameBytes { as_index } => {
                        let (name, other) = (item.name.clone(), present[as_index].name.clone());
                        let finding = Finding::SameBytes { name, other };
                        self.context.tell(&Event::Noticed { finding: &finding });
                        self.findings.push(finding);
                    }
                    Why::OutOfPlace { .. } => {}
                }
            }
        }
        Ok(())
    }

    /// Fetches a segment again that was taken for good.
    async fn once_more(
        &mut self,
        candidate: &Candidate,
        folder: &crate::domain::key::KeyPrefix,
        item: Item,
        what: Corruption,
    ) -> Result<(), Failed> {
        let from = self.objects.get(&item.name).and_then(|object| object.from.clone());
        if let Some(from) = from {
            let why = what.to_string();
            let retry_in = Some(std::time::Duration::ZERO);
            self.context.tell(&Event::TryFailed { name: &item.name, from: &from, why: &why, retry_in });
        }
        self.withdraw(&item, what)?;
        let before = self.objects.remove(&item.name);
        let name = item.name.clone();
        self.fetch_all(candidate, folder, vec![item]).await?;
        if let (Some(after), Some(before)) = (self.objects.get_mut(&name), before) {
            let first = Try {
                from: before.from.unwrap_or_else(|| SourceName::new("archive")),
                why: before.verdict.to_string(),
            };
            after.failed_tries.insert(0, first);
        }
        Ok(())
    }

    fn withdraw(&mut self, item: &Item, what: Corruption) -> Result<(), Failed> {
        self.archive.withdraw(&item.name)?;
        if let Some(object) = self.objects.get_mut(&item.name) {
            let from = object.from.take().unwrap_or_else(|| SourceName::new("archive"));
            object.verdict = Verdict::Corrupt { from, what };
            object.path = None;
            object.size = None;
            object.digests.clear();
            object.origin = Origin::Nowhere;
        }
        Ok(())
    }

    fn stamps<'s>(&self, segments: &'s [PlannedSegment]) -> (Vec<&'s PlannedSegment>, Vec<Stamp>) {
        let present = segments.iter().filter_map(|segment| {
            let record = self.archive.record(&segment.name)?;
            self.objects.get(&segment.name)?.verdict.is_verified().then_some((segment, record))
        });
        present
            .map(|(segment, record)| {
                let duration = segment.listed.duration.map(|d| u64::try_from(d.as_millis()));
                let stamp = Stamp {
                    name: segment.name.clone(),
                    starts_ms: segment.starts.map(SliceTime::unix_ms),
                    duration_ms: duration.and_then(Result::ok),
                    first_pts: record.clock.map(|(first, _)| first),
                    span: record.clock.map(|(_, span)| span),
                    run: segment.run,
                    sha256: self.sha256(&segment.name),
                };
                (segment, stamp)
            })
            .unzip()
    }

    fn sha256(&self, name: &ObjectName) -> Option<[u8; 32]> {
        let record = self.archive.record(name)?;
        let digest = record.digests.iter().find(|d| d.algorithm() == Algorithm::Sha256)?;
        digest.bytes().try_into().ok()
    }

    fn done(&mut self, report: ObjectReport) {
        self.context.tell(&Event::Judged {
            name: &report.name,
            verdict: &report.verdict,
            size: report.size,
            from: report.from.as_ref(),
            origin: report.origin,
        });
        self.objects.insert(report.name.clone(), report);
    }
}

/// Half a slice is far enough to be another one; sound or picture that starts a little late is not.
fn beyond_slack(expected: u64, found: u64, stamp: &Stamp) -> bool {
    let half = stamp.duration_ms.unwrap_or(0).saturating_mul(90) / 2;
    clock_distance(expected, found) > half.max(START_SLACK)
}

/// Fetches one object and takes it into the archive.
async fn one(
    context: Arc<Context>,
    archive: Arc<Archive>,
    item: Item,
    job: Job,
) -> Result<(ObjectReport, Vec<Finding>), Failed> {
    let sink = Sink::file(archive.stage()?);
    let fetched = tokio::select! {
        biased;
        // What was written so far goes with the future; a rerun starts this object again.
        () = context.cancel.cancelled() => {
            return Ok((report_of(&item, Verdict::Interrupted, None, Vec::new()), Vec::new()));
        }
        fetched = object::fetch(&context, &job, sink) => fetched,
    };
    let fetched = fetched.map_err(|Stop::Disk(error)| Failed::Archive(error))?;
    let kept = tokio::task::spawn_blocking(move || keep(&archive, &item, fetched)).await;
    Ok(kept.map_err(Failed::Task)??)
}

/// Takes an object with a good verdict into the archive, and reports any.
fn keep(
    archive: &Archive,
    item: &Item,
    fetched: FetchedObject,
) -> Result<(ObjectReport, Vec<Finding>), archive::Error> {
    let FetchedObject { verdict, bytes, failed_tries, mut findings } = fetched;
    let (Some(Proven { sink, seen, from, etag }), Verdict::Verified { evidence }) = (bytes, &verdict) else {
        return Ok((report_of(item, verdict, None, failed_tries), findings));
    };
    let staged = match sink {
        Sink::File { staged, .. } => staged,
        Sink::Memory { bytes, .. } => {
            let mut staged = archive.stage()?;
            staged.write(&bytes)?;
            staged
        }
    };
    let (clock, breaks) = match &seen.structure {
        Structure::TransportStream(facts) => {
            (facts.first_pts.zip(facts.span), facts.continuity_errors + facts.transport_errors)
        }
        Structure::NotExamined | Structure::Page(_) => (None, 0),
    };
    let record = Record {
        name: item.name.clone(),
        path: archive.path_of(&item.name),
        size: seen.size,
        digests: seen.digests,
        evidence: evidence.clone(),
        from,
        etag,
        at: time_of_day(),
        clock,
        breaks,
        mtime: 0,
    };
    findings.extend(findings_of(item, &record));
    archive.publish(staged, record.clone())?;
    let mut report = report_of(item, verdict, Some(&record), failed_tries);
    report.origin = Origin::Fetched;
    Ok((report, findings))
}

/// What is to be said about bytes that were judged good, whenever they came.
fn findings_of(item: &Item, record: &Record) -> Vec<Finding> {
    let mut findings = Vec::new();
    if record.breaks > 0 {
        findings.push(Finding::ContinuityErrors { name: item.name.clone(), count: record.breaks });
    }
    if let (Evidence::LengthOnly, Some(listed), Some((_, span))) =
        (&record.evidence, item.expected.duration, record.clock)
        && !plays_in_full(listed, span)
    {
        findings.push(Finding::PlaysShort {
            name: item.name.clone(),
            expected_ms: u64::try_from(listed.as_millis()).unwrap_or(u64::MAX),
            found_ms: span / 90,
        });
    }
    findings
}

/// Whether the store that the kept bytes came from lists another version by now.
fn kept_other(item: &Item, record: &Record, first: &SourceName) -> Option<Finding> {
    let listed = item.listed.as_ref()?.etag.as_ref()?;
    let kept = record.etag.as_ref()?;
    (record.from == *first && listed != kept).then(|| Finding::KeptOther { name: item.name.clone() })
}

fn kept_report(item: &Item, record: &Record) -> ObjectReport {
    let verdict = Verdict::Verified { evidence: record.evidence.clone() };
    let mut report = report_of(item, verdict, Some(record), Vec::new());
    report.origin = Origin::Kept;
    report
}

fn report_of(item: &Item, verdict: Verdict, record: Option<&Record>, failed_tries: Vec<Try>) -> ObjectReport {
    let key = match &item.place {
        ItemPlace::Key(key) => Some(key.clone()),
        ItemPlace::Url(_) | ItemPlace::Refused => None,
    };
    ObjectReport {
        name: item.name.clone(),
        key,
        path: record.map(|record| record.path.clone()),
        role: item.role,
        starts: item.starts,
        duration: item.expected.duration,
        verdict,
        size: record.map(|record| record.size),
        digests: record.map(|record| record.digests.clone()).unwrap_or_default(),
        from: record.map(|record| record.from.clone()),
        origin: Origin::Nowhere,
        failed_tries,
        at: record.map_or_else(time_of_day, |record| record.at),
    }
}

fn places(candidate: &Candidate) -> Vec<(SourceName, String)> {
    let stores = std::iter::once(&candidate.store).chain(&candidate.fallbacks);
    stores.map(|store| (store.source.name().clone(), store.source.describe())).collect()
}

fn track_report(track: &TrackPlan) -> TrackReport {
    TrackReport {
        id: track.id,
        playlists: track.playlists.clone(),
        first: track.timeline.first,
        last: track.timeline.last,
        playing: track.playing(),
        segments: track.segments.len(),
    }
}

fn segment_bytes(items: &[Item]) -> u64 {
    let segments = items.iter().filter(|item| matches!(item.role, ObjectRole::Segment(_)));
    segments.filter_map(|item| item.expected.size).sum()
}
