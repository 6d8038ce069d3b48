//! All time of each track is exactly one thing.

use proptest::prelude::*;

use super::kit::{Kit, SLICE_MS, START, named, slice};
use crate::domain::check::{Check, Presence};
use crate::domain::place::{Denial, Obstacle};

/// The stretches of the first track: from and until in milliseconds after the start.
fn stretches(check: &Check) -> Vec<(i64, i64, Presence)> {
    let pieces = check.tracks[0].stretches.iter();
    pieces
        .map(|piece| (piece.from.unix_ms() - START, piece.until.unix_ms() - START, piece.presence))
        .collect()
}

const THERE: Presence = Presence::Present;

#[test]
fn what_is_wrong_with_a_slice_is_wrong_with_its_time() {
    let lost = |kit: &mut Kit| {
        kit.lose(&slice(SLICE_MS));
    };
    let refused = |kit: &mut Kit| {
        let denied = Obstacle::Denied(Denial::NotAllowed);
        kit.refused.insert((0, slice(SLICE_MS)), denied);
    };
    let empty = |kit: &mut Kit| kit.alter(&slice(SLICE_MS), |info| info.size = Some(0));
    let frozen = |kit: &mut Kit| {
        kit.refused.insert((0, slice(SLICE_MS)), Obstacle::Frozen { class: None });
    };
    type Damage<'a> = &'a dyn Fn(&mut Kit);
    let table: [(Damage<'_>, Presence); 6] = [
        (&lost, Presence::Lost),
        (&|kit: &mut Kit| kit.move_away(&slice(SLICE_MS)), Presence::Elsewhere { store: 1 }),
        (&empty, Presence::Lost),
        (&refused, Presence::Unknown),
        (&frozen, Presence::Present),
        (&|_: &mut Kit| {}, Presence::Present),
    ];
    for (damage, presence) in table {
        let mut kit = Kit::mixed(3);
        damage(&mut kit);
        let check = kit.check();
        assert_eq!(check.tracks[0].segments[1].presence, presence);
        let expected = if presence == THERE {
            vec![(0, 45_000, THERE)]
        } else {
            vec![(0, 15_000, THERE), (15_000, 30_000, presence), (30_000, 45_000, THERE)]
        };
        assert_eq!(stretches(&check), expected);
    }
}

#[test]
fn who_refuses_leaves_open_what_others_do_not_have() {
    let mut kit = Kit::mixed(3);
    kit.lose(&slice(0));
    kit.fallback = Some(std::collections::BTreeMap::new());
    assert_eq!(kit.check().tracks[0].segments[0].presence, Presence::Lost);
    kit.refused.insert((1, slice(0)), Obstacle::Unreachable);
    let check = kit.check();
    assert_eq!(check.tracks[0].segments[0].presence, Presence::Unknown);
    assert_eq!(check.tracks[0].segments[0].obstacle, Some(Obstacle::Unreachable));
}

#[test]
fn a_hole_is_what_explains_it() {
    // One slice in the middle is in no list; then an announced break, then a slice of a few milliseconds' gap.
    let entries = |announced: bool| {
        let mark = if announced { "!" } else { "" };
        let mut kit = Kit::empty();
        let names = [slice(0), format!("{mark}{}", slice(30_000)), slice(45_004)];
        let entries: Vec<_> = names.iter().map(|name| (name.as_str(), SLICE_MS)).collect();
        kit.list("SID_room.m3u8", &entries);
        for ms in [0, 30_000, 45_004] {
            kit.put(&slice(ms), 940_000, 61_000);
        }
        kit
    };
    for (announced, presence) in [(false, Presence::Unlisted), (true, Presence::NeverRecorded)] {
        let expected = [(0, 15_000, THERE), (15_000, 30_000, presence), (30_000, 60_004, THERE)];
        assert_eq!(stretches(&entries(announced).check()), expected);
    }
}

#[test]
fn nobody_knows_what_is_behind_the_end_of_a_list_that_goes_on() {
    // The picture goes on for 15 s after the sound.
    let mut kit = Kit::individual(2);
    let video = "SID_room__uid_s_7__uid_e_video";
    kit.track(&format!("{video}.m3u8"), &format!("{video}_"), "ts", &[0, SLICE_MS, 2 * SLICE_MS]);
    let ended = [(0, 30_000, THERE), (30_000, 45_000, Presence::NeverRecorded)];
    assert_eq!(stretches(&kit.check()), ended);
    let audio = named("SID_room__uid_s_7__uid_e_audio.m3u8");
    let text = kit.texts.get_mut(&audio).unwrap();
    *text = text.replace("#EXT-X-ENDLIST\n", "");
    let open = [(0, 30_000, THERE), (30_000, 45_000, Presence::Unknown)];
    assert_eq!(stretches(&kit.check()), open);
}

#[test]
fn what_a_cut_list_may_have_listed_is_there_and_before_it_nothing_was_recorded() {
    // The picture starts 15 s before the sound, whose list breaks off in its second name.
    let mut kit = Kit::empty();
    for (kind, starts) in
        [("audio", vec![15_000, 30_000, 45_000]), ("video", vec![0, 15_000, 30_000, 45_000])]
    {
        let stem = format!("SID_room__uid_s_7__uid_e_{kind}");
        kit.track(&format!("{stem}.m3u8"), &format!("{stem}_"), "ts", &starts);
    }
    let text = kit.texts.get_mut(&named("SID_room__uid_s_7__uid_e_audio.m3u8")).unwrap();
    let second = text.match_indices("EXTINF").nth(1).unwrap().0;
    text.truncate(second + 70);
    let check = kit.check();
    let expected =
        [(0, 15_000, Presence::NeverRecorded), (15_000, 45_000, THERE), (45_000, 60_000, Presence::Unknown)];
    assert_eq!(stretches(&check), expected);
    let rules: Vec<_> = check.diagnoses.iter().map(|diagnosis| diagnosis.rule.code()).collect();
    assert_eq!(rules, ["RF304"]);
}

proptest! {
    /// Slices at random places, of random lengths, listed or not, there or not.
    #[test]
    fn every_millisecond_is_exactly_one_thing(
        slices in prop::collection::vec((0..200_000_i64, 0..40_000_i64, 0..5_u8, any::<bool>()), 1..30),
        ended in any::<bool>(),
    ) {
        let mut kit = Kit::empty();
        let mut slices = slices;
        slices.sort();
        slices.dedup_by_key(|(starts, ..)| *starts);
        let mut entries = Vec::new();
        for (starts, ms, fate, announced) in &slices {
            let name = slice(*starts);
            kit.put(&name, 940_000, 300_000);
            match fate {
                0 => {}
                1 => {
                    kit.lose(&name);
                }
                2 => kit.move_away(&name),
                3 => {
                    kit.refused.insert((0, name.clone()), Obstacle::Unreachable);
                }
                _ => {}
            }
            if *fate != 4 {
                let mark = if *announced { "!" } else { "" };
                entries.push((format!("{mark}{name}"), *ms));
            }
        }
        let entries: Vec<_> = entries.iter().map(|(name, ms)| (name.as_str(), *ms)).collect();
        kit.list("SID_room.m3u8", &entries);
        if !ended {
            let text = kit.texts.get_mut(&named("SID_room.m3u8")).unwrap();
            *text = text.replace("#EXT-X-ENDLIST\n", "");
        }
        let check = kit.check();
        for track in &check.tracks {
            let (Some(first), Some(last)) = (check.first, check.last) else {
                prop_assert!(track.stretches.is_empty());
                continue;
            };
            let mut at = first;
            for piece in &track.stretches {
                prop_assert_eq!(piece.from, at);
                prop_assert!(piece.until > piece.from);
                at = piece.until;
            }
            prop_assert_eq!(at, last);
            // Each listed slice has its own presence or a better one, for as long as it plays.
            for segment in &track.segments {
                let (Some(starts), Some(ends)) = (segment.starts, segment.ends) else { continue };
                // One of no length plays nowhere.
                if starts == ends {
                    continue;
                }
                let worse = track.stretches.iter().filter(|piece| piece.from < ends && piece.until > starts);
                for piece in worse {
                    let good = match segment.presence {
                        Presence::Present => matches!(piece.presence, Presence::Present),
                        Presence::Elsewhere { .. } => {
                            matches!(piece.presence, Presence::Present | Presence::Elsewhere { .. })
                        }
                        Presence::Lost | Presence::Unlisted | Presence::NeverRecorded | Presence::Unknown => {
                            !matches!(piece.presence, Presence::Unlisted | Presence::NeverRecorded)
                        }
                    };
                    prop_assert!(good, "{:?} in {:?}", segment, piece);
                }
            }
        }
    }
}
