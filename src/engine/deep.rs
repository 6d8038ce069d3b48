//! Looking into the media of a bag, offline: bytes that are as they were may have been stored bad.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::examining::{Examination, lacks_index};
use crate::archive::{self, Damage, EarlierV1, Error, ObjectV1, ReportV1, RoleV1, Verification};
use crate::domain::digest::Algorithm;
use crate::domain::place::SourceName;
use crate::domain::verdict::{
    Content, Corruption, Expectation, Format, Framing, Observation, Structure, judge,
};

/// What the media of a bag looks like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaCheck {
    /// Files whose structure was judged.
    pub judged: usize,
    /// Files besides the playlists whose structure cannot be judged: of a form that is not known here,
    /// encrypted, or with an index that is too large.
    pub not_judged: usize,
    /// Bytes that were read.
    pub bytes: u64,
    /// What is wrong, by path.
    pub damage: Vec<MediaDamage>,
}

/// A file whose bytes are as they were stored, and are bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaDamage {
    /// Its path in the bag; of a segment inside of a joined file, with its name.
    pub path: String,
    /// What is wrong.
    pub what: Corruption,
}

/// Examines the structure of every payload file of a bag that was just verified, by the rules by which it is
/// judged when it is fetched. Files that the verification found changed, missing or unreadable are left out.
/// `progress` is told the bytes as they are read, by several threads.
///
/// # Errors
/// Where a file cannot be read. Bad media is a result, not an error.
pub fn check_media(
    verification: &Verification,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<MediaCheck, Error> {
    let work = plan(verification)?;
    let next = AtomicUsize::new(0);
    let found = Mutex::new((MediaCheck::default(), None));
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(work.len().max(1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(file) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let looked = look(verification, file, progress);
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    match looked {
                        Ok(looked) => found.0.add(file, looked),
                        Err(error) => found.1 = Some(error),
                    }
                }
            });
        }
    });
    let (mut check, error) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    check.damage.sort_by(|a, b| a.path.cmp(&b.path));
    error.map_or(Ok(check), Err)
}

/// Held by whoever looks at an index that is large.
static LARGE_INDEX: Mutex<()> = Mutex::new(());

/// A file to be looked into, or a segment inside of a joined one.
struct Work {
    path: String,
    part: Option<Range<u64>>,
    /// What to call it.
    label: String,
    expected: Expectation,
}

struct Looked {
    bytes: u64,
    can_be_judged: bool,
    what: Option<Corruption>,
}

/// What the report knows of a payload file, or of a segment inside of a joined one.
#[derive(Clone, Copy)]
enum Known<'a> {
    Judged(&'a ObjectV1),
    Earlier(&'a EarlierV1),
}

impl<'a> Known<'a> {
    fn path(self) -> Option<&'a str> {
        match self {
            Self::Judged(object) => object.path.as_deref(),
            Self::Earlier(object) => Some(&object.path),
        }
    }

    fn name(self) -> &'a str {
        match self {
            Self::Judged(object) => &object.name,
            Self::Earlier(object) => &object.name,
        }
    }

    fn part(self) -> Option<Range<u64>> {
        let (offset, size) = match self {
            Self::Judged(object) => (object.offset?, object.size?),
            Self::Earlier(object) => (object.offset?, object.size),
        };
        Some(offset..offset.saturating_add(size))
    }

    fn is_playlist(self) -> bool {
        match self {
            Self::Judged(object) => object.role == RoleV1::Playlist,
            Self::Earlier(object) => object.name.to_ascii_lowercase().ends_with(".m3u8"),
        }
    }

    /// What its structure was examined as; where the report does not tell, its name does.
    fn form(self, by_name: bool) -> Option<Format> {
        match self {
            Self::Judged(object) if !by_name => object.format.as_deref().and_then(Format::from_code),
            Self::Judged(_) | Self::Earlier(_) => Format::of_name(self.name()),
        }
    }
}

fn plan(verification: &Verification) -> Result<Vec<Work>, Error> {
    let report = verification.report.as_ref();
    let judged = report.iter().flat_map(|report| &report.objects).map(Known::Judged);
    let earlier = report.iter().flat_map(|report| &report.earlier).map(Known::Earlier);
    let mut objects: HashMap<&str, Vec<Known<'_>>> = HashMap::new();
    for object in judged.chain(earlier) {
        if let Some(path) = object.path() {
            objects.entry(path).or_default().push(object);
        }
    }
    let by_name = report.is_none_or(tells_no_forms);
    let damaged: BTreeSet<&str> = verification.damage.iter().filter_map(path_of).collect();
    let paths = archive::payload(&verification.dir)?;
    let one = |path: &str, object: Option<Known<'_>>| {
        let is_playlist = match object {
            Some(object) => object.is_playlist(),
            None => path.to_ascii_lowercase().ends_with(".m3u8"),
        };
        if is_playlist {
            return None;
        }
        let form = object.map_or_else(|| Format::of_name(path), |object| object.form(by_name));
        let part = object.and_then(Known::part);
        let label = match (&part, object) {
            (Some(_), Some(object)) => format!("{path} ({})", object.name()),
            (_, _) => path.to_owned(),
        };
        Some(Work { path: path.to_owned(), part, label, expected: expectation(form, object) })
    };
    let mut work = Vec::new();
    for path in paths.iter().filter(|path| !damaged.contains(path.as_str())) {
        match objects.get(path.as_str()) {
            // The segments of a joined file are judged one by one, as they were when they came.
            Some(objects) => {
                let is_joined = objects.iter().any(|object| object.part().is_some());
                let alone = objects.iter().filter(|object| !is_joined || object.part().is_some());
                work.extend(alone.filter_map(|object| one(path, Some(*object))));
            }
            None => work.extend(one(path, None)),
        }
    }
    Ok(work)
}

/// Whether a report is of a version that did not write down what was examined as what. Where segments are
/// encrypted, their names do not tell it.
fn tells_no_forms(report: &ReportV1) -> bool {
    report.objects.iter().all(|object| object.format.is_none())
        && !report.findings.iter().any(|finding| finding.code == "encrypted")
}

fn expectation(form: Option<Format>, object: Option<Known<'_>>) -> Expectation {
    let (evidence, digests, duration_ms) = match object {
        Some(Known::Judged(object)) => (object.evidence.as_ref(), &object.digests[..], object.duration_ms),
        Some(Known::Earlier(object)) => (Some(&object.evidence), &object.digests[..], None),
        None => (None, &[][..], None),
    };
    // What a store vouched for when it was fetched is known to have been recorded so.
    let vouched_for = evidence.is_some_and(|evidence| evidence.kind == "store-digest");
    let sha256 = digests
        .iter()
        .filter(|_| vouched_for)
        .filter_map(archive::DigestV1::to_digest)
        .filter(|digest| digest.algorithm() == Algorithm::Sha256);
    Expectation {
        content: Content::from(form),
        duration: duration_ms.map(Duration::from_millis),
        digests: sha256.collect(),
        ..Expectation::default()
    }
}

fn path_of(damage: &Damage) -> Option<&str> {
    match damage {
        Damage::Changed { path, .. }
        | Damage::Length { path, .. }
        | Damage::Digest { path, .. }
        | Damage::Part { path, .. }
        | Damage::Missing { path }
        | Damage::Extra { path }
        | Damage::Unreadable { path, .. }
        | Damage::NotInManifest { path } => Some(path),
        Damage::BadLine { .. } | Damage::Oxum { .. } => None,
    }
}

fn look(verification: &Verification, file: &Work, progress: &(dyn Fn(u64) + Sync)) -> Result<Looked, Error> {
    if file.expected.content == Content::Opaque {
        return Ok(Looked { bytes: 0, can_be_judged: false, what: None });
    }
    let mut examination = Examination::new(file.expected.content);
    let mut bytes = 0;
    archive::read_payload(&verification.dir, &file.path, file.part.clone(), &mut |piece| {
        examination.push(piece);
        bytes += piece.len() as u64;
        progress(piece.len() as u64);
    })?;
    let mut structure = examination.finish();
    if lacks_index(&structure) {
        // One at a time: memory is bounded for all files together.
        let _one = LARGE_INDEX.lock().unwrap_or_else(PoisonError::into_inner);
        let mut again = Examination::of_large_index(file.expected.content);
        archive::read_payload(&verification.dir, &file.path, file.part.clone(), &mut |piece| {
            again.push(piece)
        })?;
        structure = again.finish();
    }
    let can_be_judged = match &structure {
        Structure::NotExamined => false,
        Structure::TransportStream(facts) => facts.scrambled == 0,
        Structure::Mp4(facts) => !facts.too_large,
        Structure::WebM(_) | Structure::Sound(_) | Structure::Jpeg(_) | Structure::Page(_) => true,
    };
    // The bytes were hashed just now: their digest is the one of the report.
    let digests = file.expected.digests.clone();
    let seen = Observation { size: bytes, framing: Framing::Length, digests, structure };
    let what = judge(&file.expected, &seen, &SourceName::new("bag")).err();
    Ok(Looked { bytes, can_be_judged, what })
}

impl MediaCheck {
    /// Whether nothing is wrong, as far as it could be judged.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.damage.is_empty()
    }

    fn add(&mut self, file: &Work, looked: Looked) {
        self.bytes += looked.bytes;
        if looked.can_be_judged || looked.what.is_some() {
            self.judged += 1;
        } else {
            self.not_judged += 1;
        }
        self.damage.extend(looked.what.map(|what| MediaDamage { path: file.label.clone(), what }));
    }
}

impl std::fmt::Display for MediaDamage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "bad-media  {}: {}", self.path, self.what)
    }
}
