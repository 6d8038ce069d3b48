//! Many recordings with many faults at once, against a model of what must come of each segment.

use std::sync::Arc;

use recfetch::domain::report::Outcome;
use recfetch::engine::{Store, Target};
use recfetch_test_support::{Fault, Script};

use crate::kit::*;

const SEGMENTS: usize = 5;
/// For each kind of place.
const CASES: u64 = 40;

/// Numbers that look like chance and are the same each time (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % n
    }
}

/// What a place does about a segment in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Serves {
    /// It comes, sooner or later.
    Well,
    /// It does not, and the next place may be asked.
    Not,
    /// It is refused, and nobody else is asked.
    Refuses,
}

/// A script and what it comes to, by the rules of the documents and nothing of the engine's.
fn script(chance: &mut Chance, other: &str) -> (Script, Serves) {
    let at = chance.below(70_000);
    // Up to three troubles that pass; four tries in a row may bring nothing.
    let passing = |chance: &mut Chance| match chance.below(8) {
        0 => Script::once(Fault::Status(500, None, String::new())),
        1 => Script::once(Fault::SlowDown),
        2 => Script::once(Fault::Cut(at)),
        3 => Script::once(Fault::Reset(at)),
        4 => Script::once(Fault::HeaderGarbage),
        5 => Script::once(Fault::Cut(at)).then(Script::once(Fault::IgnoreRange)),
        6 => Script::once(Fault::Cut(at)).then(Script::once(Fault::WrongRange)),
        _ => Script::once(Fault::Delay(5)),
    };
    match chance.below(12) {
        0..=3 => (Script::default(), Serves::Well),
        4 | 5 => {
            let first = passing(chance);
            (first.then(passing(chance)), Serves::Well)
        }
        // A body that is wrong once.
        6 => {
            let fault = match chance.below(5) {
                0 => Fault::Html,
                1 => Fault::Empty,
                2 => Fault::Flip(at / 188 * 188),
                3 => Fault::Short(at),
                _ => Fault::Xml,
            };
            (Script::once(fault), Serves::Well)
        }
        7 => (Script::always(Fault::NotFound), Serves::Not),
        8 => {
            let fault = match chance.below(7) {
                0 => Fault::Html,
                1 => Fault::Empty,
                2 => Fault::Flip(at / 188 * 188),
                3 => Fault::Short(at.min(30_000)),
                4 => Fault::Xml,
                5 => Fault::SwapBytes(segment(9)),
                _ => Fault::Swap(other.to_owned()),
            };
            (Script::always(fault), Serves::Not)
        }
        9 => {
            let fault = match chance.below(4) {
                0 => Fault::Status(500, None, String::new()),
                1 => Fault::Cut(0),
                2 => Fault::SlowDown,
                _ => Fault::HeaderGarbage,
            };
            (Script::always(fault), Serves::Not)
        }
        10 => (Script::always(Fault::Slow { bytes_per_sec: 400_000 }), Serves::Well),
        _ => {
            let fault = if chance.below(2) == 0 { Fault::Denied } else { Fault::Archived };
            (Script::always(fault), Serves::Refuses)
        }
    }
}

struct Places {
    kind: Kind,
    stage: Stage,
    backup: Stage,
    stores: (Store, Store),
}

async fn case(places: Arc<Places>, number: u64) {
    let mut chance = Chance(number.wrapping_mul(7919) + places.kind as u64);
    let mut plan = plan(SEGMENTS);
    plan.sid = format!("{number:032x}");
    let names = plan.slice_names();
    put(&places.stage.objects, places.kind, FOLDER, plan.files(&segments(SEGMENTS)));
    put(&places.backup.objects, Kind::Web, FOLDER, plan.files(&segments(SEGMENTS)));
    let mut expected = Vec::new();
    // One that is always good: a clock by which the swapped ones are told.
    let swapped_ok = [0, SEGMENTS - 1, 2];
    for (n, name) in names.iter().enumerate() {
        let other = format!("{FOLDER}{}", names[(n + 2) % SEGMENTS]);
        let ((first, at_first), (second, at_second)) = if swapped_ok.contains(&n) {
            ((Script::default(), Serves::Well), (Script::default(), Serves::Well))
        } else {
            (script(&mut chance, &other), script(&mut chance, &other))
        };
        places.stage.faults.on(name, first);
        places.backup.faults.on(name, second);
        expected.push(match (at_first, at_second) {
            (Serves::Well, _) | (Serves::Not, Serves::Well) => true,
            (Serves::Refuses, _) | (Serves::Not, Serves::Not | Serves::Refuses) => false,
        });
    }
    let mut run = Run::sid(places.stores.0.clone()).with_fallback(places.stores.1.clone());
    run.target = Target::parse(&plan.sid).unwrap();
    let run = run.key_if_web(places.kind, &plan);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    let outcome = check(&fetched, &originals(&plan));
    for (name, expected) in names.iter().zip(&expected) {
        let object = object(&fetched, name);
        assert_eq!(
            object.verdict.is_verified(),
            *expected,
            "case {number} of {:?}: {name}: {} after {:?}",
            places.kind,
            object.verdict,
            object.failed_tries
        );
    }
    assert_eq!(outcome == Outcome::Complete, expected.iter().all(|good| *good), "case {number}");
}

async fn all(kind: Kind) {
    let (stage, backup) = (Stage::new(kind).await, Stage::new(Kind::Web).await);
    let stores = (stage.store("prod").await, backup.store("backup").await);
    let places = Arc::new(Places { kind, stage, backup, stores });
    let mut running = tokio::task::JoinSet::new();
    let mut failed = Vec::new();
    let mut cases = 1..=CASES;
    loop {
        while running.len() < 6 {
            let Some(number) = cases.next() else { break };
            running.spawn(case(places.clone(), number));
        }
        let Some(ended) = running.join_next().await else { break };
        if let Err(error) = ended {
            failed
                .push(error.into_panic().downcast::<String>().map_or_else(|_| "?".to_owned(), |text| *text));
        }
    }
    assert!(failed.is_empty(), "{} cases:\n{}", failed.len(), failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_at_a_bucket_what_can_be_had_is_had_and_nothing_else_is_called_so() {
    all(Kind::Md5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_at_a_web_server_what_can_be_had_is_had_and_nothing_else_is_called_so() {
    all(Kind::Web).await;
}
