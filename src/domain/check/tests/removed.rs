//! Whatever set of slices is taken away, exactly that set is named; and no recording is too large.

use std::collections::BTreeSet;
use std::time::Instant;

use proptest::prelude::*;

use super::kit::{Kit, SLICE_BYTES, SLICE_MS, named, slice, time};
use crate::domain::check::{Check, Happened, Rule, Sending, Standing, ToldEvent};
use crate::domain::recording::TrackKind;

const LIST: &str = "SID_room.m3u8";

fn objects(check: &Check, rule: Rule) -> BTreeSet<String> {
    let found = check.diagnoses.iter().filter(|diagnosis| diagnosis.rule == rule);
    found.filter_map(|diagnosis| diagnosis.about.object.clone()).collect()
}

fn holes(check: &Check) -> Vec<(i64, i64)> {
    let found = check.diagnoses.iter().filter(|diagnosis| diagnosis.rule == Rule::UnlistedGap);
    let ms = |at: Option<crate::domain::time::SliceTime>| at.unwrap().ms_since(time(0));
    found.map(|diagnosis| (ms(diagnosis.about.from), ms(diagnosis.about.until))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn slices_that_are_gone_from_the_store_are_named(
        slices in 2..40_i64,
        gone in prop::collection::btree_set(0..40_i64, 0..40),
        elsewhere in prop::collection::btree_set(0..40_i64, 0..10),
    ) {
        let mut kit = Kit::mixed(slices);
        let gone: BTreeSet<_> = gone.into_iter().filter(|n| *n < slices).collect();
        let moved: BTreeSet<_> = elsewhere.into_iter().filter(|n| *n < slices && !gone.contains(n)).collect();
        kit.fallback = Some([].into());
        for number in &gone {
            kit.lose(&slice(number * SLICE_MS));
        }
        for number in &moved {
            kit.move_away(&slice(number * SLICE_MS));
        }
        let check = kit.check();
        let names = |set: &BTreeSet<i64>| set.iter().map(|n| slice(n * SLICE_MS)).collect::<BTreeSet<_>>();
        prop_assert_eq!(objects(&check, Rule::SegmentAbsent), names(&gone));
        prop_assert_eq!(objects(&check, Rule::SegmentElsewhere), names(&moved));
        prop_assert_eq!(check.diagnoses.len(), gone.len() + moved.len());
        let standing = match (gone.is_empty(), moved.is_empty()) {
            (false, _) => Standing::Incomplete,
            (true, false) => Standing::Elsewhere,
            (true, true) => Standing::NothingMissing,
        };
        prop_assert_eq!(check.standing(), standing);
        let totals = check.totals();
        let ms = |count: usize| u64::try_from(count).unwrap() * 15_000;
        prop_assert_eq!((totals.lost, totals.elsewhere), (gone.len(), moved.len()));
        prop_assert_eq!((totals.lost_ms, totals.elsewhere_ms), (ms(gone.len()), ms(moved.len())));
    }

    #[test]
    fn slices_that_are_gone_from_list_and_store_leave_exactly_their_holes(
        slices in 3..40_i64,
        gone in prop::collection::btree_set(1..39_i64, 0..40),
    ) {
        let mut kit = Kit::mixed(slices);
        // Of the first and the last one nobody would know.
        let gone: Vec<_> = gone.into_iter().filter(|n| *n < slices - 1).collect();
        let mut expected: Vec<(i64, i64)> = Vec::new();
        for number in gone {
            kit.unlist(LIST, &slice(number * SLICE_MS));
            kit.lose(&slice(number * SLICE_MS));
            let hole = (number * SLICE_MS, (number + 1) * SLICE_MS);
            match expected.last_mut() {
                Some(last) if last.1 == hole.0 => last.1 = hole.1,
                _ => expected.push(hole),
            }
        }
        let check = kit.check();
        prop_assert_eq!(&holes(&check), &expected);
        prop_assert_eq!(check.diagnoses.len(), expected.len());
        let missing: i64 = expected.iter().map(|(from, until)| until - from).sum();
        prop_assert_eq!(check.totals().unlisted_ms, u64::try_from(missing).unwrap());
        prop_assert_eq!(check.totals().present_ms, u64::try_from(slices * SLICE_MS - missing).unwrap());
    }
}

/// Seconds that a check takes, without what it takes to make the recording.
fn seconds(kit: &Kit) -> (f64, Check) {
    let made = kit.made();
    let gathered = made.gathered();
    let start = Instant::now();
    let check = crate::domain::check::check(&gathered);
    (start.elapsed().as_secs_f64(), check)
}

#[test]
fn a_hundred_thousand_segments_with_everything_wrong_take_no_longer_each_than_a_few() {
    let hostile = |slices: i64| {
        let mut kit = Kit::empty();
        let names: Vec<_> = (0..slices).map(|n| (n, slice(n * 1_000))).collect();
        // All overlap, some are lost, some elsewhere, some orphans, and all streams come and go.
        let entries = names.iter().filter(|(n, _)| n % 5 != 0);
        let entries: Vec<_> = entries.map(|(n, name)| (name.as_str(), 500 + n % 7 * 100_000)).collect();
        kit.list(LIST, &entries);
        for (n, name) in &names {
            match n % 4 {
                0 => {}
                1 => {
                    kit.fallback.get_or_insert_default();
                    kit.put(name, 0, 0);
                }
                _ => kit.put(name, SLICE_BYTES + 1, *n),
            }
        }
        let events = names.iter().map(|(n, _)| ToldEvent {
            at: None,
            recorder: None,
            what: match n % 2 {
                0 => Happened::SliceStarted {
                    starts: time(n * 1_000 + 500),
                    lost_from: Some(time(n * 1_000 - 700)),
                    uid: None,
                    kind: None,
                },
                _ => Happened::StreamChanged {
                    uid: None,
                    kind: TrackKind::Audio,
                    sending: if n % 4 == 1 { Sending::Yes } else { Sending::No },
                    at: time(n * 1_000),
                },
            },
        });
        kit.told.events = events.collect();
        kit.told.files = names.iter().map(|(_, name)| super::kit::name(name)).collect();
        kit.told.missing = kit.told.files.clone();
        let text = kit.texts[&named(LIST)].clone();
        kit.text("SID_room_1_1.m3u8", &text.replace("20190920", "20190921"));
        seconds(&kit)
    };
    let (few, _) = hostile(10_000);
    let (many, check) = hostile(100_000);
    assert!(check.diagnoses.len() > 100_000);
    // Quadratic would be a hundred times as long.
    assert!(many < few * 50.0 + 1.0, "{few} {many}");
}
