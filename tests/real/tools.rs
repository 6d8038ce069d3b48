//! The programs that judge: where they are, and what is missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the programs are that `scripts/test` installs.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    /// SeaweedFS, an S3 server.
    pub(crate) weed: PathBuf,
    /// An S3 server that knows archived objects.
    pub(crate) ministack: PathBuf,
    /// A server of NATS.
    pub(crate) nats: PathBuf,
    /// The reference implementation of BagIt, by the Library of Congress.
    pub(crate) bagit: PathBuf,
    /// A web server.
    pub(crate) nginx: PathBuf,
    /// Moves the clock of one process.
    pub(crate) faketime: PathBuf,
    /// Python with the vendors' own clients.
    pub(crate) python: PathBuf,
    /// Node.
    pub(crate) node: PathBuf,
    /// Where the vendors' own clients for Node are: its `NODE_PATH`.
    pub(crate) node_modules: PathBuf,
}

const FAKETIME_FOLDERS: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime",
    "/usr/lib/aarch64-linux-gnu/faketime",
    "/usr/lib64/faketime",
    "/usr/lib/faketime",
];

impl Tools {
    /// Finds all of them; the wheels' programs are in `venv/bin`, packages for Node in `node` beside it.
    pub(crate) fn find(venv: &Path) -> Result<Self, String> {
        let bin = venv.join("bin");
        for name in ["ffmpeg", "ffprobe", "sha256sum", "timeout", "script", "node"] {
            on_path(name).ok_or_else(|| format!("{name} is missing"))?;
        }
        let in_venv = |name: &str| {
            let path = bin.join(name);
            path.is_file().then_some(path).ok_or_else(|| format!("{name} is missing in {}", bin.display()))
        };
        let faketime = FAKETIME_FOLDERS.iter().map(|folder| Path::new(folder).join("libfaketime.so.1"));
        let node_modules = venv.with_file_name("node").join("node_modules");
        if !node_modules.join("qiniu").is_dir() {
            return Err(format!("qiniu is missing in {}", node_modules.display()));
        }
        Ok(Self {
            weed: in_venv("weed")?,
            ministack: in_venv("ministack")?,
            nats: in_venv("nats-server")?,
            bagit: in_venv("bagit.py")?,
            nginx: on_path("nginx").ok_or("nginx is missing")?,
            faketime: faketime.into_iter().find(|path| path.is_file()).ok_or("libfaketime is missing")?,
            python: in_venv("python")?,
            node: on_path("node").ok_or("node is missing")?,
            node_modules,
        })
    }
}

/// Whether this user may mount a file system in a namespace of their own: some containers forbid it.
pub(crate) fn may_mount() -> bool {
    let script = "mount -t tmpfs -o size=1m none /mnt";
    let mut command = Command::new("unshare");
    command
        .args(["-rm", "sh", "-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The program of this name; administrators' folders are looked into too, as nginx lies there.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(more).map(|folder| folder.join(name)).find(|path| path.is_file())
}
