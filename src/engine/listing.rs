//! Listing what a store has of one recording.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{FuturesOrdered, StreamExt as _};

use super::{Context, Store};
use crate::domain::finding::Finding;
use crate::domain::key::ObjectKey;
use crate::domain::locate::{self, Recording};
use crate::domain::object::ObjectInfo;
use crate::domain::place::Obstacle;
use crate::domain::recording::RecordingId;
use crate::event::Event;
use crate::source::{Error, Operation, PageToken, Source};

/// What of a store its listing shows: whether an object that was not listed is sure not to be there.
#[derive(Debug, Clone)]
pub(super) enum Coverage {
    /// Nothing: it cannot list.
    ByName,
    /// Nothing: it did not let itself be listed.
    Refused(Obstacle),
    /// All keys that start so.
    Starts {
        /// The starts. The empty one stands for the whole bucket, of which only what bears the recording's name
        /// was kept.
        prefixes: Vec<String>,
        /// How many objects of the recording were listed.
        objects: usize,
    },
}

impl Coverage {
    /// Whether the listing would have shown an object of the recording at this key.
    pub(super) fn shows(&self, key: &ObjectKey, recording: &Recording) -> bool {
        // Of a recording that lies in several folders, one is looked at.
        let kept =
            || key.folder() == recording.folder && locate::is_ours(key.file_name().as_str(), &recording.id);
        match self {
            Self::ByName | Self::Refused(_) => false,
            Self::Starts { prefixes, .. } => prefixes
                .iter()
                .any(|prefix| key.as_str().starts_with(prefix.as_str()) && (!prefix.is_empty() || kept())),
        }
    }
}

/// What came of listing one prefix.
enum Listed {
    /// Everything below it.
    All(Vec<ObjectInfo>, Vec<Finding>),
    /// The key may not list it.
    Denied,
}

/// Lists the objects of a recording below all prefixes at once, and says what the listing shows. The first prefix
/// has to be listed. Keys may be bound to a prefix: that another one is denied is a finding.
pub(super) async fn list(
    context: &Context,
    store: &Store,
    id: &RecordingId,
    prefixes: &[String],
    findings: &mut Vec<Finding>,
) -> Result<(Vec<ObjectInfo>, Coverage), Error> {
    let so_far = AtomicUsize::new(0);
    // The whole bucket may be listed.
    let kept = if prefixes.len() > 1 { Kept::All } else { Kept::Ours };
    let pages = prefixes.iter().enumerate().map(|(number, prefix)| {
        let below = below(context, store, id, prefix, kept, &so_far);
        async move {
            match below.await {
                // What cannot be seen of failovers is no reason to fetch nothing.
                Err(error) if number > 0 && matches!(error.obstacle, Obstacle::Denied(_)) => {
                    Ok(Listed::Denied)
                }
                listed => listed.map(|(objects, findings)| Listed::All(objects, findings)),
            }
        }
    });
    let mut pages: FuturesOrdered<_> = pages.collect();
    let (mut objects, mut shown) = (Vec::new(), Vec::new());
    let mut denied = false;
    for prefix in prefixes {
        match pages.next().await.transpose()? {
            Some(Listed::All(more, found)) => {
                objects.extend(more);
                findings.extend(found);
                shown.push(prefix.clone());
            }
            Some(Listed::Denied) | None => denied = true,
        }
    }
    let finding = Finding::ListDenied { from: store.source.name().clone() };
    if denied && !findings.contains(&finding) {
        findings.push(finding);
    }
    let coverage = Coverage::Starts { prefixes: shown, objects: objects.len() };
    Ok((objects, coverage))
}

/// What is kept of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// Everything: the prefix is the recording's.
    All,
    /// What bears the recording's name.
    Ours,
}

/// Everything below one prefix, page by page. `so_far` counts what was listed below all of them.
async fn below(
    context: &Context,
    store: &Store,
    id: &RecordingId,
    prefix: &str,
    kept: Kept,
    so_far: &AtomicUsize,
) -> Result<(Vec<ObjectInfo>, Vec<Finding>), Error> {
    let source = &*store.source;
    let (mut objects, mut findings) = (Vec::new(), Vec::new());
    let mut after = None;
    loop {
        let page = context.patiently(source, || source.list(prefix, after.as_ref())).await?;
        let unsafe_keys = page.unsafe_keys.into_iter().filter(|(text, _)| text.contains(id.as_str()));
        findings.extend(unsafe_keys.map(|(text, why)| Finding::UnsafeKey { text, why }));
        let ours =
            |info: &ObjectInfo| kept == Kept::All || locate::is_ours(info.key.file_name().as_str(), id);
        let before = objects.len();
        objects.extend(page.objects.into_iter().filter(ours));
        let new = objects.len() - before;
        let listed = so_far.fetch_add(new, Ordering::Relaxed) + new;
        context.tell(&Event::Searched { recording: id, from: source.name(), listed });
        after = next_page(source, prefix, after, page.next)?;
        if after.is_none() {
            return Ok((objects, findings));
        }
    }
}

/// Where the listing goes on; `None` at its end.
///
/// # Errors
/// Where a store gives the same page again: it would be listed for ever.
pub(super) fn next_page(
    source: &dyn Source,
    prefix: &str,
    after: Option<PageToken>,
    next: Option<PageToken>,
) -> Result<Option<PageToken>, Error> {
    if next.is_some() && next == after {
        let error = Error::new(Obstacle::Unexpected, Operation::List, source.name(), prefix);
        return Err(error.with_answer("the listing does not go on"));
    }
    Ok(next)
}
