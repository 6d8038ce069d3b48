use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;

fn at(ms: i64) -> SliceTime {
    SliceTime::from_unix_ms(ms).unwrap()
}

fn tried(recording: &str, code: u8, ended: i64) -> Tried {
    Tried {
        recording: recording.to_owned(),
        place: "here".to_owned(),
        asked: "{}".to_owned(),
        outcome: if code == 0 { "complete" } else { "incomplete" }.to_owned(),
        exit_code: code,
        objects: 7,
        bytes: 1000,
        received: 900,
        took: Duration::from_millis(1500),
        source: Some("prod".to_owned()),
        recorded: None,
        ended: at(ended),
        proof: (code == 0).then(|| "abc".to_owned()),
        why: (code != 0).then(|| "a.ts: absent in prod".to_owned()),
    }
}

fn all(ledger: &Ledger, wanted: &Wanted) -> Vec<String> {
    let mut names = Vec::new();
    ledger
        .each(wanted, |entry| {
            names.push(entry.recording);
            true
        })
        .unwrap();
    names
}

#[test]
fn what_was_asked_tried_and_proven_is_there_after_it_was_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/ledger.sqlite");
    let ledger = Ledger::open(&path).unwrap();
    ledger.list([("a", "here", "{}"), ("b", "here", "{}")], at(1000)).unwrap();
    ledger.tried(&tried("a", 3, 2000)).unwrap();
    ledger.tried(&tried("a", 0, 3000)).unwrap();
    drop(ledger);
    let ledger = Ledger::open(&path).unwrap();
    // What is listed again stays as it is.
    ledger.list([("a", "here", "other")], at(9000)).unwrap();
    let a = ledger.entry("a", "here").unwrap().unwrap();
    assert_eq!((a.outcome.as_str(), a.exit_code, a.tries), ("complete", Some(0), 2));
    assert_eq!((a.listed, a.tried, a.proven), (at(1000), Some(at(3000)), Some(at(3000))));
    assert_eq!((a.proof.as_deref(), a.why, a.asked.as_str()), (Some("abc"), None, "{}"));
    let tries = ledger.tries("a", "here").unwrap();
    assert_eq!(tries.iter().map(|one| one.exit_code).collect::<Vec<_>>(), [3, 0]);
    assert_eq!(tries[0].took, Duration::from_millis(1500));
    let b = ledger.entry("b", "here").unwrap().unwrap();
    assert_eq!((b.outcome.as_str(), b.exit_code, b.proven), (LISTED, None, None));
    // One that turned out not to be there is not proven any more.
    ledger.tried(&tried("a", 3, 4000)).unwrap();
    assert_eq!(ledger.entry("a", "here").unwrap().unwrap().proven, None);
    assert_eq!(ledger.entry("a", "elsewhere").unwrap(), None);
}

#[test]
fn a_month_is_asked_for_by_the_time_of_recording_and_by_that_of_asking_where_it_is_not_known() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&dir.path().join("ledger.sqlite")).unwrap();
    ledger.list([("asked", "here", "{}")], at(150)).unwrap();
    for (name, code, recorded) in [("early", 3, 50), ("whole", 0, 120), ("broken", 3, 110), ("late", 3, 200)]
    {
        ledger.tried(&Tried { recorded: Some(at(recorded)), ..tried(name, code, 150) }).unwrap();
    }
    let march = Wanted { since: Some(at(100)), until: Some(at(200)), ..Wanted::default() };
    assert_eq!(all(&ledger, &march), ["broken", "whole", "asked"]);
    assert_eq!(all(&ledger, &Wanted { only_open: true, ..march.clone() }), ["broken", "asked"]);
    let incomplete = Wanted { outcomes: vec!["incomplete".to_owned()], ..march };
    assert_eq!(all(&ledger, &incomplete), ["broken"]);
    let two = vec!["incomplete".to_owned(), LISTED.to_owned()];
    assert_eq!(all(&ledger, &Wanted { outcomes: two, ..Wanted::default() }).len(), 4);
    assert_eq!(all(&ledger, &Wanted { recording: Some("late".to_owned()), ..Wanted::default() }), ["late"]);
}

#[test]
fn what_one_program_is_at_another_leaves_alone_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let (one, other) = (Ledger::open(&path).unwrap(), Ledger::open(&path).unwrap());
    one.list([("a", "here", "{}"), ("b", "here", "{}")], at(1)).unwrap();
    assert_eq!(one.claim("a", "here").unwrap(), Claim::Ours);
    assert_eq!(one.claim("a", "here").unwrap(), Claim::Ours);
    assert_eq!(other.claim("a", "here").unwrap(), Claim::Theirs);
    assert_eq!(other.claim("b", "here").unwrap(), Claim::Ours);
    one.tried(&tried("a", 3, 2)).unwrap();
    assert_eq!(other.claim("a", "here").unwrap(), Claim::Ours);
    other.release("a", "here").unwrap();
    assert_eq!(one.claim("a", "here").unwrap(), Claim::Ours);
    // It ends without a word; one that is killed leaves its file.
    drop(one);
    std::fs::write(dir.path().join("ledger.sqlite-worker-99999999-0"), "").unwrap();
    drop(Ledger::open(&path).unwrap());
    assert_eq!(other.claim("a", "here").unwrap(), Claim::Ours);
    drop(other);
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn many_that_write_at_once_lose_nothing_and_claim_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let path = Arc::new(dir.path().join("ledger.sqlite"));
    let names: Vec<String> = (0..60).map(|n| format!("r{n}")).collect();
    Ledger::open(&path).unwrap().list(names.iter().map(|n| (n.as_str(), "here", "{}")), at(1)).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (path, names) = (path.clone(), names.clone());
            std::thread::spawn(move || {
                let ledger = Ledger::open(&path).unwrap();
                let mut done = 0;
                for name in &names {
                    if ledger.claim(name, "here").unwrap() == Claim::Ours
                        && ledger.entry(name, "here").unwrap().unwrap().proven.is_none()
                    {
                        ledger.tried(&tried(name, 0, 5)).unwrap();
                        done += 1;
                    }
                }
                done
            })
        })
        .collect();
    let done: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(done, names.len());
    let db = Connection::open(&*path).unwrap();
    let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let tries: i64 = db.query_row("SELECT count(*) FROM tries", [], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(tries).unwrap(), names.len());
}

#[test]
fn what_is_no_ledger_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, "no database, but long enough to be looked at as one\n".repeat(40)).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Ledger::open(&path), Err(LedgerError::Foreign { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let other = |path: &Path, text: &str| Connection::open(path).unwrap().execute_batch(text).unwrap();
    let path = dir.path().join("theirs");
    other(&path, "CREATE TABLE theirs (x)");
    assert!(matches!(Ledger::open(&path), Err(LedgerError::Foreign { .. })));
    let path = dir.path().join("newer");
    drop(Ledger::open(&path).unwrap());
    other(&path, "PRAGMA user_version = 2");
    assert!(matches!(Ledger::open(&path), Err(LedgerError::Newer { .. })));
}
