//! Runs `recfetch` as a user would, and looks at all that it says for secrets.

use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::servers::{ACCESS, BUCKET, SECRET, Server, world};

/// A secret that is wrong, and must not be printed either.
pub(crate) const WRONG_SECRET: &str = "wr0ng/secret+key=of-the-tests";

const RECFETCH: &str = env!("CARGO_BIN_EXE_recfetch");

/// A place to run in: settings, credentials and an output folder of its own.
pub(crate) struct Case {
    dir: TempDir,
    config: String,
    env: Vec<(String, String)>,
}

/// A run that ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A run that goes on.
pub(crate) struct Running {
    pub(crate) child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    case: PathBuf,
}

impl Case {
    pub(crate) fn new(word: &str) -> Self {
        let dir = tempfile::Builder::new().prefix(&format!("{word}-")).tempdir_in(world().scratch.path());
        let dir = dir.expect("a folder");
        let env = vec![
            ("AWS_ACCESS_KEY_ID".to_owned(), ACCESS.to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), SECRET.to_owned()),
        ];
        Self { dir, config: String::new(), env }
    }

    /// A store `prod` at one of the S3 servers.
    pub(crate) fn s3(mut self, server: Server, prefix: &str, more: &str) -> Self {
        self = self.store("prod", &server.endpoint(), BUCKET, prefix, more);
        self
    }

    /// Any S3 store.
    pub(crate) fn store(
        mut self,
        name: &str,
        endpoint: &str,
        bucket: &str,
        prefix: &str,
        more: &str,
    ) -> Self {
        let prefix: Vec<_> = prefix.split('/').filter(|part| !part.is_empty()).collect();
        let _ = writeln!(
            self.config,
            "[store.{name}]\nvendor = \"s3\"\nendpoint = \"{endpoint}\"\nbucket = \"{bucket}\"\n\
             prefix = {prefix:?}\npath_style = true\n{more}"
        );
        self
    }

    /// The text of any store.
    pub(crate) fn settings(mut self, text: &str) -> Self {
        self.config.push_str(text);
        self
    }

    /// A store that is a folder of the web server.
    pub(crate) fn web(mut self, name: &str, folder: &str) -> Self {
        let url = format!("{}{folder}", world().nginx.url);
        let _ = writeln!(self.config, "[store.{name}]\nvendor = \"http\"\nurl = \"{url}/\"\nprefix = []");
        self
    }

    /// Sets a variable for all runs.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The output folder.
    pub(crate) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// The folder of the case.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A command ready to run: nothing of the user's environment but where programs are.
    pub(crate) fn command(&self, program: &str) -> Command {
        std::fs::write(self.dir.path().join("config.toml"), &self.config).expect("written");
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.dir.path()).stdin(Stdio::null());
        for name in ["PATH", "LLVM_PROFILE_FILE"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command
            .env("HOME", self.dir.path())
            .env("RECFETCH_CONFIG", self.dir.path().join("config.toml"))
            .env("RECFETCH_OUT", self.out())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs recfetch to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(self.command(RECFETCH).args(arguments))
    }

    /// Runs `recfetch fetch SID --join --json`, with more arguments.
    pub(crate) fn fetch(&self, sid: &str, more: &[&str]) -> Ran {
        self.run(&[&["fetch", sid, "--store", "prod", "--json"], more].concat())
    }

    /// Runs a shell script in which `$recfetch` is the program.
    pub(crate) fn shell(&self, wrapper: &[&str], script: &str) -> Ran {
        let (program, arguments) =
            wrapper.split_first().map_or(("sh", &[][..]), |(first, rest)| (*first, rest));
        let mut command = self.command(program);
        command.env("recfetch", RECFETCH).args(arguments);
        if !wrapper.is_empty() {
            command.arg("sh");
        }
        self.finish(command.args(["-c", script]))
    }

    fn finish(&self, command: &mut Command) -> Ran {
        let output = command.output().expect("recfetch");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let ran = Ran { status: output.status, stdout: text(&output.stdout), stderr: text(&output.stderr) };
        ran.keeps_secrets();
        files_keep_secrets(self.path());
        ran
    }

    /// Starts recfetch and leaves it running.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let (stdout, stderr) = (self.path().join("stdout"), self.path().join("stderr"));
        let mut command = self.command(RECFETCH);
        command.args(arguments).stdout(File::create(&stdout).expect("a file"));
        let child = command.stderr(File::create(&stderr).expect("a file")).spawn().expect("recfetch");
        Running { child, stdout, stderr, case: self.path().to_owned() }
    }
}

impl Running {
    /// Waits until it ends.
    pub(crate) fn end(mut self) -> Ran {
        let status = self.child.wait().expect("ended");
        let text = |path: &Path| std::fs::read_to_string(path).expect("UTF-8");
        let ran = Ran { status, stdout: text(&self.stdout), stderr: text(&self.stderr) };
        ran.keeps_secrets();
        files_keep_secrets(&self.case);
        ran
    }
}

impl Ran {
    /// The exit code was this one.
    pub(crate) fn expect(&self, code: i32) -> &Self {
        let signal = self.status.signal();
        assert!(
            self.status.code() == Some(code),
            "exit code {:?} (signal {signal:?}), not {code}\nstdout: {}\nstderr: {}",
            self.status.code(),
            shortened(&self.stdout),
            shortened(&self.stderr)
        );
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// stdout is one JSON value and nothing else.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("no JSON: {e}\nstdout: {}\nstderr: {}", self.stdout, self.stderr))
    }

    /// All that it said.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    fn keeps_secrets(&self) {
        has_no_secret("stdout", &self.stdout);
        has_no_secret("stderr", &self.stderr);
    }
}

/// Nothing that recfetch wrote has a secret in it. The payload is what the servers gave.
fn files_keep_secrets(case: &Path) {
    let mut folders = vec![case.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let payload =
                path.ends_with("data") || path.extension().is_some_and(|e| e == "ts" || e == "part");
            if path.is_dir() && !payload {
                folders.push(path);
            } else if path.is_file() && !payload {
                let bytes = std::fs::read(&path).unwrap_or_default();
                has_no_secret(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
            }
        }
    }
}

fn has_no_secret(place: &str, text: &str) {
    for secret in [SECRET, WRONG_SECRET, "X-Amz-Signature", "Signature=", "&token="] {
        assert!(!text.contains(secret), "{place} has a secret or a signature ({secret}) in it:\n{text}");
    }
}

fn shortened(text: &str) -> String {
    let end = text.char_indices().nth(4000).map_or(text.len(), |(at, _)| at);
    text[..end].to_owned()
}
