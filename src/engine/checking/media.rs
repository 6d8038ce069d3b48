//! Reading media for a check: every byte or the first of each object, looked at and let go.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::super::examining::{Examination, Look};
use super::super::object::{self, Fetched, Job, Place};
use super::super::run::at_url;
use super::super::sink::Sink;
use super::super::{Candidate, Context};
use crate::domain::check::{Depth, MediaSeen, Seen, Sighting};
use crate::domain::digest::Algorithm;
use crate::domain::finding::Finding;
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Obstacle, SourceName};
use crate::domain::plan::{Item, ItemPlace, Plan};
use crate::domain::report::Origin;
use crate::domain::verdict::{
    Content, Corruption, Evidence, Framing, Observation, Structure, Verdict, judge_prefix,
};
use crate::event::Event;
use crate::source::{Error, Read, Source};

/// What is read of an object where its start is enough.
const PREFIX: u64 = 64 << 10;

/// Reads the media of a recording as deep as is asked for, from the recording's own store, or else from the
/// fallbacks that were seen to have it. As many objects at once as a fetch reads, and nothing is kept of them.
///
/// What no store was seen to have is left out, and so is what a stop kept from being read.
pub(super) async fn look_at_media(
    context: &Arc<Context>,
    candidate: &Candidate,
    plan: &Plan,
    objects: &BTreeMap<ObjectName, Vec<Sighting>>,
    depth: Depth,
) -> BTreeMap<ObjectName, MediaSeen> {
    let mut seen = BTreeMap::new();
    if depth == Depth::Listed {
        return seen;
    }
    let sources: HashMap<usize, &Arc<dyn Source>> = std::iter::once(&candidate.store.source)
        .chain(candidate.fallbacks.iter().map(|fallback| &fallback.source))
        .enumerate()
        .collect();
    let looks = plan.items.iter().filter(|item| item.expected.content.format().is_some());
    let looks: Vec<_> = looks
        .filter_map(|item| {
            let sightings = objects.get(&item.name).map_or(&[][..], Vec::as_slice);
            let places = places(context, &sources, item, sightings);
            (!places.is_empty()).then(|| Glance { item: item.clone(), places, depth })
        })
        .collect();
    let bytes = looks.iter().map(Glance::bytes).sum();
    context.tell(&Event::Planned { keep: 0, fetch: looks.len(), bytes });
    let mut queue = looks.into_iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < context.width() && !context.cancel.is_cancelled() {
            let Some(look) = queue.next() else { break };
            let context = context.clone();
            running.spawn(async move {
                tokio::select! {
                    biased;
                    () = context.cancel.cancelled() => None,
                    seen = look.take(&context) => Some((look.item.name.clone(), seen)),
                }
            });
        }
        // Dropping the set on the way out stops the rest.
        let Some(ended) = running.join_next().await else { return seen };
        context.object_done();
        // A task that ended by itself has told nothing.
        if let Ok(Some((name, media))) = ended {
            seen.insert(name, media);
        }
    }
}

/// The places that were seen to have an object, in order, each with what it said.
fn places(
    context: &Context,
    sources: &HashMap<usize, &Arc<dyn Source>>,
    item: &Item,
    sightings: &[Sighting],
) -> Vec<Seat> {
    match &item.place {
        ItemPlace::Refused => Vec::new(),
        ItemPlace::Url(url) => {
            let place = at_url(context, url).into_iter();
            place.map(|place| Seat { place, info: item.listed.clone() }).collect()
        }
        ItemPlace::Key(_) => {
            let there = sightings.iter().filter_map(|sighting| match &sighting.seen {
                Seen::There(info) => Some((sources.get(&sighting.store)?, info)),
                Seen::Absent | Seen::Refused(_) => None,
            });
            there
                .map(|(source, info)| Seat {
                    place: Place { source: (*source).clone(), keys: vec![info.key.clone()] },
                    info: Some(info.clone()),
                })
                .collect()
        }
    }
}

/// A place with what it said about the object.
struct Seat {
    place: Place,
    info: Option<ObjectInfo>,
}

/// One object that is to be read.
struct Glance {
    item: Item,
    /// At least one.
    places: Vec<Seat>,
    depth: Depth,
}

impl Glance {
    fn size(&self) -> Option<u64> {
        let listed = self.places.iter().find_map(|seat| seat.info.as_ref()?.size);
        listed.or(self.item.expected.size)
    }

    /// What will be read, as far as is known.
    fn bytes(&self) -> u64 {
        let size = self.size();
        match self.depth {
            Depth::First => size.unwrap_or(PREFIX).min(PREFIX),
            Depth::Whole | Depth::Listed => size.unwrap_or(0),
        }
    }

    /// Reads it where it is served first. Of places that do not serve, the first one's reason is told.
    async fn take(&self, context: &Context) -> MediaSeen {
        let mut refused = None;
        for (n, seat) in self.places.iter().enumerate() {
            // What is short is read whole: then all can be told.
            let whole = self.depth == Depth::Whole || self.size().is_some_and(|size| size <= PREFIX);
            let seen =
                if whole { self.whole(context, n, seat).await } else { self.prefix(context, seat).await };
            if seen.unread.is_none() {
                return seen;
            }
            refused.get_or_insert(seen);
        }
        refused.unwrap_or_else(|| unread(SourceName::new("nowhere"), Obstacle::Absent))
    }

    async fn whole(&self, context: &Context, n: usize, seat: &Seat) -> MediaSeen {
        let from = seat.place.source.name().clone();
        let listed = seat.info.clone().or_else(|| self.item.listed.clone());
        let job = self.job(vec![seat.place.clone()], listed);
        let fetched = read(context, &job).await;
        let changed = Finding::ChangedSinceListing { name: self.item.name.clone() };
        let changed = fetched.findings.contains(&changed);
        let seen = match fetched.verdict {
            Verdict::Verified { evidence } => {
                let vouched_for = matches!(evidence, Evidence::StoreDigest { .. }) && !changed;
                let Some(proven) = fetched.bytes else { return unread(from, Obstacle::Unexpected) };
                MediaSeen { evidence: Some(evidence), vouched_for, ..all(from, proven.seen) }
            }
            Verdict::Corrupt { what, .. } => {
                let nothing = Observation {
                    size: 0,
                    framing: Framing::Length,
                    digests: Vec::new(),
                    structure: Structure::NotExamined,
                };
                let observed = fetched.rejected.map_or(nothing, |observed| *observed);
                let whole_in = if self.places.len() > n + 1 { self.elsewhere(context).await } else { None };
                MediaSeen { wrong: Some(what), whole_in, ..all(from, observed) }
            }
            Verdict::Absent { .. } | Verdict::NotRequested | Verdict::Interrupted => {
                unread(from, Obstacle::Absent)
            }
            Verdict::Denied { why, .. } => unread(from, Obstacle::Denied(why)),
            Verdict::Frozen { class, .. } => unread(from, Obstacle::Frozen { class }),
            Verdict::Unreachable { last, .. } => unread(from, last),
        };
        self.tell(context, &seen);
        seen
    }

    /// The place from which a fetch would take the object, where it would get it whole.
    async fn elsewhere(&self, context: &Context) -> Option<SourceName> {
        let places = self.places.iter().map(|seat| seat.place.clone()).collect();
        let job = self.job(places, self.item.listed.clone());
        read(context, &job).await.bytes.map(|proven| proven.from)
    }

    async fn prefix(&self, context: &Context, seat: &Seat) -> MediaSeen {
        let (source, from) = (&*seat.place.source, seat.place.source.name().clone());
        let content = self.item.expected.content;
        let mut last = Obstacle::Absent;
        for key in &seat.place.keys {
            let size = Some(self.bytes());
            context.tell(&Event::Started { name: &self.item.name, from: &from, size });
            let start = context.patiently(source, || start(context, source, key, &self.item.name, content));
            match start.await {
                Ok((structure, bytes, info)) => {
                    let wrong = match bytes {
                        0 => Some(Corruption::Empty),
                        _ => judge_prefix(content, &structure).err(),
                    };
                    let listed = seat.info.as_ref().is_some_and(|info| !info.digests.is_empty());
                    let seen = MediaSeen {
                        wrong,
                        vouched_for: listed || !info.digests.is_empty(),
                        ..of(from, structure, Depth::First)
                    };
                    self.tell(context, &seen);
                    return seen;
                }
                Err(error) => last = error.obstacle,
            }
        }
        let seen = unread(from, last);
        self.tell(context, &seen);
        seen
    }

    fn job(&self, places: Vec<Place>, listed: Option<ObjectInfo>) -> Job {
        let (name, expected) = (self.item.name.clone(), self.item.expected.clone());
        Job { name, expected, listed, places, look: Look::Closer, also: &[], pinned: None }
    }

    fn tell(&self, context: &Context, seen: &MediaSeen) {
        let from = seen.from.clone();
        let verdict = match (&seen.unread, &seen.wrong) {
            (Some(obstacle), _) => object::refusal(&from, obstacle.clone()),
            (None, Some(what)) => Verdict::Corrupt { from, what: what.clone() },
            (None, None) => {
                Verdict::Verified { evidence: seen.evidence.clone().unwrap_or(Evidence::LengthOnly) }
            }
        };
        let (name, size) = (&self.item.name, Some(self.bytes()));
        let origin = Origin::Nowhere;
        context.tell(&Event::Judged { name, verdict: &verdict, size, from: Some(&seen.from), origin });
    }
}

/// Reads an object and keeps nothing of it.
async fn read(context: &Context, job: &Job) -> Fetched {
    match object::fetch(context, job, Sink::memory(0)).await {
        Ok(fetched) => fetched,
        Err(_) => unreachable!("memory is no disk"),
    }
}

/// The first bytes of an object: what they look like, how many came, and what the answer said about it.
async fn start(
    context: &Context,
    source: &dyn Source,
    key: &ObjectKey,
    name: &ObjectName,
    content: Content,
) -> Result<(Structure, u64, ObjectInfo), Error> {
    let mut opened = source.open(key, Read { from: 0, until: Some(PREFIX), if_match: None }).await?;
    let mut examination = Examination::looking(content, Look::Closer);
    let mut left = usize::try_from(PREFIX).unwrap_or(usize::MAX);
    // Some servers send more than they are asked for.
    while left > 0
        && let Some(chunk) = opened.body.next().await
    {
        let chunk = chunk?;
        let part = &chunk[..chunk.len().min(left)];
        context.budget.rate.pass(part.len()).await;
        examination.push(part);
        left -= part.len();
        context.received(name, part.len() as u64);
    }
    Ok((examination.finish_prefix(), PREFIX - left as u64, opened.info))
}

fn unread(from: SourceName, obstacle: Obstacle) -> MediaSeen {
    MediaSeen { unread: Some(obstacle), ..MediaSeen::new(from, Structure::NotExamined, Depth::Listed) }
}

/// What all bytes tell.
fn all(from: SourceName, observed: Observation) -> MediaSeen {
    let sha256 = observed.digests.iter().find(|digest| digest.algorithm() == Algorithm::Sha256);
    let sha256 = sha256.and_then(|digest| digest.bytes().try_into().ok());
    let (frames, silent) = match &observed.structure {
        Structure::TransportStream(facts) => {
            let closer = facts.closer.as_ref();
            (closer.and_then(|closer| closer.pictures), closer.and_then(|closer| closer.silent))
        }
        Structure::WebM(facts) => (facts.pictures, None),
        Structure::Mp4(_)
        | Structure::Sound(_)
        | Structure::Jpeg(_)
        | Structure::Page(_)
        | Structure::NotExamined => (None, None),
    };
    MediaSeen { sha256, frames, silent, ..of(from, observed.structure, Depth::Whole) }
}

/// What the structure tells however much of it was read.
fn of(from: SourceName, structure: Structure, read: Depth) -> MediaSeen {
    let starts_with_key_frame = match &structure {
        Structure::TransportStream(facts) => {
            facts.closer.as_ref().and_then(|closer| match (closer.key_first, closer.parameters_first) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (key, Some(true)) => key,
                (_, None) => None,
            })
        }
        Structure::WebM(facts) => facts.keyframe_first,
        Structure::Mp4(_)
        | Structure::Sound(_)
        | Structure::Jpeg(_)
        | Structure::Page(_)
        | Structure::NotExamined => None,
    };
    MediaSeen { starts_with_key_frame, ..MediaSeen::new(from, structure, read) }
}
