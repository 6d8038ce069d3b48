//! `recfetch batch` and `recfetch ledger` as a user runs them: lists of recordings from folders and from a bucket on
//! loopback, with failures, kills and reruns.

#![cfg(all(feature = "cli", feature = "s3", feature = "oss"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
#![allow(clippy::wildcard_enum_match_arm, reason = "tests look at single cases of wide enums")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use recfetch::archive;
use recfetch::batch::{OutcomeV1, StateV1};
use recfetch_test_support::{Handle, Keys, Objects, S3Options, s3};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";
/// The fifth of its six slices.
const FIFTH: &str = "_math_7b_20260920125206485.ts";
const ACCESS: &str = "AKIAEXAMPLE";
const SECRET: &str = "hunter2-secret";

/// Settings for `prod` and `cold`, each of which is a folder.
struct World(TempDir);

struct Said {
    code: i32,
    outcomes: Vec<OutcomeV1>,
    out: String,
    err: String,
}

fn id(n: usize) -> String {
    format!("{n:02x}f8e3cfdc474cd56fc1ceba380d7e1a")
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(id).collect()
}

/// The files of the real recording under another ID.
fn files(sid: &str) -> Vec<(String, Vec<u8>)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recording");
    let entries = std::fs::read_dir(fixtures).unwrap().flatten();
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    let ours = named.filter(|(name, _)| name.starts_with(SID));
    ours.map(|(name, path)| {
        let bytes = std::fs::read(path).unwrap();
        let text = String::from_utf8(bytes.clone()).map(|text| text.replace(SID, sid).into_bytes());
        (name.replace(SID, sid), text.unwrap_or(bytes))
    })
    .collect()
}

impl World {
    fn new(recordings: usize) -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        for folder in ["prod", "cold"] {
            std::fs::create_dir(world.path(folder)).unwrap();
        }
        for (name, bytes) in ids(recordings).iter().flat_map(|sid| files(sid)) {
            std::fs::write(world.path("prod").join(name), bytes).unwrap();
        }
        let store = |name: &str| {
            format!("[store.{name}]\nvendor = \"dir\"\npath = \"{}\"\n", world.path(name).display())
        };
        std::fs::write(world.path("config.toml"), store("prod") + &store("cold")).unwrap();
        world.list(&ids(recordings));
        world
    }

    /// The recordings are in a bucket instead, which counts what it is asked.
    fn in_bucket(recordings: usize) -> (Self, tokio::runtime::Runtime, Handle) {
        let world = Self::new(0);
        let objects = Objects::new();
        for (name, bytes) in ids(recordings).iter().flat_map(|sid| files(sid)) {
            objects.put(format!("school/{name}"), Bytes::from(bytes));
        }
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = S3Options::new("lessons", Keys::new(ACCESS, SECRET));
        let server = runtime.block_on(s3::start(&objects, options)).unwrap();
        let config = format!(
            "[store.prod]\nvendor = \"s3\"\nregion = \"us-east-1\"\nbucket = \"lessons\"\nprefix = \"school\"\n\
             endpoint = \"{}\"\npath_style = true\naccess_key_env = \"ACCESS\"\nsecret_key_env = \"SECRET\"\n\
             [store.cold]\nvendor = \"dir\"\npath = \"{}\"\n",
            server.url(),
            world.path("cold").display()
        );
        std::fs::write(world.path("config.toml"), config).unwrap();
        world.list(&ids(recordings));
        (world, runtime, server)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn list(&self, ids: &[String]) {
        std::fs::write(self.path("list.txt"), ids.join("\n")).unwrap();
    }

    fn lose_a_slice(&self, n: usize) -> (PathBuf, Vec<u8>) {
        let path = self.path("prod").join(format!("{}{FIFTH}", id(n)));
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        (path, bytes)
    }

    fn command(&self, args: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recfetch"));
        command
            .args(args)
            .arg("--config")
            .arg(self.path("config.toml"))
            .env_clear()
            .env("HOME", self.0.path())
            .env("RECFETCH_RETRIES", "0")
            .env("RECFETCH_STORE", "prod")
            .env("ACCESS", ACCESS)
            .env("SECRET", SECRET)
            .envs(variables.iter().copied())
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        self.run_with(args, &[])
    }

    fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Said {
        said(self.command(args, variables).spawn().unwrap())
    }

    fn batch(&self, args: &[&str]) -> Said {
        self.run(&[&["batch", "list.txt", "--out", "out"], args].concat())
    }

    /// Every bag is whole and complete, and there is nothing else but the ledger.
    fn all_there(&self, recordings: usize) {
        for id in ids(recordings) {
            let whole = archive::verify(&self.path("out").join(&id), &|_| ()).unwrap();
            assert!(whole.is_whole() && whole.exit_code() == 0, "{id}: {:?}", whole.damage);
        }
        assert_eq!(
            self.names("out").iter().filter(|name| !name.starts_with("recfetch-ledger")).count(),
            recordings
        );
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }
}

fn said(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(!out.contains(SECRET) && !err.contains(SECRET), "{out}{err}");
    let lines = out.lines().filter(|line| line.contains("recfetch-outcome/1"));
    let outcomes = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    Said { code: output.status.code().unwrap_or(-1), outcomes, out, err }
}

impl Said {
    /// How many recordings ended with which word.
    fn words(&self) -> BTreeMap<String, usize> {
        let mut words = BTreeMap::new();
        for outcome in &self.outcomes {
            *words.entry(outcome.outcome.clone()).or_default() += 1;
        }
        words
    }

    fn states(&self, state: StateV1) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.state == state).count()
    }

    fn of(&self, n: usize) -> &OutcomeV1 {
        let mut found = self.outcomes.iter().filter(|outcome| outcome.recording == id(n));
        let outcome =
            found.next().unwrap_or_else(|| panic!("{} has no outcome: {}{}", id(n), self.out, self.err));
        assert!(found.next().is_none(), "{} has one outcome", id(n));
        outcome
    }
}

fn words(of: &[(&str, usize)]) -> BTreeMap<String, usize> {
    of.iter().map(|(word, number)| ((*word).to_owned(), *number)).collect()
}

#[test]
fn a_batch_goes_on_after_errors_and_what_failed_can_be_fed_back() {
    let world = World::new(6);
    let (lost, bytes) = world.lose_a_slice(2);
    let nowhere = "ffffffffffffffffffffffffffffffff";
    let mut table = "Date,SID\n".to_owned();
    for sid in ids(6).iter().map(String::as_str).chain([nowhere, &id(0)]) {
        table += &format!("\"1,2\",{sid}\n");
    }
    std::fs::write(world.path("list.txt"), table).unwrap();
    let first = world.batch(&["--failed", "again.csv", "--recordings", "3"]);
    assert_eq!(first.code, 7, "{}{}", first.out, first.err);
    assert_eq!(first.words(), words(&[("complete", 5), ("incomplete", 1), ("not-found", 1)]));
    assert!(first.of(2).why[0].contains(FIFTH), "{:?}", first.of(2));
    assert_eq!((first.of(1).objects.verified, first.of(1).failed_tries), (7, 0));
    assert!(first.of(1).bytes > 100_000 && first.of(1).received >= first.of(1).bytes, "{:?}", first.of(1));
    assert!(first.err.contains("7 recordings in 0:0"), "{}", first.err);
    assert!(
        first.err.contains("5 complete, 1 incomplete, 1 not-found, 1 doubled line left out"),
        "{}",
        first.err
    );
    let again = std::fs::read_to_string(world.path("again.csv")).unwrap();
    assert_eq!(again, format!("Date,SID\n\"1,2\",{}\n\"1,2\",{nowhere}\n", id(2)));
    // The slice turns up.
    std::fs::write(&lost, bytes).unwrap();
    let second = world.run(&["batch", "again.csv", "--out", "out", "--failed", "again.csv"]);
    assert_eq!((second.code, second.outcomes.len()), (7, 2), "{}{}", second.out, second.err);
    assert_eq!(second.of(2).outcome, "complete");
    assert_eq!(second.of(2).objects.fetched, 1, "what was proven is kept");
    world.list(&ids(6));
    let third = world.batch(&["--failed", "again.csv"]);
    assert_eq!((third.code, third.states(StateV1::There)), (0, 6), "{}{}", third.out, third.err);
    assert_eq!(std::fs::read_to_string(world.path("again.csv")).unwrap(), "");
    world.all_there(6);
}

#[test]
fn a_rerun_of_the_same_list_asks_no_store_for_what_is_there_and_looks_again_where_it_is_not() {
    let (world, _runtime, server) = World::in_bucket(4);
    let first = world.batch(&[]);
    assert_eq!((first.code, first.states(StateV1::Fetched)), (0, 4), "{}{}", first.out, first.err);
    let asked = server.requests().len();
    let second = world.batch(&[]);
    assert_eq!((second.code, second.states(StateV1::There)), (0, 4), "{}{}", second.out, second.err);
    assert_eq!(server.requests().len(), asked, "nothing is asked");
    // A file is gone, one is cut, a bag is gone: the ledger is not believed.
    let data = |n| world.path("out").join(id(n)).join("data");
    std::fs::remove_file(data(0).join(format!("{}{FIFTH}", id(0)))).unwrap();
    std::fs::write(data(1).join(format!("{}{FIFTH}", id(1))), b"cut").unwrap();
    std::fs::remove_dir_all(world.path("out").join(id(2))).unwrap();
    let third = world.batch(&[]);
    assert_eq!((third.code, third.states(StateV1::There)), (0, 1), "{}{}", third.out, third.err);
    assert_eq!((third.of(0).objects.fetched, third.of(1).objects.fetched), (1, 1));
    assert_eq!(third.of(2).objects.fetched, 7);
    world.all_there(4);
    // Told to, it looks at everything anew.
    let again = world.batch(&["--again"]);
    assert_eq!((again.code, again.states(StateV1::Fetched)), (0, 4), "{}{}", again.out, again.err);
    assert!(again.outcomes.iter().all(|outcome| outcome.objects.fetched == 0));
}

#[test]
fn a_batch_is_brought_to_another_store_and_a_second_run_has_nothing_to_do() {
    let (world, _runtime, server) = World::in_bucket(3);
    let args = ["batch", "list.txt", "--mirror", "cold", "--ledger", "deep/ledger"];
    let first = world.run(&args);
    assert_eq!((first.code, first.states(StateV1::Mirrored)), (0, 3), "{}{}", first.out, first.err);
    for sid in ids(3) {
        assert!(archive::verify(&world.path("cold").join(&sid), &|_| ()).unwrap().is_whole());
    }
    let asked = server.requests().len();
    let second = world.run(&args);
    assert_eq!((second.code, second.states(StateV1::There)), (0, 3), "{}{}", second.out, second.err);
    assert_eq!(server.requests().len(), asked);
    // The mark counts, not the ledger: without it everything is looked at.
    std::fs::remove_file(world.path("cold").join(id(1)).join("mirror.json")).unwrap();
    let third = world.run(&args);
    assert_eq!((third.code, third.states(StateV1::Mirrored)), (0, 1), "{}{}", third.out, third.err);
    assert_eq!(third.of(1).objects.fetched, 0, "the rest is there: {:?}", third.of(1));
}

/// Starts a batch that takes some seconds, and waits for its first outcome.
fn begun(world: &World, args: &[&str]) -> (Child, OutcomeV1, BufReader<std::process::ChildStdout>) {
    let usual = ["batch", "list.txt", "--out", "out", "--recordings", "2", "--limit-rate", "300k"];
    let mut child = world.command(&[&usual[..], args].concat(), &[]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap(), lines)
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
}

#[test]
fn what_was_done_before_a_kill_is_done_and_the_rerun_does_the_rest() {
    let world = World::new(10);
    let (mut child, done, _) = begun(&world, &[]);
    child.kill().unwrap();
    child.wait().unwrap();
    let second = world.batch(&[]);
    assert_eq!((second.code, second.outcomes.len()), (0, 10), "{}{}", second.out, second.err);
    let there: Vec<_> = second.outcomes.iter().filter(|o| o.state == StateV1::There).collect();
    assert!(there.iter().any(|outcome| outcome.recording == done.recording), "{}", second.out);
    assert!(there.len() < 10, "it was killed before its end");
    world.all_there(10);
    assert_eq!(world.run(&["ledger", "ls", "--out", "out", "--open"]).out, "");
}

#[test]
fn a_batch_that_is_told_to_stop_ends_in_order_and_hands_back_what_is_left() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let world = World::new(10);
        let (mut child, first, mut lines) = begun(&world, &["--failed", "left.txt"]);
        kill_process(pid(&child), signal).unwrap();
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut lines, &mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let more = rest.lines().map(|line| serde_json::from_str::<OutcomeV1>(line).unwrap());
        let ended: Vec<_> = [first].into_iter().chain(more).collect();
        let complete = ended.iter().filter(|outcome| outcome.is_complete()).count();
        assert!(ended.iter().all(|o| o.is_complete() || o.outcome == "interrupted"), "{ended:?}");
        let left = std::fs::read_to_string(world.path("left.txt")).unwrap();
        assert_eq!(left.lines().count() + complete, 10, "{left}");
        let rest = world.run(&["batch", "left.txt", "--out", "out"]);
        assert_eq!((rest.code, rest.outcomes.len()), (0, 10 - complete), "{}{}", rest.out, rest.err);
        world.all_there(10);
    }
}

#[test]
fn two_batches_on_one_ledger_share_the_work_and_each_tells_all() {
    let world = World::new(8);
    let args = ["batch", "list.txt", "--out", "out", "--recordings", "2", "--limit-rate", "500k"];
    let children: Vec<_> = (0..2).map(|_| world.command(&args, &[]).spawn().unwrap()).collect();
    let ended: Vec<_> = children.into_iter().map(said).collect();
    for said in &ended {
        assert_eq!((said.code, said.outcomes.len()), (0, 8), "{}{}", said.out, said.err);
    }
    let fetched = |n: usize| ended.iter().filter(|said| said.of(n).state == StateV1::Fetched).count();
    assert_eq!((0..8).map(fetched).collect::<Vec<_>>(), [1; 8], "each came once");
    assert!(ended.iter().all(|said| said.states(StateV1::Fetched) > 0), "both worked");
    world.all_there(8);
    let left = world.names("out");
    assert!(!left.iter().any(|name| name.contains("-worker-")), "{left:?}");
}

#[test]
fn the_shares_of_a_list_are_all_of_it_and_no_recording_is_in_two() {
    let world = World::new(9);
    let mut all = Vec::new();
    for index in 0..3 {
        let count = [("SLURM_ARRAY_TASK_ID", index.to_string()), ("SLURM_ARRAY_TASK_COUNT", "3".to_owned())];
        let variables: Vec<_> = count.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let said = world.run_with(&["batch", "list.txt", "--out", "out"], &variables);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        assert!(said.err.contains(&format!("share      {index}/3, by SLURM_ARRAY_TASK_ID")), "{}", said.err);
        all.extend(said.outcomes.into_iter().map(|outcome| outcome.recording));
    }
    all.sort();
    assert_eq!(all, ids(9));
    let refused = world.run_with(&["batch", "list.txt"], &[("JOB_COMPLETION_INDEX", "1")]);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{}", refused.err);
}

#[test]
fn everything_that_a_store_lists_of_a_time_is_taken_and_the_ledger_answers_about_it() {
    let world = World::new(3);
    for (since, until, expected) in [("2026-09-01", "2026-10-01", 3), ("2026-08-01", "2026-09-01", 0)] {
        let said = world.run(&["batch", "--all", "--since", since, "--until", until, "--out", "out"]);
        assert_eq!((said.code, said.outcomes.len()), (0, expected), "{}{}", said.out, said.err);
    }
    let said = world.run(&["ledger", "ls", "--out", "out", "--since", "2026-09-20", "--until", "2026-09-21"]);
    assert_eq!(said.out.lines().count(), 3, "{}{}", said.out, said.err);
    assert!(said.out.starts_with("complete  "), "{}", said.out);
    let none = world.run(&["ledger", "export", "--out", "out", "--since", "2026-09-21", "--format", "ids"]);
    assert_eq!((none.code, none.out.as_str()), (0, ""));
    let shown = world.run(&["ledger", "show", &id(1), "--out", "out"]);
    assert!(shown.out.contains("proof") && shown.out.contains("complete in 0:0"), "{}", shown.out);
    let unknown = world.run(&["ledger", "show", "nobody", "--out", "out"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (7, ""));
    let nowhere = world.run(&["ledger", "ls", "--ledger", "no/such"]);
    assert_eq!(nowhere.code, 7, "{}", nowhere.err);
    assert!(!world.path("no").exists(), "asking makes none");
}

#[test]
fn a_ledger_that_was_lost_is_written_again_from_the_bags() {
    let (world, _runtime, server) = World::in_bucket(3);
    assert_eq!(world.batch(&[]).code, 0);
    for name in world.names("out").iter().filter(|name| name.starts_with("recfetch-ledger")) {
        std::fs::remove_file(world.path("out").join(name)).unwrap();
    }
    let damaged = world.path("out").join(id(2)).join("data").join(format!("{}{FIFTH}", id(2)));
    std::fs::write(damaged, b"cut").unwrap();
    std::fs::create_dir(world.path("out/somebodys")).unwrap();
    let rebuilt = world.run(&["ledger", "rebuild", "--out", "out"]);
    assert_eq!(rebuilt.code, 4, "{}{}", rebuilt.out, rebuilt.err);
    assert!(
        rebuilt.out.contains("from 3 bags, 1 not as they were sealed; 1 folder without one"),
        "{}",
        rebuilt.out
    );
    let open = world.run(&["ledger", "export", "--out", "out", "--open", "--format", "ids"]);
    assert_eq!(open.out, format!("{}\n", id(2)));
    let asked = server.requests().len();
    let said = world.batch(&[]);
    assert_eq!((said.code, said.states(StateV1::There)), (0, 2), "{}{}", said.out, said.err);
    assert!(server.requests()[asked..].iter().all(|request| !request.path.contains(&id(0))));
}

#[test]
fn jobs_say_more_than_a_name_and_wrong_ones_are_told_in_their_turn() {
    let world = World::new(2);
    let jobs = format!(
        "{{\"recording\":\"{}\",\"mirror\":{{\"to\":\"cold\"}}}}\n{{\"recording\":\"{}\",\"onyl\":\"mp4\"}}\n\
         {{\"sid\":\"{}\",\"fetch\":{{\"keep\":\"joined\",\"out\":\"films\"}}}}\n\
         {{\"sid\":\"{}\",\"mirror\":{{\"to\":\"nowhere\"}}}}\n",
        id(0),
        id(0),
        id(1),
        id(1)
    );
    std::fs::write(world.path("jobs.ndjson"), jobs).unwrap();
    let said = world.run(&["batch", "jobs.ndjson", "--out", "out", "--failed", "again.ndjson"]);
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert_eq!(said.words(), words(&[("complete", 2), ("usage", 2)]), "{}", said.out);
    assert!(
        said.out.contains("unknown field `onyl`") && said.out.contains("line 2 of the list"),
        "{}",
        said.out
    );
    assert!(said.out.contains("no store is called `nowhere`"), "{}", said.out);
    assert!(world.path("cold").join(id(0)).join("mirror.json").is_file());
    let film = world.path("films").join(id(1)).join("data");
    assert!(std::fs::read_dir(film).unwrap().flatten().count() < 7);
    let again = std::fs::read_to_string(world.path("again.ndjson")).unwrap();
    assert_eq!(again.lines().count(), 2);
    assert!(again.contains("onyl") && again.contains("nowhere"), "{again}");
}

#[test]
fn counts_are_written_for_a_monitor_and_lines_for_a_log() {
    let world = World::new(3);
    world.lose_a_slice(1);
    let args =
        ["--metrics", "recfetch.prom", "--progress", "lines", "--recordings", "1", "--limit-rate", "250k"];
    let said = world.batch(&args);
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    let text = std::fs::read_to_string(world.path("recfetch.prom")).unwrap();
    let scrape = prometheus_parse::Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap();
    let value = |metric: &str, outcome: Option<&str>| {
        let found = scrape.samples.iter().find(|sample| {
            sample.metric == metric && outcome.is_none_or(|word| sample.labels.get("outcome") == Some(word))
        });
        match found.unwrap_or_else(|| panic!("no {metric} in {text}")).value {
            prometheus_parse::Value::Counter(value) | prometheus_parse::Value::Gauge(value) => value,
            ref other => panic!("{metric}: {other:?}"),
        }
    };
    assert_eq!(value("recfetch_recordings_total", Some("complete")), 2.0);
    assert_eq!(value("recfetch_recordings_total", Some("incomplete")), 1.0);
    assert_eq!(value("recfetch_recordings_listed", None), 3.0);
    assert_eq!(value("recfetch_recordings_running", None), 0.0);
    assert!(value("recfetch_received_bytes_total", None) > 400_000.0);
    assert!(!world.names(".").iter().any(|name| name.ends_with(".part")));
    let lines: Vec<_> =
        said.err.lines().filter(|line| line.starts_with("batch ") && line.contains(" of 3 ")).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.contains("1 at once")), "{}", said.err);
    assert!(!said.err.contains('\u{1b}') && !said.err.contains('\r'), "{:?}", said.err);
}

#[test]
fn what_cannot_be_a_list_or_a_ledger_stops_everything_before_it_begins() {
    let world = World::new(1);
    std::fs::write(world.path("bad.csv"), "date,id\n1,2\n").unwrap();
    std::fs::write(world.path("text"), "x".repeat(4096)).unwrap();
    for args in [
        &["batch", "bad.csv"][..],
        &["batch", "nowhere.txt"],
        &["batch", "list.txt", "--ledger", "text"],
        &["batch", "list.txt", "--mirror", "nowhere"],
        &["batch", "list.txt", "--since", "2026-01-01"],
        &["batch", "--all", "--since", "march"],
        &["batch", "list.txt", "--shard", "3/3"],
        &["batch"],
    ] {
        let said = world.run(args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}: {}", said.err);
    }
    assert!(!world.path(&id(0)).exists());
}
