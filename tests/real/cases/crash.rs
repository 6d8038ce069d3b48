//! Killed at any moment, asked to stop, or damaged behind its back: a rerun ends what is left.

use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};

use crate::judge;
use crate::media::long;
use crate::program::{Case, Ran, Running};
use crate::servers::{BUCKET, Server, world};

const SEED: u64 = 0x2026_1122;

/// Few at once, so that little is under way when it is killed.
const JOBS: &str = "4";

pub(crate) fn killed_at_random_moments() {
    let recording = long(120);
    let prefix = "crash-kill/";
    Server::Loopback.upload(prefix, &recording.files);
    let case = Case::new("kill").s3(Server::Loopback, prefix, "");
    let bag = case.out().join(&recording.sid);
    let bytes: u64 = recording.files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    // A run takes two seconds.
    let rate = (bytes / 2).to_string();
    let arguments =
        ["fetch", &recording.sid, "--store", "prod", "--join", "--jobs", JOBS, "--limit-rate", &rate];
    let (mut random, mut killed, mut left_something) = (Random(SEED), 0, 0);
    loop {
        let mut running = case.start(&arguments);
        // Most early, so that there are many; some at the end, where the bag is sealed and joined.
        let most = if random.below(4) == 0 { 2600 } else { 350 };
        std::thread::sleep(Duration::from_millis(random.below(most)));
        let _ = running.child.kill();
        let ended = running.end();
        judge::nothing_half_done(&bag, &recording);
        left_something += usize::from(!judge::payload(&bag).is_empty());
        if ended.status.success() {
            if killed >= 15 {
                break;
            }
            // Whole too early: what was killed until now counts, and the rest is tried on a new one.
            std::fs::remove_dir_all(case.out()).expect("removed");
            world().loopback.handle.forget();
        } else {
            killed += 1;
        }
        assert!(killed < 200, "it never ends");
    }
    assert!(left_something >= 5, "killed before anything was there: this shows nothing");
    // Each request counts as if all its bytes had come.
    let requested = requested(prefix, &recording);
    assert!(requested <= 2 * bytes, "{requested} bytes asked for, {bytes} there");
    let report = case.fetch(&recording.sid, &["--join"]).expect(0).json();
    assert_eq!(judge::fetched(&report, "segment"), [""; 0], "nothing is left to fetch");
    judge::bag_is_valid(&bag);
    judge::bag_has_every_byte(&bag, &report, &recording);
    let joined = std::fs::read(case.out().join(format!("{}.ts", recording.sid))).expect("the joined file");
    assert!(joined == recording.concatenation(), "joined bytes");
}

pub(crate) fn stopped_by_a_signal(signal: Signal, code: i32) {
    let recording = long(120);
    let prefix = format!("crash-signal-{code}/");
    Server::Seaweed.upload(&prefix, &recording.files);
    let case = Case::new("signal").s3(Server::Seaweed, &prefix, "");
    let bag = case.out().join(&recording.sid);
    let running = case.start(&[
        "fetch",
        &recording.sid,
        "--store",
        "prod",
        "--join",
        "--jobs",
        "4",
        "--limit-rate",
        "500k",
    ]);
    until(|| judge::payload(&bag).len() > 5);
    let ended = signalled(running, signal);
    ended.expect(code);
    judge::nothing_half_done(&bag, &recording);
    let left = judge::payload(&bag).len();
    assert!(left < recording.files.len(), "it was whole before the signal came");
    let report = case.fetch(&recording.sid, &["--join"]).expect(0).json();
    assert_eq!(
        judge::fetched(&report, "segment").len(),
        recording.order.len() - (left - 1),
        "kept what was there"
    );
    judge::bag_is_valid(&bag);
    judge::bag_has_every_byte(&bag, &report, &recording);
}

pub(crate) fn a_second_run_on_the_same_folder_leaves() {
    let recording = long(120);
    let prefix = "crash-second/";
    Server::Loopback.upload(prefix, &recording.files);
    let case = Case::new("second").s3(Server::Loopback, prefix, "");
    let bag = case.out().join(&recording.sid);
    let first =
        case.start(&["fetch", &recording.sid, "--store", "prod", "--jobs", "4", "--limit-rate", "800k"]);
    until(|| !judge::payload(&bag).is_empty());
    let second = case.fetch(&recording.sid, &[]);
    assert!(!second.status.success(), "{}", second.said());
    assert!(
        second.stderr.contains("another recfetch") || second.stderr.contains("other recfetch"),
        "{}",
        second.stderr
    );
    first.end().expect(0);
    judge::bag_is_valid(&bag);
}

pub(crate) fn a_byte_flipped_on_disk_is_found_unless_the_time_is_trusted() {
    let recording = crate::media::composite();
    let prefix = "crash-flip/";
    Server::Seaweed.upload(prefix, &recording.files);
    let case = Case::new("flip").s3(Server::Seaweed, prefix, "");
    case.fetch(&recording.sid, &[]).expect(0);
    let bag = case.out().join(&recording.sid);
    let (first, second) = (&recording.order[0], &recording.order[2]);
    flip(&bag.join("data").join(first));
    flip(&bag.join("data").join(second));
    let verified = case.run(&["verify", bag.to_str().expect("text")]);
    assert!(!verified.status.success(), "{}", verified.said());
    assert!(verified.said().contains(first.as_str()), "{}", verified.said());

    let trusting = case.fetch(&recording.sid, &["--trust-mtime"]).expect(0).json();
    assert_eq!(judge::fetched(&trusting, "segment"), [""; 0], "the time was trusted");
    let report = case.fetch(&recording.sid, &[]).expect(0).json();
    assert_eq!(judge::fetched(&report, "segment"), [first.as_str(), second.as_str()]);
    judge::bag_is_valid(&bag);
    judge::bag_has_every_byte(&bag, &report, &recording);
}

/// Changes one byte in the middle and leaves the time of the last change.
fn flip(path: &std::path::Path) {
    let time: SystemTime = path.metadata().expect("a file").modified().expect("a time");
    let mut bytes = std::fs::read(path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(path, bytes).expect("written");
    std::fs::File::options().write(true).open(path).expect("a file").set_modified(time).expect("set");
}

fn signalled(running: Running, signal: Signal) -> Ran {
    let pid = i32::try_from(running.child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, signal).expect("signalled");
    running.end()
}

fn until(mut condition: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited too long");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn requested(prefix: &str, recording: &crate::media::Recording) -> u64 {
    let under = format!("/{BUCKET}/{prefix}");
    let requests = world().loopback.handle.requests();
    let gets = requests.iter().filter(|request| request.method == "GET");
    let names = gets.filter_map(|request| request.path.strip_prefix(&under));
    names
        .filter(|name| recording.order.iter().any(|slice| slice == name))
        .map(|name| recording.bytes(name).len() as u64)
        .sum()
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
