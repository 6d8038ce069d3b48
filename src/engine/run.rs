//! Fetching a recording that was found into its archive.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::assemble::{self, JoinRequest, JoinTo, JoinedFile, Refusal};
use super::checked_run::Before;
use super::examining::Look;
use super::home::{Done, Home};
use super::keep_joined::{JoinedTrack, Kept};
use super::located::{Found, FoundPlaylist};
use super::object::{self, Fetched as FetchedObject, Job, Place};
use super::reporting::{
    findings_of, kept_other, kept_report, places, report_of, segment_bytes, track_report,
};
use super::sink::Refused;
use super::target::PlaylistUrl;
use super::thawing::Unreadable;
use super::{Candidate, Context, Fetcher, Keep, time_of_day};
use crate::archive::{self, Archive, EarlierV1, JoinedV1, Presence, Record, ReportV1, Seal, Trust};
use crate::domain::finding::Finding;
use crate::domain::form::MediaForm;
use crate::domain::key::{KeyPrefix, ObjectName};
use crate::domain::place::{ETag, SourceName};
use crate::domain::plan::{Item, ItemPlace, Plan, TrackPlan, name_in_archive};
use crate::domain::recording::RecordingId;
use crate::domain::report::{ObjectReport, ObjectRole, Report};
use crate::domain::time::SliceTime;
use crate::domain::verdict::{Evidence, Observation, Structure, Verdict};
use crate::event::Event;
use crate::source::{self, HttpSource};

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
    /// The store that the recording was brought to.
    #[error("could not keep recording {recording}")]
    Destination {
        /// The recording.
        recording: String,
        /// Why not.
        #[source]
        cause: source::Error,
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
        let failed = |stop: Failed| stop.of(&recording);
        let dir = out.join(recording.as_str());
        let id = recording.clone();
        let open = tokio::task::spawn_blocking(move || Archive::open(&dir, &id)).await;
        let archive = open.map_err(FetchError::Task)?.map_err(|e| failed(Failed::Archive(e)))?;
        let archive = Arc::new(archive);
        let mut run = Run::new(self.context.clone(), Home::Bag(archive.clone()), &found);
        let ended = async {
            let walked = run.walk(found, join).await?;
            match self.context.options.keep {
                Keep::Segments => close(archive, self.context.clone(), walked, join).await,
                Keep::Joined => {
                    let request = join.cloned().unwrap_or_default();
                    close_joined(archive, self.context.clone(), walked, request).await
                }
            }
        };
        ended.await.map_err(failed)
    }
}

/// What stops a run.
pub(super) enum Failed {
    Archive(archive::Error),
    Join(assemble::JoinError),
    Task(tokio::task::JoinError),
    Destination(source::Error),
}

impl Failed {
    pub(super) fn of(self, recording: &RecordingId) -> FetchError {
        let recording = recording.to_string();
        match self {
            Self::Archive(cause) => FetchError::Archive { recording, cause },
            Self::Join(cause) => FetchError::Join { recording, cause },
            Self::Task(cause) => FetchError::Task(cause),
            Self::Destination(cause) => FetchError::Destination { recording, cause },
        }
    }
}

impl From<archive::Error> for Failed {
    fn from(error: archive::Error) -> Self {
        Self::Archive(error)
    }
}

impl From<source::Error> for Failed {
    fn from(error: source::Error) -> Self {
        Self::Destination(error)
    }
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Disk(error) => Self::Archive(error),
            Refused::Destination(error) => Self::Destination(error),
        }
    }
}

/// A recording whose objects are all dealt with, and whose bag is not sealed.
pub(super) struct Walked {
    pub(super) report: Report,
    pub(super) before: Before,
    pub(super) plan: Plan,
    joined: Vec<Kept>,
}

pub(super) struct Run {
    pub(super) context: Arc<Context>,
    pub(super) home: Home,
    started: SliceTime,
    pub(super) objects: BTreeMap<ObjectName, ObjectReport>,
    pub(super) findings: Vec<Finding>,
    pub(super) tracks: Vec<TrackPlan>,
    /// Segments that lie in joined files which have no place in the bag yet.
    pub(super) assembled: HashMap<ObjectName, Record>,
    /// What is known to be out of reach: asking for it would only cost.
    pub(super) unreadable: Unreadable,
}

impl Run {
    pub(super) fn new(context: Arc<Context>, home: Home, found: &Found) -> Self {
        Self {
            context,
            home,
            started: time_of_day(),
            objects: BTreeMap::new(),
            findings: found.findings.clone(),
            tracks: found.plan.tracks.clone(),
            assembled: HashMap::new(),
            unreadable: found.unreadable.clone(),
        }
    }

    pub(super) async fn walk(&mut self, found: Found, join: Option<&JoinRequest>) -> Result<Walked, Failed> {
        let before = Before::of(&self.context, &found);
        let Found { candidate, recording, playlists, mut plan, only, left_out, masters, .. } = found;
        let request = join.cloned().unwrap_or_default();
        let joined_tracks = self.joined_tracks(&plan, &request)?;
        let joined_names: HashSet<_> =
            joined_tracks.iter().flat_map(|track| track.names().cloned()).collect();
        let mut kept = self.recheck(&plan.items).await?;
        let (joined_items, single): (Vec<_>, Vec<_>) =
            plan.items.iter().cloned().partition(|item| joined_names.contains(&item.name));
        self.take_out(&single, &mut kept).await?;
        let (keep, fetch): (Vec<_>, Vec<_>) =
            single.into_iter().partition(|item| kept.contains_key(&item.name));
        let to_come = joined_items.iter().filter(|item| !kept.contains_key(&item.name));
        let bytes: u64 = fetch.iter().chain(to_come.clone()).filter_map(|item| item.expected.size).sum();
        let joined_bytes = match (join.map(|join| &join.to).filter(|_| joined_tracks.is_empty()), &self.home)
        {
            (Some(JoinTo::File(file)), Home::Bag(archive)) if !archive.shares_disk_with(file) => 0,
            (Some(JoinTo::BesideBag | JoinTo::File(_)), _) => segment_bytes(&plan.items),
            (None, _) => 0,
        };
        if let Home::Bag(_) = &self.home {
            self.context.promise(bytes + joined_bytes);
        }
        let others = self.context.promised_by_others();
        self.home.require_room((bytes + joined_bytes).saturating_add(others))?;
        let playlist_names: Vec<_> =
            playlists.iter().map(|p| name_in_archive(&p.info.key, &recording.folder)).collect();
        for playlist in playlists {
            self.keep_playlist(&candidate, playlist, &recording.folder).await?;
        }
        // The playlists are here already; what is planned is the rest.
        self.context.tell(&Event::Planned {
            keep: plan.items.len() - fetch.len() - to_come.clone().count(),
            fetch: fetch.len() + to_come.count(),
            bytes,
        });
        for item in keep {
            if let Some(record) = kept.get(&item.name) {
                self.findings.extend(findings_of(&item, record));
                self.findings.extend(kept_other(&item, record, candidate.store.source.name()));
                self.done(kept_report(&item, record));
            }
        }
        self.forget_unprobed(&plan.tracks);
        let noticed_before = self.findings.len();
        self.fetch_all(&candidate, &recording.folder, fetch).await?;
        let single: Vec<_> =
            plan.tracks.iter().filter(|t| joined_tracks.iter().all(|j| j.id != t.id)).cloned().collect();
        self.withdraw_misplaced(&candidate, &recording.folder, &single, &plan.items).await?;
        let mut joined = Vec::new();
        for track in joined_tracks {
            joined.push(self.keep_joined(&candidate, &recording.folder, track, &kept, &request).await?);
        }
        self.probe(&mut plan.tracks);
        self.findings.extend(self.context.take_noticed());
        // Objects end in any order; two runs over the same bytes say the same all the same.
        self.findings[noticed_before..].sort_by_cached_key(ToString::to_string);
        let order = playlist_names.into_iter().chain(plan.items.iter().map(|item| item.name.clone()));
        let report = Report {
            recording: recording.id.clone(),
            channel: recording.channel.clone(),
            folder: recording.folder.clone(),
            places: places(&candidate),
            only,
            left_out,
            masters,
            tracks: plan.tracks.iter().map(track_report).collect(),
            objects: order.filter_map(|name| self.objects.remove(&name)).collect(),
            findings: std::mem::take(&mut self.findings),
            started: self.started,
            finished: time_of_day(),
        };
        Ok(Walked { report, before, plan, joined })
    }

    /// The tracks that are kept joined.
    fn joined_tracks(&self, plan: &Plan, request: &JoinRequest) -> Result<Vec<JoinedTrack>, Failed> {
        // In another store each object lies by itself.
        let Home::Bag(archive) = &self.home else { return Ok(Vec::new()) };
        let refused = |theirs| {
            let dir = archive.dir().to_owned();
            Failed::Archive(archive::Error::KeptOtherwise { dir, theirs })
        };
        let segments = plan.items.iter().filter(|item| matches!(item.role, ObjectRole::Segment(_)));
        let records: Vec<_> = segments.filter_map(|item| archive.record(&item.name)).collect();
        match self.context.options.keep {
            Keep::Segments => {
                let joined = records.iter().any(|record| record.offset.is_some());
                if joined || archive.has_assembly() {
                    return Err(refused("joined files"));
                }
                Ok(Vec::new())
            }
            Keep::Joined => {
                let tracks = plan.tracks.iter();
                let tracks: Vec<_> = tracks
                    .filter_map(|track| JoinedTrack::of(archive, track, &plan.items, request))
                    .collect();
                let names: HashSet<_> = tracks.iter().flat_map(JoinedTrack::names).collect();
                let is_joined = records.iter().any(|r| r.offset.is_some()) || archive.has_assembly();
                if !is_joined && records.iter().any(|r| r.offset.is_none() && names.contains(&r.name)) {
                    return Err(refused("segments"));
                }
                Ok(tracks)
            }
        }
    }

    /// A playlist was read into memory already. It is written again where it changed meanwhile.
    async fn keep_playlist(
        &mut self,
        candidate: &Candidate,
        playlist: FoundPlaylist,
        folder: &KeyPrefix,
    ) -> Result<(), Failed> {
        let FoundPlaylist { info, verdict, bytes, failed_tries, text: _ } = playlist;
        let item = Item {
            name: name_in_archive(&info.key, folder),
            place: ItemPlace::Key(info.key.clone()),
            role: ObjectRole::Playlist,
            expected: crate::domain::verdict::Expectation::default(),
            listed: None,
            starts: None,
        };
        let fetched = FetchedObject { verdict, bytes, rejected: None, failed_tries, findings: Vec::new() };
        let known = self.home.record(&item.name);
        if let (Some(record), Some(proven)) = (&known, &fetched.bytes)
            && record.digests.first() == proven.seen.digests.first()
            && self.home.examine(record, Trust::Hash)? == Presence::Proven
        {
            self.done(kept_report(&item, record));
            return Ok(());
        }
        if fetched.bytes.as_ref().is_some_and(|bytes| bytes.sink.is_cut()) {
            // Larger than what is read of a playlist: kept all the same, whole, as a file.
            return self.fetch_all(candidate, folder, vec![item]).await;
        }
        let (report, _) = self.home.keep(&self.context, item, fetched).await?;
        self.done(report);
        Ok(())
    }

    /// Fetches objects, as many at once as helps.
    pub(super) async fn fetch_all(
        &mut self,
        candidate: &Candidate,
        folder: &KeyPrefix,
        items: Vec<Item>,
    ) -> Result<(), Failed> {
        let mut queue = items.into_iter();
        let mut running = JoinSet::new();
        loop {
            while self.context.coming(running.len()) < self.context.width() {
                let Some(item) = queue.next() else { break };
                if self.context.cancel.is_cancelled() {
                    self.done(report_of(&item, Verdict::Interrupted, None, Vec::new()));
                    continue;
                }
                if self.is_unreadable(&item) {
                    continue;
                }
                match self.job(candidate, folder, &item) {
                    Some(job) => {
                        running.spawn(one(self.context.clone(), self.home.clone(), item, job));
                    }
                    None => self.done(report_of(&item, Verdict::NotRequested, None, Vec::new())),
                }
            }
            // Dropping the set on the way out stops the rest, and what they had written is swept.
            let context = self.context.clone();
            let ended = tokio::select! {
                ended = running.join_next() => ended,
                () = context.settled.notified(), if queue.len() > 0 => continue,
            };
            let Some(ended) = ended else { return Ok(()) };
            let (report, findings) = ended.map_err(Failed::Task)??;
            self.context.object_done();
            for finding in findings {
                self.notice(finding);
            }
            self.done(report);
        }
    }

    /// The places of an item; `None` where it is not requested.
    pub(super) fn job(&self, candidate: &Candidate, folder: &KeyPrefix, item: &Item) -> Option<Job> {
        let places = match &item.place {
            ItemPlace::Refused => return None,
            ItemPlace::Key(key) => candidate.places(key, folder, &item.name),
            ItemPlace::Url(url) => vec![at_url(&self.context, url)?],
        };
        Some(Job {
            name: item.name.clone(),
            expected: item.expected.clone(),
            listed: item.listed.clone(),
            places,
            look: Look::Judging,
            also: self.home.also(),
            pinned: None,
        })
    }

    /// Tells a finding, and keeps it for the report.
    pub(super) fn notice(&mut self, finding: Finding) {
        self.context.tell(&Event::Noticed { finding: &finding });
        self.findings.push(finding);
    }

    pub(super) fn done(&mut self, report: ObjectReport) {
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

/// Gives the joined files their places, where nothing is missing or gaps are allowed, and seals the bag.
async fn close_joined(
    archive: Arc<Archive>,
    context: Arc<Context>,
    walked: Walked,
    request: JoinRequest,
) -> Result<Fetched, Failed> {
    let Walked { mut report, before, plan, joined } = walked;
    let sealed = tokio::task::spawn_blocking(move || {
        let (outcome, files) = assemble::place(&archive, &mut report, joined, &request, &context)?;
        let mut written = ReportV1::from(&report);
        written.earlier = earlier(&archive, &report, &files);
        written.joined = files;
        let play = assemble::playlists(&written, &plan.tracks);
        let page = before.page(&plan, &report);
        archive.seal(&Seal { report: &written, play: &play, page: Some(&page), at: report.finished })?;
        context.tell(&Event::Finished { report: &report, dir: archive.dir() });
        Ok(Fetched { report, written, dir: archive.dir().to_owned(), joined: outcome })
    });
    sealed.await.map_err(Failed::Task)?
}

/// Joins where asked, and seals the bag.
async fn close(
    archive: Arc<Archive>,
    context: Arc<Context>,
    walked: Walked,
    join: Option<&JoinRequest>,
) -> Result<Fetched, Failed> {
    let Walked { report, before, plan, joined: _ } = walked;
    let join = join.cloned();
    let sealed = tokio::task::spawn_blocking(move || {
        let mut written = ReportV1::from(&report);
        written.earlier = earlier(&archive, &report, &[]);
        let play = assemble::playlists(&written, &plan.tracks);
        let page = before.page(&plan, &report);
        // Of a long recording these are large, and not needed any more.
        drop((before, plan));
        // Sealed before joining: whatever happens to the joined file, the proof is in place.
        archive.seal(&Seal { report: &written, play: &play, page: Some(&page), at: report.finished })?;
        let joined = match &join {
            None => JoinOutcome::NotAsked,
            Some(request) => {
                assemble::join(archive.dir(), &written, request, &*context.observer).map_err(Failed::Join)?
            }
        };
        if let JoinOutcome::Done(files) = &joined {
            written.joined = files.iter().map(|file| file.written.clone()).collect();
            archive.seal(&Seal { report: &written, play: &play, page: Some(&page), at: report.finished })?;
        }
        context.tell(&Event::Finished { report: &report, dir: archive.dir() });
        Ok(Fetched { report, written, dir: archive.dir().to_owned(), joined })
    });
    sealed.await.map_err(Failed::Task)?
}

/// An object with a URL of its own.
pub(super) fn at_url(context: &Context, url: &str) -> Option<Place> {
    let url = PlaylistUrl::parse(url).ok()?;
    let name = SourceName::new(url.origin.host_str().unwrap_or("elsewhere"));
    let source = HttpSource::new(name, url.origin, &context.options.http).ok()?;
    let source = source.with_presigned(url.key.clone(), url.url.expose().clone());
    Some(Place { source: Arc::new(source), keys: vec![url.key] })
}

/// What earlier runs proved and this one does not vouch for: it did not ask, or was stopped before. Joined files
/// of this run have a place of their own in the report.
fn earlier(archive: &Archive, report: &Report, joined: &[JoinedV1]) -> Vec<EarlierV1> {
    let verified = report.objects.iter().filter(|object| object.verdict.is_verified());
    let mut earlier = archive.earlier(&verified.map(|object| &object.name).collect());
    let is_joined = |path: &str| joined.iter().any(|file| file.path.as_deref() == Some(path));
    earlier.retain(|record| record.offset.is_some() || !is_joined(&record.path));
    earlier.iter().map(EarlierV1::from).collect()
}

/// Fetches one object and keeps it.
async fn one(context: Arc<Context>, home: Home, item: Item, job: Job) -> Result<Done, Failed> {
    let sink = home.sink(&job).await?;
    // However many recordings come at a time: never more objects at once than one would have.
    let turn = context.turn().await;
    let fetched = tokio::select! {
        biased;
        // What was written so far goes with the future; a rerun starts this object again.
        () = context.cancel.cancelled() => {
            return Ok((report_of(&item, Verdict::Interrupted, None, Vec::new()), Vec::new()));
        }
        fetched = object::fetch(&context, &job, sink) => fetched,
    };
    let fetched = fetched?;
    drop(turn);
    let _settling = context.settling();
    home.keep(&context, item, fetched).await
}

/// What a record says about the bytes and where they came from.
pub(super) struct Seen {
    pub(super) seen: Observation,
    pub(super) from: SourceName,
    pub(super) etag: Option<ETag>,
}

/// What is remembered about an object that was judged good.
pub(super) fn record_of(item: &Item, path: String, evidence: Evidence, seen: Seen) -> Record {
    let Seen { seen, from, etag } = seen;
    let playing_ms = seen.structure.playing_ms();
    let (clock, breaks, form) = match seen.structure {
        Structure::TransportStream(facts) => {
            (facts.first_pts.zip(facts.span), facts.continuity_errors + facts.transport_errors, facts.form)
        }
        // Slices of other formats start at 0 each: their time stamps tell nothing about neighbours.
        Structure::WebM(_)
        | Structure::Mp4(_)
        | Structure::Sound(_)
        | Structure::Jpeg(_)
        | Structure::NotExamined
        | Structure::Page(_) => (None, 0, MediaForm::default()),
    };
    Record {
        name: item.name.clone(),
        path,
        offset: None,
        size: seen.size,
        digests: seen.digests,
        evidence,
        from,
        etag,
        at: time_of_day(),
        clock,
        playing_ms,
        breaks,
        form,
        mtime: 0,
    }
}
