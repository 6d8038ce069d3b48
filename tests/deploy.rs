//! What lies in `deploy/` is well-formed, says what it has to, and runs as far as that can be had here.

#![cfg(all(feature = "cli", feature = "s3", feature = "oss"))]
#![allow(clippy::print_stderr, reason = "what is left out is said")]

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use yaml_rust2::{Yaml, YamlLoader};

const RECFETCH: &str = env!("CARGO_BIN_EXE_recfetch");
const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";
const RECORDINGS: usize = 24;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn deploy(file: &str) -> PathBuf {
    root("deploy").join(file)
}

fn text(file: &str) -> String {
    std::fs::read_to_string(deploy(file)).expect(file)
}

fn yaml(file: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(&text(file)).expect(file);
    assert_eq!(documents.len(), 1, "{file}");
    documents.remove(0)
}

fn words(list: &Yaml) -> Vec<&str> {
    let list = list.as_vec().expect("a list");
    list.iter().map(|word| word.as_str().unwrap_or_else(|| panic!("no text: {word:?}"))).collect()
}

/// Whether recfetch knows these flags and takes their values.
fn takes(args: &[&str]) -> bool {
    let mut command = Command::new(RECFETCH);
    command.env_clear().args(args).arg("--help").output().expect("recfetch").status.success()
}

/// The template of the pods of either file.
fn pods(file: &Yaml) -> &Yaml {
    &file["spec"]["template"]["spec"]
}

#[test]
fn a_flag_that_recfetch_does_not_know_would_be_found() {
    assert!(takes(&["work", "--recordings", "4"]));
    assert!(!takes(&["work", "--recordinks", "4"]));
    assert!(!takes(&["work", "--recordings", "many"]));
}

#[test]
fn pods_call_recfetch_as_it_is_to_be_called_and_have_what_they_mount() {
    for file in ["kubernetes/job.yaml", "kubernetes/worker.yaml"] {
        let document = yaml(file);
        let pods = pods(&document);
        let container = &pods["containers"][0];
        assert!(takes(&words(&container["args"])), "{file}: {:?}", container["args"]);
        let names = |list: &Yaml| {
            let list = list.as_vec().expect("a list");
            list.iter()
                .map(|entry| entry["name"].as_str().expect("a name").to_owned())
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(names(&container["volumeMounts"]), names(&pods["volumes"]), "{file}");
        // A worker hands back what it has within 30 seconds, and the ledger is closed.
        assert!(pods["terminationGracePeriodSeconds"].as_i64().is_some_and(|time| time > 30), "{file}");
        assert!(container["resources"]["limits"]["memory"].as_str().is_some(), "{file}");
    }
}

#[test]
fn the_job_has_as_many_completions_as_shares() {
    let job = yaml("kubernetes/job.yaml");
    assert_eq!(job["spec"]["completionMode"].as_str(), Some("Indexed"));
    let completions = job["spec"]["completions"].as_i64().expect("completions").to_string();
    let args = words(&pods(&job)["containers"][0]["args"]);
    let shards = args.iter().position(|arg| *arg == "--shards").expect("--shards");
    assert_eq!(args[shards + 1], completions);
}

#[test]
fn the_deployment_knows_its_pods_and_they_know_their_queue() {
    let deployment = yaml("kubernetes/worker.yaml");
    assert_eq!(deployment["kind"].as_str(), Some("Deployment"));
    let spec = &deployment["spec"];
    assert_eq!(spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]);
    let args = words(&pods(&deployment)["containers"][0]["args"]);
    assert!(args[0] == "work" && args.contains(&"--queue"), "{args:?}");
    assert!(!args.contains(&"--drain"), "a Deployment would start it again and again");
}

#[test]
fn nothing_runs_as_root() {
    for file in ["kubernetes/job.yaml", "kubernetes/worker.yaml"] {
        let document = yaml(file);
        let pods = pods(&document);
        assert_eq!(pods["securityContext"]["runAsNonRoot"].as_bool(), Some(true), "{file}");
        let container = &pods["containers"][0]["securityContext"];
        assert_eq!(container["allowPrivilegeEscalation"].as_bool(), Some(false), "{file}");
    }
    let container = text("Containerfile");
    let user = container.lines().rev().find_map(|line| line.strip_prefix("USER ")).expect("USER");
    assert!(!user.starts_with('0') && !user.starts_with("root"), "{user}");
    assert!(text("systemd/recfetch-batch.service").contains("DynamicUser=yes"));
}

#[test]
fn an_image_is_built_from_all_that_the_build_needs() {
    let ignored = std::fs::read_to_string(root(".dockerignore")).expect("a file");
    let ignored: Vec<_> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    for needed in ["Cargo.toml", "Cargo.lock", "src", "tests", "benches", "examples", "schema", "fixtures"] {
        assert!(root(needed).exists() && !ignored.contains(&needed), "{needed}");
    }
    for left_out in [".git", "target"] {
        assert!(ignored.contains(&left_out), "{left_out}");
    }
}

#[test]
fn the_unit_calls_recfetch_as_it_is_to_be_called() {
    let unit = text("systemd/recfetch-batch.service");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("ExecStart");
    let args: Vec<_> = start.split(' ').skip(1).collect();
    assert!(takes(&args), "{args:?}");
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let dir = tempfile::tempdir().expect("a folder");
    let verify = |spoil: fn(String) -> String| {
        let mut command = Command::new("systemd-analyze");
        command.args(["verify", "--man=no"]);
        for name in ["recfetch-batch.service", "recfetch-batch.timer"] {
            let unit = text(&format!("systemd/{name}")).replace("/usr/local/bin/recfetch", RECFETCH);
            let path = dir.path().join(name);
            std::fs::write(&path, spoil(unit)).expect("written");
            command.arg(path);
        }
        command.output().expect("systemd-analyze")
    };
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("left out: there is no systemd-analyze here");
        return;
    }
    // It warns of what it does not know, and ends well.
    let said = |output: Output| String::from_utf8(output.stderr).expect("text");
    let about_ours = |said: &str| said.lines().any(|line| line.contains("recfetch-batch"));
    let found = said(verify(|unit| unit));
    assert!(!about_ours(&found), "{found}");
    let found = said(verify(|unit| unit.replace("DynamicUser", "DynamikUser")));
    assert!(about_ours(&found), "a mistake would not be found: {found}");
}

/// A folder with recordings in a store `prod`, a store `cold`, and recfetch for scripts that call it.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().expect("a folder"));
        let mut config = String::new();
        for store in ["prod", "cold"] {
            std::fs::create_dir(world.path(store)).expect("a folder");
            config += &format!("[store.{store}]\nvendor = \"dir\"\npath = {:?}\n", world.path(store));
        }
        std::fs::write(world.path("config.toml"), config).expect("written");
        for sid in Self::ids() {
            for entry in std::fs::read_dir(root("fixtures/recording")).expect("recordings").flatten() {
                let name = entry.file_name().into_string().expect("text");
                let bytes = std::fs::read(entry.path()).expect("a file");
                if name.starts_with(SID) {
                    let text = String::from_utf8(bytes.clone());
                    let bytes = text.map_or(bytes, |text| text.replace(SID, &sid).into_bytes());
                    std::fs::write(world.path("prod").join(name.replace(SID, &sid)), bytes).expect("written");
                }
            }
        }
        let list: Vec<_> = Self::ids().into_iter().collect();
        std::fs::write(world.path("list.txt"), list.join("\n")).expect("written");
        std::fs::create_dir(world.path("bin")).expect("a folder");
        symlink(RECFETCH, world.path("bin/recfetch")).expect("a link");
        world
    }

    fn ids() -> BTreeSet<String> {
        (0..RECORDINGS).map(|n| format!("{n:02x}{}", &SID[2..])).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A command that finds recfetch and the settings.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let path = std::env::var("PATH").expect("PATH");
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("HOME", self.0.path())
            .env("RECFETCH_CONFIG", self.path("config.toml"))
            .env("RECFETCH_STORE", "prod")
            .env("RECFETCH_OUT", self.path(""))
            .current_dir(self.0.path());
        command
    }

    /// What the outcomes in a text are about. Each is complete, and was brought there and then.
    fn brought(text: &str) -> Vec<String> {
        let outcomes = text.lines().filter(|line| line.starts_with('{'));
        let brought = outcomes.map(|line| {
            let outcome: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert!(outcome["exit_code"] == 0 && outcome["state"] == "mirrored", "{outcome}");
            outcome["recording"].as_str().expect("a recording").to_owned()
        });
        brought.collect()
    }

    /// Everything is there, and was brought once.
    fn is_done(&self, brought: &[String]) {
        assert_eq!(brought.len(), RECORDINGS, "none twice, none left out: {brought:?}");
        assert_eq!(brought.iter().cloned().collect::<BTreeSet<_>>(), Self::ids());
        for sid in Self::ids() {
            let output =
                self.command(RECFETCH).args(["verify", "--store", "cold", &sid]).output().expect("recfetch");
            assert!(output.status.success(), "{sid}: {output:?}");
        }
    }
}

/// Runs the Slurm script with a recfetch that prints what it was called with.
fn slurm(args: &[&str], task: Option<&str>) -> Output {
    let dir = tempfile::tempdir().expect("a folder");
    let program = dir.path().join("recfetch");
    std::fs::write(&program, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").expect("a program");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").expect("PATH"));
    let mut command = Command::new("bash");
    command.arg(deploy("slurm/batch.sh")).args(args).env("PATH", path).env("RECFETCH_OUT", "/out");
    command.env_remove("SLURM_ARRAY_TASK_ID").envs(task.map(|task| ("SLURM_ARRAY_TASK_ID", task)));
    command.output().expect("bash")
}

#[test]
fn each_task_of_a_slurm_array_has_its_own_ledger() {
    let output = slurm(&["my list.txt", "archive"], Some("3"));
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).expect("text");
    let wanted = [
        "batch",
        "my list.txt",
        "--mirror",
        "archive",
        "--progress",
        "lines",
        "--ledger",
        "/out/recfetch-ledger-3.sqlite",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), wanted);
}

#[test]
fn the_slurm_script_refuses_to_run_without_an_array_or_a_store() {
    assert!(!slurm(&["list.txt", "archive"], None).status.success());
    assert!(!slurm(&["list.txt"], Some("0")).status.success());
}

#[test]
fn two_tasks_share_a_list_and_together_do_all_of_it() {
    let world = World::new();
    let mut brought = Vec::new();
    for task in ["0", "1"] {
        let mut command = world.command("bash");
        command.arg(deploy("slurm/batch.sh")).args(["list.txt", "cold"]);
        let array = [("ID", task), ("MIN", "0"), ("MAX", "1"), ("STEP", "1"), ("COUNT", "2")];
        command.envs(array.map(|(name, value)| (format!("SLURM_ARRAY_TASK_{name}"), value)));
        let output = command.output().expect("bash");
        assert!(output.status.success(), "{output:?}");
        let share = World::brought(&String::from_utf8(output.stdout).expect("text"));
        assert!(!share.is_empty(), "nothing for task {task}");
        brought.extend(share);
    }
    world.is_done(&brought);
}

#[test]
fn an_array_of_slurm_does_all_of_a_list() {
    let is_root = rustix::process::geteuid().is_root();
    let path = format!("{}:/usr/sbin", std::env::var("PATH").expect("PATH"));
    let has = |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).exists());
    if !is_root || !["munged", "slurmctld", "slurmd", "sbatch", "python3"].into_iter().all(has) {
        eprintln!("left out: there is no Slurm here, or this is not root");
        return;
    }
    let world = World::new();
    let mut command = world.command(root("scripts/slurm"));
    // `sbatch --wait` looks every half a minute.
    let submit = "sbatch \"$@\" && until [ -z \"$(squeue --noheader)\" ]; do sleep 0.2; done";
    command.args(["bash", "-c", submit, "bash"]).arg(deploy("slurm/batch.sh")).args(["list.txt", "cold"]);
    let output = command.output().expect("Slurm");
    assert!(output.status.success(), "{output:?}");
    let mut brought = Vec::new();
    let mut logs = 0;
    for entry in std::fs::read_dir(world.0.path()).expect("a folder").flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "log") {
            logs += 1;
            brought.extend(World::brought(&std::fs::read_to_string(entry.path()).expect("text")));
        }
    }
    assert_eq!(logs, 8, "one for each task");
    world.is_done(&brought);
}
