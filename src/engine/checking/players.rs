//! What players without keys meet: at each playlist, and at the first segment of each track that is there.

use std::collections::BTreeSet;

use super::super::Context;
use super::super::located::Found;
use super::sightings::{Sightings, many};
use crate::domain::check::{Answer, PlayerAnswer, PlaylistSeen, Seen, Version};
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::place::{Denial, Obstacle};
use crate::domain::plan::name_in_archive;
use crate::source::{Extent, Player, PlayerReply};

/// Asks the recording's own store for a part of each of these objects, once, in the name of a page of `origin`.
/// Nothing comes of it where a store has no public URLs.
pub(super) async fn ask(
    context: &Context,
    found: &Found,
    lists: &[PlaylistSeen],
    sightings: &Sightings,
    origin: &str,
) -> Vec<PlayerAnswer> {
    let source = &*found.candidate.store.source;
    let player = Player::new(source.name(), origin, &context.options.http);
    let asked = objects(found, lists, sightings).into_iter().map(|(name, key)| {
        let player = player.as_ref();
        async move {
            let url = source.public_url(&key).await?;
            let _turn = context.turn().await;
            let reply = match player {
                Ok(player) => player.ask(key.as_str(), url).await.map_err(|error| error.obstacle),
                Err(error) => Err(error.obstacle.clone()),
            };
            Some(answer(name, reply, origin))
        }
    });
    many(context, asked.collect()).await.into_iter().flatten().collect()
}

/// The chosen playlists and the first segment of each track, where the recording's own store has them.
fn objects(found: &Found, lists: &[PlaylistSeen], sightings: &Sightings) -> Vec<(ObjectName, ObjectKey)> {
    let folder = &found.recording.folder;
    let key = |name: &ObjectName| {
        let all = sightings.objects.get(name)?;
        all.iter().find_map(|sighting| match &sighting.seen {
            Seen::There(info) if sighting.store == 0 && info.size != Some(0) => Some(info.key.clone()),
            Seen::There(_) | Seen::Absent | Seen::Refused(_) => None,
        })
    };
    let chosen = lists.iter().filter(|list| list.version == Version::Chosen);
    let names = chosen.map(|list| name_in_archive(&list.info.key, folder));
    let lists = names.filter_map(|name| key(&name).map(|key| (name, key)));
    let firsts = found.plan.tracks.iter().filter_map(|track| {
        track.segments.iter().find_map(|segment| Some((segment.name.clone(), key(&segment.name)?)))
    });
    let mut seen = BTreeSet::new();
    lists.chain(firsts).filter(|(name, _)| seen.insert(name.clone())).collect()
}

fn answer(name: ObjectName, reply: Result<PlayerReply, Obstacle>, origin: &str) -> PlayerAnswer {
    let origin = origin.to_owned();
    match reply {
        Ok(PlayerReply { extent, content_type, allows_origin }) => {
            let answer = match extent {
                Extent::Part => Answer::Part,
                Extent::Whole => Answer::Whole,
            };
            PlayerAnswer { name, answer, content_type, allows_origin, origin }
        }
        Err(obstacle) => {
            // Nobody was named, so nobody is who may not.
            let denied = matches!(obstacle, Obstacle::Denied(_));
            let obstacle = if denied { Obstacle::Denied(Denial::Anonymous) } else { obstacle };
            let answer = Answer::Refused(obstacle);
            PlayerAnswer { name, answer, content_type: None, allows_origin: None, origin }
        }
    }
}
