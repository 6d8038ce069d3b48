//! The tag files of a bag, written when everything else is in place.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::{Doing, Error};
use super::wire::{EarlierV1, REPORT_FORMAT, ReportV1};
use super::{Archive, PAYLOAD, Presence, Record, SealState, Trust, WORK, guard};
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::form::MediaForm;
use crate::domain::key::ObjectName;
use crate::domain::place::SourceName;
use crate::domain::time::SliceTime;
use crate::domain::verdict::Evidence;

pub(super) const DECLARATION: &str = "bagit.txt";
pub(super) const DECLARATION_TEXT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
const INFO: &str = "bag-info.txt";
pub(super) const MANIFEST: &str = "manifest-sha256.txt";
pub(super) const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
pub(super) const REPORT: &str = "report.json";
const PAGE: &str = "report.html";
const NAMES: &str = "names.tsv";
const PARTS: &str = "joined.tsv";

/// What is written around the payload.
#[derive(Debug)]
pub struct Seal<'a> {
    /// The report.
    pub report: &'a ReportV1,
    /// Playlists that players take.
    pub play: &'a [PlayList],
    /// A page that shows the report to people, where there is one.
    pub page: Option<&'a str>,
    /// When the bag is made.
    pub at: SliceTime,
}

/// A playlist that players take, beside the untouched originals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayList {
    /// Its file name in the bag.
    pub file: String,
    /// Its text.
    pub text: String,
}

impl Archive {
    /// Takes the seal off before the payload changes, so that a bag is never half one run and half another.
    pub(super) fn unseal(&self) -> Result<(), Error> {
        let mut seal = guard(&self.seal);
        if *seal == SealState::Unknown {
            // The declaration is what makes a folder a bag.
            remove_if_there(&self.dir.join(DECLARATION))?;
            remove_if_there(&self.dir.join(TAG_MANIFEST))?;
            *seal = SealState::Off;
        }
        Ok(())
    }

    /// Writes the tag files. The declaration comes last: without it the folder is no bag.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn seal(&self, seal: &Seal<'_>) -> Result<(), Error> {
        let records = self.present_records();
        self.unseal()?;
        sync_folders(&self.dir, &records)?;
        let tags = tags(&records, seal);
        for stale in [NAMES, PARTS, PAGE].iter().filter(|name| tags.iter().all(|(file, _)| file != *name)) {
            remove_if_there(&self.dir.join(stale))?;
        }
        drop(records);
        self.remove_stale_lists(seal.play)?;
        *guard(&self.seal) = SealState::Unknown;
        let digest = |text: &str| Sha256::digest(text.as_bytes()).into();
        let mut digests: BTreeMap<String, [u8; 32]> = BTreeMap::new();
        for (file, text) in tags {
            self.write_tag(&file, &text)?;
            digests.insert(file, digest(&text));
        }
        digests.insert(REPORT.to_owned(), self.write_report(seal.report)?);
        digests.insert(DECLARATION.to_owned(), digest(DECLARATION_TEXT));
        self.write_tag(TAG_MANIFEST, &tag_manifest(&digests))?;
        self.write_tag(DECLARATION, DECLARATION_TEXT)?;
        sync_folder(&self.dir)
    }

    /// Seals again after something was added to the report. The playlists for players and the page stay as they
    /// are.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn reseal(&self, report: &ReportV1, at: SliceTime) -> Result<(), Error> {
        let mut play = Vec::new();
        for file in self.lists()? {
            let path = self.dir.join(&file);
            play.push(PlayList { text: std::fs::read_to_string(&path).doing("read", &path)?, file });
        }
        let path = self.dir.join(PAGE);
        let page = match std::fs::read_to_string(&path) {
            Ok(page) => Some(page),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(e).doing("read", &path),
        };
        self.seal(&Seal { report, play: &play, page: page.as_deref(), at })
    }

    /// The files of playlists that were written here.
    fn lists(&self) -> Result<Vec<String>, Error> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.dir).doing("look into", &self.dir)? {
            let file = entry.doing("look into", &self.dir)?.file_name().to_string_lossy().into_owned();
            if is_list(&file) {
                files.push(file);
            }
        }
        Ok(files)
    }

    /// Playlists of an earlier run, which no manifest would vouch for.
    fn remove_stale_lists(&self, play: &[PlayList]) -> Result<(), Error> {
        let stale = self.lists()?.into_iter().filter(|file| !play.iter().any(|play| play.file == *file));
        stale.into_iter().try_for_each(|file| remove_if_there(&self.dir.join(file)))
    }

    /// Records whose file is there. Those that were damaged and could not be had again leave the payload,
    /// because no manifest can vouch for them; their bytes may be the best copy left, and are set aside. With a
    /// joined file go all segments in it.
    fn present_records(&self) -> Vec<Record> {
        let mut records = guard(&self.records);
        let is_whole =
            |record: &Record| self.examine(record, Trust::Mtime).is_ok_and(|p| p == Presence::Proven);
        let damaged = records.values().filter(|record| !is_whole(record));
        let damaged: BTreeSet<String> = damaged.map(|record| record.path.clone()).collect();
        damaged.iter().for_each(|path| self.set_aside(path));
        records.retain(|_, record| !damaged.contains(&record.path));
        records.values().cloned().collect()
    }

    /// Moves a file out of the payload. What cannot be moved is removed: the bag must not hold it.
    pub(super) fn set_aside(&self, path: &str) {
        if move_aside(&self.dir, path).is_err() {
            let _ = std::fs::remove_file(self.dir.join(path));
        }
    }

    /// Writes the report as it is put into words: of a long recording it is the longest text by far.
    fn write_report(&self, report: &ReportV1) -> Result<[u8; 32], Error> {
        self.replace(REPORT, |out| {
            let mut out = BufWriter::with_capacity(64 << 10, Hashed { out, sha256: Sha256::new() });
            report.write_json(&mut out)?;
            let hashed = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            Ok(hashed.sha256.finalize().into())
        })
    }

    fn write_tag(&self, file: &str, text: &str) -> Result<(), Error> {
        // A bag is sealed again after joining: what stays as it is needs no second room on the disk meanwhile.
        if std::fs::read(self.dir.join(file)).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(());
        }
        self.replace(file, |out| out.write_all(text.as_bytes()))
    }

    /// Writes a tag file, which has its name only when all of it is on the disk.
    fn replace<T>(
        &self,
        file: &str,
        write: impl FnOnce(&mut File) -> std::io::Result<T>,
    ) -> Result<T, Error> {
        let temporary = self.dir.join(WORK).join("partial").join(format!("{file}.part"));
        let mut out = File::create(&temporary).doing("create", &temporary)?;
        let written = write(&mut out).doing("write", &temporary)?;
        out.sync_data().doing("sync", &temporary)?;
        let path = self.dir.join(file);
        std::fs::rename(&temporary, &path).doing("rename to", &path)?;
        Ok(written)
    }
}

/// Moves a file of the bag in `dir` to where nothing is taken for a part of it.
pub(super) fn move_aside(dir: &Path, path: &str) -> std::io::Result<()> {
    let aside = dir.join(WORK).join("aside");
    let name = path.replace('/', "=");
    // What was set aside before may be somebody's last copy too.
    let names = std::iter::once(name.clone()).chain((2_u64..).map(|n| format!("{name}~{n}")));
    let to = names.map(|name| aside.join(name)).find(|to| to.symlink_metadata().is_err());
    let to = to.unwrap_or_else(|| aside.join(&name));
    std::fs::create_dir_all(&aside)?;
    std::fs::rename(dir.join(path), to)
}

/// The tag files of a bag with these objects, but for the report, the declaration and their own manifest.
pub(super) fn tags(records: &[Record], seal: &Seal<'_>) -> Vec<(String, String)> {
    let mut tags = vec![(MANIFEST.to_owned(), manifest(records)), (INFO.to_owned(), info(records, seal))];
    for (file, text) in [(NAMES, names(records)), (PARTS, parts(records))] {
        if !text.is_empty() {
            tags.push((file.to_owned(), text));
        }
    }
    tags.extend(seal.page.map(|page| (PAGE.to_owned(), page.to_owned())));
    tags.extend(seal.play.iter().map(|play| (play.file.clone(), play.text.clone())));
    tags
}

/// The manifest of the tag files.
pub(super) fn tag_manifest(digests: &BTreeMap<String, [u8; 32]>) -> String {
    digests.iter().map(|(file, sha256)| format!("{}  {file}\n", hex::encode(sha256))).collect()
}

/// Hashes what is written.
struct Hashed<W> {
    out: W,
    sha256: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Whether a file in the bag's folder has the name of a playlist that is written here.
fn is_list(file: &str) -> bool {
    let Some(stem) = file.strip_suffix(".m3u8") else { return false };
    let kinds = ["mixed", "audio", "video", "av"];
    let of_uid = |rest: &str| {
        rest.strip_prefix("uid_").is_some_and(|rest| {
            let (uid, kind) = rest.split_once('_').map_or((rest, None), |(uid, kind)| (uid, Some(kind)));
            let digits = !uid.is_empty() && uid.bytes().all(|b| b.is_ascii_digit());
            digits && kind.is_none_or(|kind| kinds.contains(&kind))
        })
    };
    let rest = stem.strip_prefix("play_").or_else(|| stem.strip_prefix("synthetic_"));
    stem == "play" || rest.is_some_and(|rest| kinds.contains(&rest) || of_uid(rest))
}

/// The recording that a bag says it is of; `None` where the folder is no bag.
pub(super) fn recording_of(dir: &Path) -> Result<Option<String>, Error> {
    let path = dir.join(INFO);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).doing("read", &path),
    };
    let id = text.lines().find_map(|line| line.strip_prefix("Recording-ID: "));
    Ok(Some(id.map_or_else(|| "a bag that recfetch did not write".to_owned(), |id| id.trim().to_owned())))
}

/// The report of a bag.
pub(super) fn report_of(dir: &Path) -> Result<Option<ReportV1>, Error> {
    let path = dir.join(REPORT);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).doing("read", &path),
    };
    let damaged = |cause: serde_json::Error| Error::Damaged { path: path.clone(), cause: cause.into() };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(damaged)?;
    let version = value.get("format").and_then(|v| v.as_str()).unwrap_or("no format");
    if version != REPORT_FORMAT {
        return Err(Error::Newer { path: path.clone(), version: version.to_owned() });
    }
    serde_json::from_value(value).map(Some).map_err(damaged)
}

/// The report that a text is; `None` where it is none of this version.
pub(super) fn report_from(text: &[u8]) -> Option<ReportV1> {
    serde_json::from_slice(text).ok().filter(|report: &ReportV1| report.format == REPORT_FORMAT)
}

/// What a sealed bag without a journal says about its objects: it was copied without the work folder.
pub(super) fn records_of_sealed_bag(dir: &Path) -> Result<BTreeMap<ObjectName, Record>, Error> {
    if !dir.join(DECLARATION).is_file() {
        return Ok(BTreeMap::new());
    }
    let Some(report) = report_of(dir)? else { return Ok(BTreeMap::new()) };
    Ok(records_of(&report))
}

/// What a report says about the files of its bag.
pub(super) fn records_of(report: &ReportV1) -> BTreeMap<ObjectName, Record> {
    let joined = report.joined.iter().filter_map(|joined| {
        let path = ObjectName::parse(joined.path.as_deref()?).ok()?;
        let name = ObjectName::parse(path.as_str().strip_prefix("data/")?).ok()?;
        let record = Record {
            path: path.as_str().to_owned(),
            offset: None,
            size: joined.size,
            digests: vec![Digest::from_hex(Algorithm::Sha256, joined.sha256.as_deref()?)?],
            evidence: Evidence::LengthOnly,
            from: SourceName::new("joined"),
            etag: None,
            at: at(&report.finished)?,
            clock: None,
            playing_ms: None,
            breaks: 0,
            form: MediaForm::default(),
            mtime: -1,
            name: name.clone(),
        };
        Some((name, record))
    });
    let judged = report.objects.iter().filter_map(EarlierV1::of);
    let known = judged.chain(report.earlier.iter().cloned());
    let records = known.filter_map(|known| known.to_record()).map(|record| (record.name.clone(), record));
    joined.chain(records).collect()
}

/// When something was, by a report.
pub(super) fn at(text: &str) -> Option<SliceTime> {
    SliceTime::from_unix_ms(text.parse::<jiff::Timestamp>().ok()?.as_millisecond())
}

/// Every file below the payload folder.
pub(super) fn payload_files(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut folders = vec![dir.join(PAYLOAD)];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e).doing("look into", &folder),
        };
        for entry in entries {
            let entry = entry.doing("look into", &folder)?;
            if entry.file_type().doing("look into", &folder)?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    // By their bytes: going by the parts of each path costs as much as all else here.
    files.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    Ok(files)
}

/// `sha256sum -c` reads this too: no path needs its escapes, because the layout avoids them.
fn manifest(records: &[Record]) -> String {
    let mut lines: Vec<_> = files(records)
        .filter_map(|record| {
            let sha256 = record.digests.iter().find(|d| d.algorithm() == Algorithm::Sha256)?;
            Some(format!("{}  {}\n", sha256.hex(), record.path))
        })
        .collect();
    lines.sort_by(|a, b| a[64..].cmp(&b[64..]));
    lines.concat()
}

fn info(records: &[Record], seal: &Seal<'_>) -> String {
    let report = seal.report;
    let bytes: u64 = files(records).map(|record| record.size).sum();
    let mut text = String::new();
    let mut field = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{label}: {value}");
        }
    };
    field("Bag-Software-Agent", concat!("recfetch ", env!("CARGO_PKG_VERSION")));
    field("Bagging-Date", seal.at.to_string().get(..10).unwrap_or_default());
    field("External-Identifier", &report.recording);
    field("Payload-Oxum", &format!("{bytes}.{}", files(records).count()));
    field("Recording-ID", &report.recording);
    field("Recording-State", &report.outcome);
    field("Channel", report.channel.as_deref().unwrap_or_default());
    for place in &report.places {
        field("Store", &format!("{} ({})", place.name, place.description));
    }
    field("Store-Folder", &report.folder);
    field("First-Slice-Start", report.first_slice.as_deref().unwrap_or_default());
    field("Last-Slice-End", report.last_slice_end.as_deref().unwrap_or_default());
    field("Fetched-Only", &report.only.join(", "));
    field("Segments-Listed", &report.segments.total.to_string());
    let verified = report.segments.store_digest + report.segments.structure + report.segments.length_only;
    field("Segments-Verified", &verified.to_string());
    text
}

/// Objects whose file has another name, one per line: path, tab, name.
fn names(records: &[Record]) -> String {
    let mut text = String::new();
    for record in files(records) {
        if record.path.strip_prefix("data/") != Some(record.name.as_str()) {
            let _ = writeln!(text, "{}\t{}", record.path, record.name);
        }
    }
    text
}

/// Records that stand for a file of their own.
fn files(records: &[Record]) -> impl Iterator<Item = &Record> {
    records.iter().filter(|record| record.offset.is_none())
}

/// Segments inside of joined files, one per line: path, offset, length, SHA-256, what the proof rests on, name.
fn parts(records: &[Record]) -> String {
    let mut parts: Vec<_> = records.iter().filter_map(|r| Some((&r.path, r.offset?, r))).collect();
    parts.sort_by_key(|(path, offset, _)| (*path, *offset));
    let mut text = String::new();
    for (path, offset, record) in parts {
        let sha256 = record.digests.iter().find(|d| d.algorithm() == Algorithm::Sha256);
        let sha256 = sha256.map(Digest::hex).unwrap_or_default();
        let _ = writeln!(
            text,
            "{path}\t{offset}\t{}\t{sha256}\t{}\t{}",
            record.size,
            record.evidence.code(),
            record.name
        );
    }
    text
}

fn sync_folders(dir: &Path, records: &[Record]) -> Result<(), Error> {
    let folders: BTreeSet<PathBuf> =
        records.iter().filter_map(|record| Some(dir.join(&record.path).parent()?.to_owned())).collect();
    folders.iter().try_for_each(|folder| sync_folder(folder))
}

fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|f| f.sync_all()).doing("sync", folder)
}

fn remove_if_there(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e).doing("remove", path),
        Ok(()) | Err(_) => Ok(()),
    }
}
