//! A walk over a sorted listing that hands out one recording after the other.
//!
//! All keys of a recording that start with `<folder><sid>_` follow each other. Those of its failovers,
//! `<folder>bak<n>_<sid>_`, stand elsewhere in the folder. They are rare, so a folder's are kept in memory: as they
//! come, where the walk is past all of them; else they are listed before the folder's first recording is handed
//! out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::Context;
use super::super::listing::next_page;
use super::survey::{Survey, SurveyError};
use crate::domain::filename::{FileName, Role};
use crate::domain::key::{KeyError, KeyPrefix, ObjectKey};
use crate::domain::locate::FAILOVERS;
use crate::domain::object::ObjectInfo;
use crate::domain::recording::RecordingId;
use crate::event::Event;
use crate::source::{Error, PageToken, Source};

/// The digits of an ID of Agora's ("sid", 2026-07).
const ID_DIGITS: usize = 32;

/// All that a store lists of one recording in one folder.
pub(super) struct Group {
    pub(super) id: RecordingId,
    pub(super) folder: KeyPrefix,
    pub(super) objects: Vec<ObjectInfo>,
    /// Keys that cannot be safe names and bear its ID.
    pub(super) unsafe_keys: Vec<(String, KeyError)>,
}

/// What was counted so far.
#[derive(Default)]
pub(super) struct Tally {
    listed: AtomicU64,
    recordings: AtomicU64,
    objects: AtomicU64,
    others: AtomicU64,
}

impl Tally {
    pub(super) fn survey(&self) -> Survey {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Survey {
            recordings: count(&self.recordings),
            objects: count(&self.objects),
            others: count(&self.others),
        }
    }
}

fn add(counter: &AtomicU64, more: usize) -> u64 {
    let more = more as u64;
    counter.fetch_add(more, Ordering::Relaxed) + more
}

/// The walk.
pub(super) struct Walk<'a> {
    context: &'a Context,
    source: &'a dyn Source,
    below: String,
    tally: &'a Tally,
    /// Of the page that is being walked through.
    page: VecDeque<ObjectInfo>,
    next: Next,
    last: Option<ObjectKey>,
    /// Of this page and of those before it that the group at hand began in.
    unsafe_keys: Vec<(String, KeyError)>,
    /// Of them, those of earlier pages.
    unsafe_before: usize,
    /// The folders with recordings that the walk is in.
    folders: Vec<Folder>,
    ready: VecDeque<Group>,
}

/// Where the listing goes on.
enum Next {
    Start,
    After(PageToken),
    End,
}

/// A folder with recordings.
struct Folder {
    prefix: KeyPrefix,
    failovers: BTreeMap<RecordingId, Vec<ObjectInfo>>,
    known: Known,
}

/// How a folder's failovers are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// As they come in the walk.
    AsTheyCome,
    /// They were all listed.
    Listed,
}

/// What a key is to a recording.
struct Belongs {
    folder: KeyPrefix,
    id: RecordingId,
    failover: Option<u8>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        context: &'a Context,
        source: &'a dyn Source,
        below: &KeyPrefix,
        tally: &'a Tally,
    ) -> Self {
        Self {
            context,
            source,
            below: below.as_str().to_owned(),
            tally,
            page: VecDeque::new(),
            next: Next::Start,
            last: None,
            unsafe_keys: Vec::new(),
            unsafe_before: 0,
            folders: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// The next recording; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Group>, SurveyError> {
        loop {
            if let Some(group) = self.ready.pop_front() {
                if let Some(group) = self.counted(group) {
                    return Ok(Some(group));
                }
                continue;
            }
            // Only those of this page can belong to what comes.
            self.unsafe_keys.drain(..std::mem::take(&mut self.unsafe_before));
            let Some(key) = self.peek().await? else {
                if self.folders.is_empty() {
                    return Ok(None);
                }
                self.leave_folders(None);
                continue;
            };
            self.leave_folders(Some(&key));
            if !self.ready.is_empty() {
                continue;
            }
            let Some(info) = self.page.pop_front() else { continue };
            match belongs(&info.key) {
                None => {
                    add(&self.tally.others, 1);
                }
                Some(Belongs { folder, id, failover: Some(_) }) => {
                    let folder = self.folder(&folder);
                    if folder.known != Known::Listed {
                        folder.failovers.entry(id).or_default().push(info);
                    }
                }
                Some(Belongs { folder, id, failover: None }) => {
                    let group = self.group(folder, id, info).await?;
                    self.ready.push_back(group);
                }
            }
        }
    }

    /// The objects of a recording, the first of which was met.
    async fn group(
        &mut self,
        folder: KeyPrefix,
        id: RecordingId,
        first: ObjectInfo,
    ) -> Result<Group, SurveyError> {
        let start = format!("{}{id}_", folder.as_str());
        let mut objects = vec![first];
        let next = loop {
            match self.peek().await? {
                Some(key) if key.as_str().starts_with(&start) => objects.extend(self.page.pop_front()),
                next => break next,
            }
        };
        self.know_failovers(&folder, next.as_ref()).await?;
        objects.extend(self.folder(&folder).failovers.remove(&id).unwrap_or_default());
        let unsafe_keys = self.unsafe_keys.iter().filter(|(text, _)| text.contains(id.as_str()));
        let unsafe_keys = unsafe_keys.cloned().collect();
        Ok(Group { id, folder, objects, unsafe_keys })
    }

    /// Sees to it that all failovers in a folder are known.
    async fn know_failovers(
        &mut self,
        prefix: &KeyPrefix,
        next: Option<&ObjectKey>,
    ) -> Result<(), SurveyError> {
        let start = format!("{}bak", prefix.as_str());
        let passed =
            next.is_none_or(|key| key.as_str() > start.as_str() && !key.as_str().starts_with(&start));
        if self.folder(prefix).known == Known::Listed || passed {
            return Ok(());
        }
        let mut failovers: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut after = None;
        loop {
            let (context, source) = (self.context, self.source);
            let page = context.patiently(source, || source.list(&start, after.as_ref())).await;
            let page = page.map_err(|error| self.failed(error))?;
            for info in page.objects {
                if let Some(Belongs { folder, id, failover: Some(_) }) = belongs(&info.key)
                    && folder == *prefix
                {
                    failovers.entry(id).or_default().push(info);
                }
            }
            after = next_page(source, &start, after, page.next).map_err(|error| self.failed(error))?;
            if after.is_none() {
                break;
            }
        }
        let folder = self.folder(prefix);
        folder.failovers = failovers;
        folder.known = Known::Listed;
        Ok(())
    }

    /// The folder, which the walk is in.
    fn folder(&mut self, prefix: &KeyPrefix) -> &mut Folder {
        let place = match self.folders.iter().rposition(|folder| folder.prefix == *prefix) {
            Some(place) => place,
            None => {
                let (failovers, known) = (BTreeMap::new(), Known::AsTheyCome);
                self.folders.push(Folder { prefix: prefix.clone(), failovers, known });
                self.folders.len() - 1
            }
        };
        &mut self.folders[place]
    }

    /// Failovers of which nothing else is there are recordings too, when the walk leaves their folder.
    fn leave_folders(&mut self, key: Option<&ObjectKey>) {
        while let Some(folder) = self
            .folders
            .pop_if(|folder| !key.is_some_and(|key| key.as_str().starts_with(folder.prefix.as_str())))
        {
            let Folder { prefix, failovers, .. } = folder;
            self.ready.extend(failovers.into_iter().map(|(id, objects)| Group {
                id,
                folder: prefix.clone(),
                objects,
                unsafe_keys: Vec::new(),
            }));
        }
    }

    /// Counts a group; `None` where it is no recording.
    fn counted(&self, group: Group) -> Option<Group> {
        if !is_recording(&group) {
            add(&self.tally.others, group.objects.len());
            return None;
        }
        add(&self.tally.objects, group.objects.len());
        add(&self.tally.recordings, 1);
        Some(group)
    }

    /// The key that comes next; `None` at the end of the listing.
    async fn peek(&mut self) -> Result<Option<ObjectKey>, SurveyError> {
        while self.page.is_empty() {
            let after = match &self.next {
                Next::Start => None,
                Next::After(token) => Some(token.clone()),
                Next::End => return Ok(None),
            };
            self.load(after).await?;
        }
        Ok(self.page.front().map(|info| info.key.clone()))
    }

    /// Takes in the next page.
    async fn load(&mut self, after: Option<PageToken>) -> Result<(), SurveyError> {
        let (source, below) = (self.source, &self.below);
        let page = self.context.patiently(source, || source.list(below, after.as_ref())).await;
        let page = page.map_err(|error| self.failed(error))?;
        let next = next_page(source, below, after, page.next).map_err(|error| self.failed(error))?;
        self.next = next.map_or(Next::End, Next::After);
        let listed = add(&self.tally.listed, page.objects.len() + page.unsafe_keys.len());
        let recordings = self.tally.recordings.load(Ordering::Relaxed);
        self.context.tell(&Event::Surveyed { from: source.name(), listed, recordings });
        add(&self.tally.others, page.unsafe_keys.len());
        self.unsafe_before = self.unsafe_keys.len();
        self.unsafe_keys.extend(page.unsafe_keys);
        for info in page.objects {
            let before = self.page.back().map(|info| &info.key).or(self.last.as_ref());
            match before.map(|before| before.cmp(&info.key)) {
                // While a recording runs, pages may overlap.
                Some(std::cmp::Ordering::Equal) => {}
                Some(std::cmp::Ordering::Greater) => {
                    return Err(SurveyError::Unsorted {
                        from: source.name().clone(),
                        before: before.map(ToString::to_string).unwrap_or_default(),
                        after: info.key.to_string(),
                    });
                }
                Some(std::cmp::Ordering::Less) | None => self.page.push_back(info),
            }
        }
        if let Some(last) = self.page.back() {
            self.last = Some(last.key.clone());
        }
        Ok(())
    }

    fn failed(&self, cause: Error) -> SurveyError {
        SurveyError::Source { from: self.source.name().clone(), cause }
    }
}

/// Whose an object is, by its key alone; `None` where it is no recording's.
fn belongs(key: &ObjectKey) -> Option<Belongs> {
    let text = key.as_str();
    let mut start = 0;
    for (slash, _) in text.match_indices('/') {
        // What lies in a folder of the recording's name is the recording's.
        if let Some((id, failover)) = agora_id(text.get(start..slash)?) {
            let folder = ObjectKey::parse(text.get(..slash)?).ok()?.folder();
            return Some(Belongs { folder, id, failover });
        }
        start = slash + 1;
    }
    let name = text.get(start..)?;
    let read = || {
        let name = FileName::parse(name, None)?;
        Some((name.recording, name.failover))
    };
    let (id, failover) = agora_id(name).or_else(read)?;
    // Agora makes no more, and nobody else looks for them.
    let known = failover.is_none_or(|number| number < FAILOVERS);
    known.then(|| Belongs { folder: key.folder(), id, failover })
}

/// The ID at the start of a name, where it is one of Agora's, and the number of the failover before it.
fn agora_id(name: &str) -> Option<(RecordingId, Option<u8>)> {
    let digits = |text: &str| {
        let (id, _) = text.split_once('_')?;
        let is_id = id.len() == ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| RecordingId::parse(id).ok()).flatten()
    };
    if let Some(id) = digits(name) {
        return Some((id, None));
    }
    let (number, rest) = name.strip_prefix("bak")?.split_once('_')?;
    let number = (0..FAILOVERS).find(|known| known.to_string() == number)?;
    Some((digits(rest)?, Some(number)))
}

/// Whether a group of files is a recording: by its ID, or as slices are among them. Names of other people's files
/// may follow the grammar too.
fn is_recording(group: &Group) -> bool {
    let by_id = group.id.as_str().len() == ID_DIGITS
        && group.id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit());
    by_id
        || group.objects.iter().any(|info| {
            FileName::parse(info.key.file_name().as_str(), Some(&group.id))
                .is_some_and(|name| matches!(name.role, Role::Slice { .. }))
        })
}
