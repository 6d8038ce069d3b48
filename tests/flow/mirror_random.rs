//! Recordings that are mirrored while both ends do wrong by chance and the run is cut off now and then, against a
//! model of what may be said: nothing is called complete there that is not, byte for byte, and when both ends do
//! right again one more run ends it.
//!
//! `RECFETCH_MIRROR_SCRIPTS` says how many scripts are played (60 unless it is set), `RECFETCH_FAULT_SEED` with
//! which seed the first one is made. A script that fails names its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use recfetch::domain::only::Only;
use recfetch::domain::place::Obstacle;
use recfetch::domain::recording::RecordingId;
use recfetch::domain::report::Outcome;
use recfetch::engine::{AuditDepth, MirrorOptions};
use recfetch_test_support::{Fault, Script};

use crate::kit::*;
use crate::mirror::{Brought, Trouble};
use crate::random::{Chance, setting};

const SLICES: usize = 5;

/// What lies in a bag, by name.
type Payload = BTreeMap<String, Vec<u8>>;

/// What one round may come to, by the rules of the documents and nothing of the engine's.
struct Round {
    /// Slices that the source cannot give in this round, however often it is asked.
    not_had: BTreeSet<usize>,
    /// Slices of which the destination keeps other bytes than it is given.
    not_kept: BTreeSet<usize>,
}

/// What the model knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Model {
    KnowsAll,
    /// Takes sources that lose a slice for sources that give it.
    MissesLosses,
}

impl Round {
    fn chosen(chance: &mut Chance, brought: &Brought, names: &[String], in_parts: bool) -> Self {
        let (mut not_had, mut not_kept) = (BTreeSet::new(), BTreeSet::new());
        for (n, name) in names.iter().enumerate() {
            let at = 30_000 + chance.below(20_000);
            let (fault, times) = match chance.below(10) {
                0 => (Fault::SlowDown, Some(2)),
                1 => (Fault::Cut(at), Some(1)),
                2 => (Fault::Reset(at), Some(2)),
                3 => (Fault::Flip(at), Some(1)),
                4 => (Fault::NotFound, None),
                5 => (Fault::Flip(at), None),
                6 => (Fault::Denied, None),
                _ => (Fault::Pass, Some(1)),
            };
            let script = match times {
                Some(times) => Script::times(fault, times),
                None => Script::always(fault),
            };
            brought.stage.faults.on(name, script);
            if times.is_none() {
                not_had.insert(n);
            }
            match chance.below(8) {
                0 => brought.depot.trouble(name, Trouble::Refuse(2, Obstacle::Throttled)),
                1 => brought.depot.trouble(name, Trouble::Refuse(1000, Obstacle::Unreachable)),
                // What goes in parts passes by the one that flips.
                2 if !in_parts => {
                    brought.depot.trouble(name, Trouble::Flip);
                    not_kept.insert(n);
                }
                _ => {}
            }
        }
        Self { not_had, not_kept }
    }

    /// Fails where what came of the round is not what it may come to. Whether it is marked complete there.
    fn agrees(&self, brought: &Brought, before: &Payload, said: bool, model: Model) -> bool {
        let (names, originals) = (plan(SLICES).slice_names(), originals(&plan(SLICES)));
        let there = payload(&brought.depot.bag());
        let is_in =
            |held: &Payload, n: usize| held.get(&names[n]).map(Vec::as_slice) == Some(&*originals[&names[n]]);
        let marked = brought.depot.mark().is_some_and(|mark| mark.outcome == "complete");
        assert!(!said || marked, "complete, and not marked so");
        if marked {
            assert!((0..SLICES).all(|n| is_in(&there, n)), "marked complete without a slice");
            assert!(verified(&brought.depot.bag()).is_whole(), "marked complete and damaged");
        }
        match model {
            Model::KnowsAll => {
                let lost = self.not_had.union(&self.not_kept).find(|n| !is_in(before, **n));
                assert!(!marked || lost.is_none(), "slice {lost:?} could not come, and complete was said");
            }
            Model::MissesLosses => {
                assert!(self.not_had.iter().all(|n| is_in(&there, *n)), "a slice was not brought");
            }
        }
        for (name, bytes) in &there {
            let flips = names.iter().position(|known| known == name);
            let flips = flips.is_some_and(|n| self.not_kept.contains(&n));
            let unchanged = before.get(name) == Some(bytes);
            assert!(flips || unchanged || bytes[..] == originals[name][..], "{name} was brought wrong");
        }
        marked
    }
}

async fn play(seed: u64, model: Model) {
    let mut chance = Chance::new(seed.wrapping_mul(6151));
    let in_parts = chance.below(3) == 0;
    let brought = Brought::with_parts(SLICES, if in_parts { 16 << 10 } else { u64::MAX }).await;
    let names = plan(SLICES).slice_names();
    for _ in 0..3 {
        let before = payload(&brought.depot.bag());
        let round = Round::chosen(&mut chance, &brought, &names, in_parts);
        let patience = match chance.below(3) {
            0 => Duration::from_millis(5 + chance.below(120)),
            _ => Duration::from_secs(30),
        };
        let said = tokio::time::timeout(patience, brought.mirror()).await;
        let said = matches!(&said, Ok(Ok(mirrored)) if mirrored.report.outcome() == Outcome::Complete);
        let marked = round.agrees(&brought, &before, said, model);
        brought.depot.heal();
        for name in &names {
            brought.stage.faults.on(name, Script::default());
        }
        if marked {
            break;
        }
    }
    assert_eq!(brought.mirror().await.unwrap().report.outcome(), Outcome::Complete);
    brought.is_whole(SLICES).await;
    let asked = brought.slices_asked();
    brought.depot.asked();
    assert!(brought.there().await.is_some());
    let puts = brought.depot.asked().into_iter().find(|line| !line.starts_with("read "));
    assert_eq!((brought.slices_asked() - asked, puts), (0, None), "a second run has nothing to do");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_at_both_ends_complete_is_said_of_nothing_else() {
    let (scripts, first) = (setting("RECFETCH_MIRROR_SCRIPTS", 60), setting("RECFETCH_FAULT_SEED", 1));
    eprintln!("{scripts} scripts with seeds from {first} (RECFETCH_MIRROR_SCRIPTS, RECFETCH_FAULT_SEED)");
    let (mut running, mut seeds, mut failed) =
        (tokio::task::JoinSet::new(), first..first + scripts, Vec::new());
    loop {
        while running.len() < 6 {
            let Some(seed) = seeds.next() else { break };
            let played = tokio::spawn(play(seed, Model::KnowsAll));
            running.spawn(async move { (seed, played.await) });
        }
        let Some(ended) = running.join_next().await else { break };
        let (seed, played) = ended.unwrap();
        if let Err(error) = played {
            let why = error.into_panic().downcast::<String>().map_or_else(|_| "?".to_owned(), |text| *text);
            failed.push(format!("seed {seed}: {why}"));
        }
    }
    assert!(failed.is_empty(), "{} of {scripts} scripts:\n{}", failed.len(), failed.join("\n"));
}

#[tokio::test]
async fn a_mirror_that_does_otherwise_than_the_model_says_is_noticed() {
    let played = tokio::spawn(play(2, Model::KnowsAll)).await;
    assert!(played.is_ok(), "seed 2 is a good one");
    let played = tokio::spawn(play(2, Model::MissesLosses)).await;
    assert!(played.is_err(), "a slice that the source lost was expected and came");
}

#[tokio::test]
async fn whatever_concerns_mirrors_can_run_in_a_task_of_its_own() {
    fn can_be_spawned<T: Send>(_: &T) {}
    let brought = Brought::new(1).await;
    let (fetcher, id) = (brought.run.fetcher(), RecordingId::parse(SID).unwrap());
    let (options, only) = (MirrorOptions::default(), Only::default());
    let store = brought.stage.store("prod").await;
    can_be_spawned(&fetcher.mirrored(&brought.target, &id, &options, &only));
    can_be_spawned(&fetcher.audit(&store, &id, AuditDepth::Read, &|_| {}));
    let found =
        fetcher.locate(&brought.run.target, &brought.run.candidates, &brought.run.query).await.unwrap();
    can_be_spawned(&fetcher.mirror(found, &brought.target, &options));
    let fetched = brought.run.fetched(&brought.depot.bag()).await;
    can_be_spawned(&fetcher.pack(fetched, &brought.target, &options));
}
