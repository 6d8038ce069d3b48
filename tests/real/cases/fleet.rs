//! A fleet of workers on a queue: killed, stopped, cut off, and told to do what cannot be done.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::judge;
use crate::media::{Recording, composite, long};
use crate::program::{Case, Ran, Running};
use crate::queue::Queue;
use crate::servers::{BUCKET, Server};

const RECORDINGS: usize = 120;
const KILLS: usize = 24;
const SEED: u64 = 0x2026_1123;

const WORK: [&str; 8] = ["work", "--drain", "--dead-after", "4s", "--tries", "50", "--limit-rate", "2M"];

/// Three workers, each killed again and again; the queue goes away and comes back. Everything is proven at the
/// destination, nothing is told twice, and a second time there is nothing to do.
pub(crate) fn killed_workers_lose_and_double_nothing() {
    let mut queue = Queue::start("killed");
    let recordings = many(RECORDINGS);
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
    submit(&format!("submitted  {RECORDINGS} recordings\n"));
    submit(&format!("submitted  0 recordings; {RECORDINGS} waited"));

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

    let told = outcomes(&office);
    assert_eq!(told.len(), RECORDINGS, "each is told");
    for recording in &recordings {
        let told = &told[&recording.sid];
        assert_eq!(told.len(), 1, "{}: told once: {told:#?}", recording.sid);
        assert_eq!(told[0]["exit_code"], 0, "{told:#?}");
        office.run(&["verify", "--store", "cold", &recording.sid]).expect(0);
    }
    assert_eq!(office.run(&["outcomes", "--failed"]).expect(0).stdout, "");

    submit(&format!("submitted  {RECORDINGS} recordings\n"));
    let again = office.run(&["work", "--drain"]);
    let again: Vec<Value> = lines(&again.expect(0).stdout);
    assert_eq!(again.len(), RECORDINGS);
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
    let start = Instant::now();
    while judge::payload(&bag).len() < 5 {
        assert!(start.elapsed() < Duration::from_secs(30), "nothing comes");
        std::thread::sleep(Duration::from_millis(10));
    }
    let stopped = Instant::now();
    signalled(worker, Signal::TERM).expect(143);
    assert!(stopped.elapsed() < Duration::from_secs(30), "{:?}", stopped.elapsed());
    judge::nothing_half_done(&bag, &recording);
    // It was handed back: a worker that died would be waited for, two minutes long.
    let next = Instant::now();
    case.run(&["work", "--drain"]).expect(0);
    assert!(next.elapsed() < Duration::from_secs(60), "{:?}", next.elapsed());
    judge::bag_is_valid(&bag);
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

fn signalled(running: Running, signal: Signal) -> Ran {
    let pid = i32::try_from(running.child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, signal).expect("signalled");
    running.end()
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
