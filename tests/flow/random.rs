//! Many recordings with many faults at once, against a model of what must come of each segment: what any
//! permitted place can serve ends verified, no final file differs from its original, nothing is called
//! complete that is not, and a rerun after the faults have ended finishes the job.
//!
//! `RECFETCH_FAULT_SCRIPTS` says how many scripts are played (300 unless it is set), `RECFETCH_FAULT_SEED`
//! with which seed the first one is made; each next has the next seed. A script that fails names its seed.

use std::sync::Arc;

use recfetch::domain::report::Outcome;
use recfetch::engine::{Gaps, JoinOutcome, JoinRequest, JoinTo, PartsPolicy, Store, Target};
use recfetch_test_support::{Fault, Script};

use crate::kit::*;

const SEGMENTS: usize = 5;

/// Where the recording is first looked for.
const KINDS: [Kind; 3] = [Kind::Md5, Kind::Crc, Kind::Web];

fn setting(name: &str, default: u64) -> u64 {
    let said = std::env::var(name).ok();
    said.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

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

/// One place of each kind, shared by all scripts of that kind: each has a recording of its own in it.
struct Places {
    kind: Kind,
    stage: Stage,
    backup: Stage,
    stores: (Store, Store),
}

impl Places {
    async fn new(kind: Kind) -> Self {
        let (stage, backup) = (Stage::new(kind).await, Stage::new(Kind::Web).await);
        let stores = (stage.store("prod").await, backup.store("backup").await);
        Self { kind, stage, backup, stores }
    }
}

/// Whether the model hears of every fault. One that does not must be contradicted by what comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Model {
    KnowsAll,
    MissesOneFault,
}

async fn play(places: Arc<Places>, seed: u64, model: Model) {
    let mut chance = Chance(seed.wrapping_mul(7919));
    let mut plan = plan(SEGMENTS);
    plan.sid = format!("{seed:032x}");
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
    if model == Model::MissesOneFault {
        places.stage.faults.on(&names[0], Script::always(Fault::NotFound));
        places.backup.faults.on(&names[0], Script::always(Fault::NotFound));
    }
    // The list of what there is can fail for a while too.
    let unlucky = [Fault::SlowDown, Fault::Cut(40), Fault::Reset(10), Fault::HeaderGarbage, Fault::Empty];
    if chance.below(3) == 0 {
        let fault = unlucky[usize::try_from(chance.below(unlucky.len() as u64)).unwrap()].clone();
        places.stage.faults.on(&plan.playlist_name(), Script::once(fault));
    }
    let mut run = Run::sid(places.stores.0.clone()).with_fallback(places.stores.1.clone());
    run.target = Target::parse(&plan.sid).unwrap();
    // Slices of some 70 kB, whole or in parts.
    if chance.below(2) == 0 {
        run.options.parts = PartsPolicy { from: 20_000, part: 9_000 + chance.below(30_000), at_once: 3 };
    }
    run.options.jobs = 1 + usize::try_from(chance.below(8)).unwrap();
    run.join = (chance.below(4) == 0).then_some(JoinRequest {
        to: JoinTo::BesideBag,
        gaps: Gaps::Refuse,
        ..JoinRequest::default()
    });
    let run = run.key_if_web(places.kind, &plan);
    let originals = originals(&plan);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    let outcome = check(&fetched, &originals);
    for (name, expected) in names.iter().zip(&expected) {
        let object = object(&fetched, name);
        assert_eq!(
            object.verdict.is_verified(),
            *expected,
            "{name}: {} after {:?}",
            object.verdict,
            object.failed_tries
        );
    }
    let whole = expected.iter().all(|good| *good);
    assert_eq!(outcome == Outcome::Complete, whole);
    match &fetched.joined {
        JoinOutcome::NotAsked => {}
        JoinOutcome::Refused(_) => assert!(!whole, "refused although everything is here"),
        JoinOutcome::Done(files) => {
            assert!(whole, "joined although something is missing");
            let joined = std::fs::read(&files[0].path).unwrap();
            assert!(joined == segments(SEGMENTS).concat(), "the joined file has other bytes");
        }
    }
    // The faults end: what is missing comes, and only that.
    for name in names.iter().chain([&plan.playlist_name()]) {
        places.stage.faults.on(name, Script::default());
        places.backup.faults.on(name, Script::default());
    }
    let again = Run { told: Arc::default(), ..run };
    let fetched = again.fetched(&out).await;
    assert_eq!(check(&fetched, &originals), Outcome::Complete, "after the faults: {:#?}", fetched.report);
    let missing = expected.iter().filter(|good| !**good).count();
    let planned = format!("planned {} {missing}", SEGMENTS - missing);
    assert_eq!(again.told.lines("planned"), [planned], "only what was missing comes again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_what_can_be_had_is_had_and_nothing_else_is_called_so() {
    let (scripts, first) = (setting("RECFETCH_FAULT_SCRIPTS", 300), setting("RECFETCH_FAULT_SEED", 1));
    eprintln!(
        "{scripts} fault scripts with seeds from {first} (RECFETCH_FAULT_SCRIPTS, RECFETCH_FAULT_SEED)"
    );
    let mut places = Vec::new();
    for kind in KINDS {
        places.push(Arc::new(Places::new(kind).await));
    }
    let mut running = tokio::task::JoinSet::new();
    let mut seeds = first..first + scripts;
    let mut failed = Vec::new();
    loop {
        while running.len() < 6 {
            let Some(seed) = seeds.next() else { break };
            let places = places[usize::try_from(seed).unwrap() % places.len()].clone();
            let kind = places.kind;
            let played = tokio::spawn(play(places, seed, Model::KnowsAll));
            running.spawn(async move { (seed, kind, played.await) });
        }
        let Some(ended) = running.join_next().await else { break };
        let (seed, kind, played) = ended.unwrap();
        if let Err(error) = played {
            let why = error.into_panic().downcast::<String>().map_or_else(|_| "?".to_owned(), |text| *text);
            failed.push(format!("seed {seed} ({kind:?}): {why}"));
        }
    }
    assert!(failed.is_empty(), "{} of {scripts} scripts:\n{}", failed.len(), failed.join("\n"));
}

#[tokio::test]
async fn a_place_that_does_otherwise_than_the_model_says_is_noticed() {
    let places = Arc::new(Places::new(Kind::Md5).await);
    let played = tokio::spawn(play(places.clone(), 3, Model::KnowsAll)).await;
    assert!(played.is_ok(), "seed 3 is a good one");
    let played = tokio::spawn(play(places, 6, Model::MissesOneFault)).await;
    assert!(played.is_err(), "a segment that is nowhere was expected and came");
}
