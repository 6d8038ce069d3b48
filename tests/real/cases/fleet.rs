//! A fleet of workers on a queue: killed, stopped, cut off, and told to do what cannot be done.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::judge;
use crate::media::{Recording, composite, long};
use crate::program::{Case, Running};
use crate::queue::Queue;
use crate::servers::{BUCKET, Server, world};

/// In RECFETCH_FLEET_RECORDINGS stands another number, where there is time for more: 500 take a minute or more.
const RECORDINGS: usize = 200;
const KILLS: usize = 24;
const SEED: u64 = 0x2026_1123;

const WORK: [&str; 8] = ["work", "--drain", "--dead-after", "4s", "--tries", "50", "--limit-rate", "3M"];

/// Three workers, each killed again and again; the queue goes away and comes back. Everything is proven at the
/// destination, nothing is told twice, and a second time there is nothing to do.
pub(crate) fn killed_workers_lose_and_double_nothing() {
    let mut queue = Queue::start("killed");
    let said = std::env::var("RECFETCH_FLEET_RECORDINGS").ok();
    let number = said.map_or(RECORDINGS, |number| number.parse().expect("a number of recordings"));
    let recordings = many(number);
    for recording in &recordings {
        Server::Loopback.upload("fleet-from/", &recording.files);
    }
    let case = |word: &str| {
        let case = Case::new(word).s3(Server::Loopback, "fleet-from/", "");
        queue.known_to(case.store("cold", &Server::Seaweed.endpoint(), BUCKET, "fleet-to/", ""))
    };
    let cases = ["fleet-a", "fleet-b", "fleet-c"].map(case);
    let office = case("fleet");
    let list = recordings.iter().map(|recording| format!("{}\n", recording.sid)).collect::<String>();
    let submit = |said: &str| {
        std::fs::write(office.path().join("list.txt"), &list).expect("written");
        let ran = office.run(&["submit", "list.txt", "--store", "prod", "--mirror", "cold"]);
        assert!(ran.expect(0).stdout.contains(said), "{}", ran.stdout);
    };
    submit(&format!("submitted  {number} recordings\n"));
    submit(&format!("submitted  0 recordings; {number} waited"));

    let start = Instant::now();
    let mut workers: Vec<Running> = cases.iter().map(|case| case.start(&WORK)).collect();
    let (mut random, mut killed) = (Random(SEED), 0);
    while killed < KILLS {
        std::thread::sleep(Duration::from_millis(200 + random.below(900)));
        let chosen = usize::try_from(random.below(3)).expect("small");
        if workers[chosen].child.try_wait().expect("asked").is_some() {
            break;
        }
        let _ = workers[chosen].child.kill();
        std::mem::replace(&mut workers[chosen], cases[chosen].start(&WORK)).end();
        killed += 1;
        if killed == KILLS / 3 {
            queue.go_away();
            std::thread::sleep(Duration::from_secs(3));
            queue.come_back();
        }
    }
    assert!(killed >= 6, "over before anybody was killed: this shows nothing");
    for worker in workers {
        worker.end().expect(0);
    }

    eprintln!("{number} recordings, {killed} workers killed: {:.1} s", start.elapsed().as_secs_f64());
    let told = outcomes(&office);
    assert_eq!(told.len(), number, "each is told");
    for recording in &recordings {
        let told = &told[&recording.sid];
        assert_eq!(told.len(), 1, "{}: told once: {told:#?}", recording.sid);
        assert_eq!(told[0]["exit_code"], 0, "{told:#?}");
    }
    let sids: Vec<_> = recordings.iter().map(|recording| &*recording.sid).collect();
    office.run(&[&["verify", "--store", "cold"], &*sids].concat()).expect(0);
    assert_eq!(office.run(&["outcomes", "--failed"]).expect(0).stdout, "");

    submit(&format!("submitted  {number} recordings\n"));
    let again = office.run(&["work", "--drain"]);
    let again: Vec<Value> = lines(&again.expect(0).stdout);
    assert_eq!(again.len(), number);
    assert!(again.iter().all(|outcome| outcome["state"] == "there"), "nothing is left to do");
}

/// What cannot be done is in the list of what failed, with its reason, until it is done.
pub(crate) fn what_failed_is_submitted_again() {
    let queue = Queue::start("failed");
    let recording = composite();
    let case = queue.known_to(Case::new("fleet-failed").s3(Server::Loopback, "fleet-failed/", ""));
    let stranger = queue.named_to(Case::new("fleet-stranger"));
    let refused = stranger.run(&["outcomes"]);
    assert!(refused.expect(6).stderr.contains("RECFETCH_QUEUE_USER"), "{}", refused.stderr);

    std::fs::write(case.path().join("list.txt"), format!("{}\n", recording.sid)).expect("written");
    case.run(&["submit", "list.txt", "--store", "prod"]).expect(0);
    case.run(&["work", "--drain"]).expect(7);
    let failed = case.run(&["outcomes", "--failed"]);
    assert!(failed.expect(0).stderr.contains("not-found, 1 try"), "{}", failed.stderr);
    assert_eq!(lines(&failed.stdout)[0]["recording"], recording.sid);

    Server::Loopback.upload("fleet-failed/", &recording.files);
    case.shell(&[], "$recfetch outcomes --failed | $recfetch submit -").expect(0);
    case.run(&["work", "--drain"]).expect(0);
    assert_eq!(case.run(&["outcomes", "--failed"]).expect(0).stdout, "");
    judge::bag_is_valid(&case.out().join(&recording.sid));
    let told = &outcomes(&case)[&recording.sid];
    let words: Vec<_> = told.iter().map(|outcome| outcome["outcome"].as_str()).collect();
    assert_eq!(words, [Some("not-found"), Some("complete")]);
}

/// SIGTERM: the job is handed back at once, and the next worker ends it.
pub(crate) fn a_stopped_worker_hands_its_job_back() {
    let queue = Queue::start("stopped");
    let recording = long(120);
    Server::Loopback.upload("fleet-stopped/", &recording.files);
    let case = queue.known_to(Case::new("fleet-stopped").s3(Server::Loopback, "fleet-stopped/", ""));
    std::fs::write(case.path().join("list.txt"), format!("{}\n", recording.sid)).expect("written");
    case.run(&["submit", "list.txt", "--store", "prod"]).expect(0);
    let bag = case.out().join(&recording.sid);
    let worker = case.start(&["work", "--jobs", "4", "--limit-rate", "500k"]);
    until("something comes", || judge::payload(&bag).len() >= 5);
    let stopped = Instant::now();
    signal(&worker, Signal::TERM);
    worker.end().expect(143);
    assert!(stopped.elapsed() < Duration::from_secs(30), "{:?}", stopped.elapsed());
    judge::nothing_half_done(&bag, &recording);
    // It was handed back: a worker that died would be waited for, two minutes long.
    let next = Instant::now();
    case.run(&["work", "--drain"]).expect(0);
    assert!(next.elapsed() < Duration::from_secs(60), "{:?}", next.elapsed());
    judge::bag_is_valid(&bag);
}

/// SIGSTOP: whoever stands still for so long that another worker ends its job writes nothing any more when it wakes.
pub(crate) fn a_worker_that_wakes_up_writes_nothing() {
    let queue = Queue::start("frozen");
    let recording = long(60);
    Server::Loopback.upload("fleet-frozen/", &recording.files);
    let cold = tempfile::tempdir_in(world().scratch.path()).expect("a folder");
    let settings = format!("[store.cold]\nvendor = \"dir\"\npath = {:?}\n", cold.path());
    let case =
        |word| queue.known_to(Case::new(word).s3(Server::Loopback, "fleet-frozen/", "").settings(&settings));
    let (first, second) = (case("fleet-frozen"), case("fleet-next"));
    std::fs::write(first.path().join("list.txt"), format!("{}\n", recording.sid)).expect("written");
    first.run(&["submit", "list.txt", "--store", "prod", "--mirror", "cold"]).expect(0);
    let bag = cold.path().join(&recording.sid);
    let sleeper =
        first.start(&["work", "--drain", "--dead-after", "3s", "--jobs", "4", "--limit-rate", "500k"]);
    until("something comes", || judge::payload(&bag).len() >= 5);
    signal(&sleeper, Signal::STOP);
    assert!(judge::payload(&bag).len() < recording.files.len(), "it was done already: this shows nothing");
    second.run(&["work", "--drain"]).expect(0);
    let brought = written(&bag);
    assert!(brought.contains_key("mirror.json"), "{:?}", brought.keys());

    signal(&sleeper, Signal::CONT);
    let woken = sleeper.end();
    assert!(woken.expect(0).stderr.contains("let go"), "{}", woken.stderr);
    assert_eq!(woken.stdout, "", "it is the other who tells how it ended");
    let mut rewritten = written(&bag);
    rewritten.retain(|name, at| brought.get(name) != Some(at));
    // Up to four were on their way to their names when it fell asleep: the same bytes.
    let is_payload = rewritten.keys().all(|name| name.starts_with("data/"));
    assert!(is_payload && rewritten.len() <= 4, "it wrote on: {rewritten:?}");
    for how in [&["--deep"][..], &[]] {
        second.run(&[&["verify", "--store", "cold", &*recording.sid], how].concat()).expect(0);
    }
    assert_eq!(outcomes(&second)[&recording.sid].len(), 1);
}

/// A queue that goes away for longer than a worker may be silent: the job is let go, and ended when the queue is back.
pub(crate) fn a_queue_that_is_gone_is_waited_for() {
    let mut queue = Queue::start("gone");
    let recording = long(60);
    Server::Loopback.upload("fleet-gone/", &recording.files);
    let case = |word| queue.known_to(Case::new(word).s3(Server::Loopback, "fleet-gone/", ""));
    let (office, laboratory) = (case("fleet-office"), case("fleet-gone"));
    std::fs::write(office.path().join("list.txt"), format!("{}\n", recording.sid)).expect("written");
    let submit = ["submit", "list.txt", "--store", "prod"];
    office.run(&submit).expect(0);
    let bag = laboratory.out().join(&recording.sid);
    let worker =
        laboratory.start(&["work", "--drain", "--dead-after", "3s", "--jobs", "4", "--limit-rate", "500k"]);
    until("something comes", || judge::payload(&bag).len() >= 5);
    queue.go_away();
    let submitting = office.start(&submit);
    std::thread::sleep(Duration::from_secs(5));
    queue.come_back();
    let submitted = submitting.end();
    assert!(
        submitted.expect(0).stdout.contains("waited"),
        "the job outlived the queue: {}",
        submitted.stdout
    );
    assert!(submitted.stderr.contains("waiting    for the queue"), "{}", submitted.stderr);
    let worked = worker.end();
    assert!(worked.expect(0).stderr.contains("let go"), "{}", worked.stderr);
    judge::bag_is_valid(&bag);
    let told = &outcomes(&office)[&recording.sid];
    assert!(told.len() == 1 && told[0]["exit_code"] == 0, "{told:#?}");
}

/// Recordings that differ by their names.
fn many(number: usize) -> Vec<Recording> {
    let one = long(4);
    let renamed = |n: usize| {
        let sid = format!("{n:032x}");
        let files = one.files.iter().map(|(name, bytes)| {
            let bytes = match std::str::from_utf8(bytes) {
                Ok(text) if name.ends_with(".m3u8") => Bytes::from(text.replace(&one.sid, &sid)),
                Ok(_) | Err(_) => bytes.clone(),
            };
            (name.replace(&one.sid, &sid), bytes)
        });
        Recording { files: files.collect(), sid: sid.clone(), ..one.clone() }
    };
    (1..=number).map(renamed).collect()
}

fn outcomes(case: &Case) -> BTreeMap<String, Vec<Value>> {
    let mut by_recording: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for outcome in lines(&case.run(&["outcomes"]).expect(0).stdout) {
        let recording = outcome["recording"].as_str().expect("a name").to_owned();
        by_recording.entry(recording).or_default().push(outcome);
    }
    by_recording
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn signal(running: &Running, signal: Signal) {
    let pid = i32::try_from(running.child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, signal).expect("signalled");
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What lies in a folder and the folders in it, with the time at which it was written.
fn written(folder: &Path) -> BTreeMap<String, SystemTime> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("within").display().to_string();
                found.insert(name, entry.metadata().expect("known").modified().expect("a time"));
            }
        }
    }
    found
}

/// The same moments on every run (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
