//! What bringing a recording to another store would cost in objects, bytes and requests, before anything is sent.

use super::located::Found;
use super::mirror::{LINES, MirrorLayout, MirrorTarget};
use crate::archive::{Packing, TarPlan};
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::plan::ItemPlace;

/// Tag files beside the objects: declaration, facts, two manifests, report, its page, a playlist for players, and
/// the mark.
const TAG_FILES: u64 = 8;

/// What bringing a recording to another store would cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Objects of the recording.
    pub objects: u64,
    /// Their bytes, as far as they are known.
    pub bytes: u64,
    /// Objects whose length nobody tells; they are counted as empty.
    pub unknown: u64,
    /// For each form in which it can lie there.
    pub layouts: Vec<LayoutEstimate>,
}

/// The same in one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutEstimate {
    /// The form.
    pub layout: MirrorLayout,
    /// What goes into the class that is asked for.
    pub in_class: Requests,
    /// What lies beside it, in the class of the bucket. How long the manifests and the report are is known only when
    /// they are written.
    pub beside: Requests,
    /// Requests that list keys, or uploads that died.
    pub lists: u64,
    /// Requests that remove: the old mark, and journals that nobody needs any more.
    pub removals: u64,
    /// Requests that read: the mark, to see whether it is there already.
    pub reads: u64,
}

/// Objects and the requests that make them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Requests that store an object whole.
    pub puts: u64,
    /// Parts of larger ones.
    pub parts: u64,
    /// Requests that begin and complete uploads in parts.
    pub uploads: u64,
}

impl Requests {
    /// All of them: stores count each as a write.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.puts + self.parts + self.uploads
    }

    fn add(&mut self, size: u64, part: u64) {
        self.objects += 1;
        self.bytes += size;
        if size < part {
            self.puts += 1;
        } else {
            self.parts += size.div_ceil(part);
            self.uploads += 2;
        }
    }
}

/// Estimates for both forms what a first run sends. A rerun sends what is missing.
#[must_use]
pub fn estimate(found: &Found, target: &MirrorTarget) -> Estimate {
    let requested = found.plan.items.iter().filter(|item| item.place != ItemPlace::Refused);
    let items = requested.map(|item| (item.name.as_str().to_owned(), item.expected.size));
    let lists =
        found.playlists.iter().map(|list| (list.info.key.file_name().as_str().to_owned(), list.info.size));
    let all: Vec<_> = items.chain(lists).collect();
    let size = |size: &Option<u64>| size.unwrap_or_default();
    let objects = all.len() as u64;
    let bytes = all.iter().map(|(_, known)| size(known)).sum();

    let mut each = Requests::default();
    for (_, known) in &all {
        each.add(size(known), target.part_bytes(size(known)));
    }
    let journals = objects / LINES as u64 + 1;
    let mut beside = Requests::default();
    (0..TAG_FILES + journals).for_each(|_| beside.add(0, u64::MAX));
    // The journal that stays is one of them.
    beside.objects -= journals - 1;
    let by_object = LayoutEstimate {
        layout: MirrorLayout::Objects,
        in_class: each,
        beside,
        lists: 2,
        removals: journals,
        reads: 1,
    };

    let mut packed = Requests::default();
    let folder = found.recording.id.as_str();
    if let Some(sha256) = Digest::new(Algorithm::Sha256, [0; 32]) {
        let files = all.into_iter().map(|(name, known)| Packing {
            path: format!("data/{name}"),
            size: known.unwrap_or_default(),
            sha256: sha256.clone(),
        });
        let tar = TarPlan::new(folder, files, 0).size;
        packed.add(tar, target.part_bytes(tar));
    }
    let mut beside = Requests::default();
    // With the index.
    (0..=TAG_FILES).for_each(|_| beside.add(0, u64::MAX));
    let by_tar = LayoutEstimate {
        layout: MirrorLayout::Tar,
        in_class: packed,
        beside,
        lists: 2,
        removals: 1,
        reads: 1,
    };
    let unknown = found.plan.items.iter().filter(|item| item.expected.size.is_none()).count()
        + found.playlists.iter().filter(|list| list.info.size.is_none()).count();
    Estimate { objects, bytes, unknown: unknown as u64, layouts: vec![by_object, by_tar] }
}
