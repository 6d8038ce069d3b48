//! What lies in `deploy/` is well-formed, and says what it has to.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)
}

fn text(file: &str) -> String {
    std::fs::read_to_string(deploy(file)).expect(file)
}

/// Runs the Slurm script with a recfetch that prints what it was called with.
fn slurm(args: &[&str], task: Option<&str>) -> Output {
    let name = format!("recfetch-deploy-{}-{}", std::process::id(), task.unwrap_or("none"));
    let dir = std::env::temp_dir().join(format!("{name}-{}", args.len()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let program = dir.join("recfetch");
    std::fs::write(&program, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").expect("a program");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let path = format!("{}:{}", dir.display(), std::env::var("PATH").expect("PATH"));
    let mut command = Command::new("bash");
    command.arg(deploy("slurm/batch.sh")).args(args).env("PATH", path).env("RECFETCH_OUT", "/out");
    command.env_remove("SLURM_ARRAY_TASK_ID");
    if let Some(task) = task {
        command.env("SLURM_ARRAY_TASK_ID", task);
    }
    let output = command.output().expect("bash");
    std::fs::remove_dir_all(&dir).expect("removed");
    output
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
fn the_job_has_as_many_completions_as_shares() {
    let job = text("kubernetes/job.yaml");
    let value = |key: &str| job.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
    assert_eq!(value("completionMode:"), Some("Indexed"));
    let completions = value("completions:").expect("completions");
    let shares = format!("--shards, \"{completions}\"]");
    assert!(job.lines().any(|line| line.trim().ends_with(&shares)), "{shares}");
}

#[test]
fn nothing_runs_as_root() {
    let job = text("kubernetes/job.yaml");
    assert!(job.contains("runAsNonRoot: true") && job.contains("allowPrivilegeEscalation: false"));
    let container = text("Containerfile");
    let user = container.lines().rev().find_map(|line| line.strip_prefix("USER ")).expect("USER");
    assert!(!user.starts_with('0') && !user.starts_with("root"), "{user}");
    assert!(text("systemd/recfetch-batch.service").contains("DynamicUser=yes"));
}
