//! The servers, all on 127.0.0.1, each started once and ended with the tests.

use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::{Builder, tls};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use recfetch_test_support::{Checksum, Handle, Keys, Object, Objects, S3Options, s3};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::tools::Tools;

pub(crate) const ACCESS: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "se/cret+key=of-the-tests";
pub(crate) const BUCKET: &str = "lessons";

/// No server outlives this, whatever becomes of the tests.
const BOUND: &str = "900";

/// Everything that is running.
pub(crate) struct World {
    pub(crate) tools: Tools,
    pub(crate) scratch: TempDir,
    pub(crate) runtime: Runtime,
    pub(crate) seaweed: Seaweed,
    pub(crate) loopback: Loopback,
    pub(crate) ministack: Ministack,
    pub(crate) nginx: Nginx,
    children: Mutex<Vec<Bounded>>,
}

/// SeaweedFS.
pub(crate) struct Seaweed {
    pub(crate) endpoint: String,
    pub(crate) client: Client,
    master: String,
}

/// The server of the test kit, built on `s3s`.
pub(crate) struct Loopback {
    pub(crate) handle: Handle,
    pub(crate) objects: Objects,
}

/// Knows archived objects; checks no signature in headers.
pub(crate) struct Ministack {
    pub(crate) endpoint: String,
    pub(crate) client: Client,
}

/// A plain web server over a folder.
pub(crate) struct Nginx {
    pub(crate) url: String,
    pub(crate) root: std::path::PathBuf,
}

/// One of the two S3 servers that check signatures.
#[derive(Clone, Copy)]
pub(crate) enum Server {
    Seaweed,
    Loopback,
}

static WORLD: OnceLock<World> = OnceLock::new();

/// What is running.
pub(crate) fn world() -> &'static World {
    WORLD.get().expect("started by main")
}

/// Starts everything.
pub(crate) fn start(tools: Tools) {
    let scratch = TempDir::with_prefix("recfetch-real-").expect("a folder for the tests");
    let runtime = Runtime::new().expect("a runtime");
    let children = Mutex::default();
    let nginx = start_nginx(&tools, scratch.path(), &children);
    let (endpoint, master) = start_weed(&tools, scratch.path(), &children);
    let seaweed = Seaweed { client: client(&endpoint), endpoint, master };
    let port = free_port();
    let mut command = bounded(&tools.ministack, &scratch.path().join("ministack.log"));
    command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string()).env("LOG_LEVEL", "ERROR");
    // It believes any header, but presigned requests only with these.
    command.env("AWS_ACCESS_KEY_ID", ACCESS).env("AWS_SECRET_ACCESS_KEY", SECRET);
    command.env("HOME", scratch.path()).current_dir(scratch.path());
    children.lock().expect("lock").push(Bounded::spawn(&mut command));
    let endpoint = format!("http://127.0.0.1:{port}");
    let ministack = Ministack { client: client(&endpoint), endpoint };
    let objects = Objects::new();
    let options = S3Options::new(BUCKET, Keys::new(ACCESS, SECRET));
    let handle = runtime.block_on(s3::start(&objects, options)).expect("a loopback server");
    let loopback = Loopback { handle, objects };
    for client in [&seaweed.client, &ministack.client] {
        runtime.block_on(until_it_works(client));
    }
    let world = World { tools, scratch, runtime, seaweed, loopback, ministack, nginx, children };
    assert!(WORLD.set(world).is_ok(), "started twice");
}

/// Ends everything that was started.
pub(crate) fn stop() {
    let Some(world) = WORLD.get() else { return };
    world.children.lock().expect("lock").clear();
    // A static is never dropped.
    let _ = std::fs::remove_dir_all(world.scratch.path());
}

impl Server {
    pub(crate) const BOTH: [Self; 2] = [Self::Seaweed, Self::Loopback];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Seaweed => "seaweedfs",
            Self::Loopback => "s3s",
        }
    }

    pub(crate) fn endpoint(self) -> String {
        match self {
            Self::Seaweed => world().seaweed.endpoint.clone(),
            Self::Loopback => world().loopback.handle.url(),
        }
    }

    /// Uploads files below a prefix (with a slash at its end).
    pub(crate) fn upload(self, prefix: &str, files: &[(String, Bytes)]) {
        match self {
            Self::Seaweed => world().seaweed.upload(BUCKET, prefix, files),
            Self::Loopback => {
                for (name, bytes) in files {
                    let object = Object::new(bytes.clone()).with_checksum(Checksum::Crc64Nvme);
                    world().loopback.objects.put(format!("{prefix}{name}"), object);
                }
            }
        }
    }
}

impl Seaweed {
    fn upload(&self, bucket: &str, prefix: &str, files: &[(String, Bytes)]) {
        let puts = files.iter().map(|(name, bytes)| {
            let put = self.client.put_object().bucket(bucket).key(format!("{prefix}{name}"));
            put.body(ByteStream::from(bytes.clone())).send()
        });
        let all = futures_util::stream::iter(puts).buffer_unordered(16);
        let all = all.try_for_each(|_| std::future::ready(Ok(())));
        world().runtime.block_on(all).expect("uploaded");
    }

    /// Uploads files into a new bucket of their own.
    pub(crate) fn upload_apart(&self, bucket: &str, files: &[(String, Bytes)]) {
        let made = self.client.create_bucket().bucket(bucket).send();
        world().runtime.block_on(made).expect("a bucket");
        self.upload(bucket, "", files);
    }

    /// A command of its administrators.
    pub(crate) fn shell(&self, line: &str) -> String {
        let mut command = Command::new("timeout");
        command.arg("60").arg(&world().tools.weed).arg("shell").arg(format!("-master={}", self.master));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("weed shell");
        child.stdin.take().expect("a pipe").write_all(format!("{line}\n").as_bytes()).expect("written");
        let output = child.wait_with_output().expect("weed shell");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{line}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }
}

/// Amazon's client, for uploads and restores.
pub(crate) fn client(endpoint: &str) -> Client {
    let http = Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new(ACCESS, SECRET, None, None, "tests"))
        .region(Region::from_static("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .http_client(http)
        .build();
    Client::from_conf(config)
}

fn start_weed(tools: &Tools, scratch: &Path, children: &Mutex<Vec<Bounded>>) -> (String, String) {
    let identities = serde_json::json!({"identities": [{
        "name": "tests",
        "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }]});
    let config = scratch.join("s3.json");
    std::fs::write(&config, identities.to_string()).expect("written");
    let data = scratch.join("weed");
    std::fs::create_dir(&data).expect("a folder");
    // Its gRPC ports are those of HTTP plus ten thousand.
    let [master, volume, filer, s3] = [(); 4].map(|()| free_port_with_twin());
    let mut command = bounded(&tools.weed, &scratch.join("weed.log"));
    command
        .arg("server")
        .arg(format!("-dir={}", data.display()))
        .args([
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ])
        // A bucket takes seven volumes.
        .args(["-master.volumeSizeLimitMB=64", "-volume.max=300", "-master.telemetry=false"])
        .arg(format!("-master.port={master}"))
        .arg(format!("-volume.port={volume}"))
        .arg(format!("-filer.port={filer}"))
        .arg(format!("-s3.port={s3}"))
        .arg(format!("-s3.config={}", config.display()))
        .arg(format!("-filer.localSocket={}", scratch.join("filer.sock").display()))
        .arg(format!("-s3.localSocket={}", scratch.join("s3.sock").display()))
        .env("HOME", scratch)
        .current_dir(scratch);
    children.lock().expect("lock").push(Bounded::spawn(&mut command));
    (format!("http://127.0.0.1:{s3}"), format!("127.0.0.1:{master}"))
}

fn start_nginx(tools: &Tools, scratch: &Path, children: &Mutex<Vec<Bounded>>) -> Nginx {
    let root = scratch.join("nginx/www");
    std::fs::create_dir_all(&root).expect("a folder");
    let port = free_port();
    let server = format!("  server {{ listen 127.0.0.1:{port}; root {}; }}\n", root.display());
    run_nginx(tools, &scratch.join("nginx"), &server, children);
    let url = format!("http://127.0.0.1:{port}/");
    let start = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(start.elapsed() < Duration::from_secs(20), "nginx does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
    Nginx { url, root }
}

/// One more web server, with these `server` blocks, in a folder of this name.
pub(crate) fn bounded_nginx(word: &str, servers: &str) {
    let world = world();
    let dir = world.scratch.path().join(format!("nginx-{word}"));
    std::fs::create_dir_all(&dir).expect("a folder");
    run_nginx(&world.tools, &dir, servers, &world.children);
}

fn run_nginx(tools: &Tools, dir: &Path, servers: &str, children: &Mutex<Vec<Bounded>>) {
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let dir_text = dir.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("  {kind}_temp_path {dir_text}/{kind};\n"))
        .collect();
    let config = format!(
        "{user}\ndaemon off;\nworker_processes 1;\npid {dir_text}/pid;\nerror_log {dir_text}/error.log;\n\
         events {{ }}\nhttp {{\n{temporary}  access_log {dir_text}/access.log;\n  types {{ video/mp2t ts; }}\n\
         {servers}}}\n"
    );
    let file = dir.join("nginx.conf");
    std::fs::write(&file, config).expect("written");
    let mut command = bounded(&tools.nginx, &dir.join("nginx.log"));
    command.arg("-p").arg(dir).arg("-c").arg(&file).arg("-e").arg(dir.join("error.log"));
    children.lock().expect("lock").push(Bounded::spawn(&mut command));
}

/// A port that answers is not yet a server that works: the bucket is made and an object put.
async fn until_it_works(client: &Client) {
    let start = Instant::now();
    loop {
        let made = client.create_bucket().bucket(BUCKET).send().await;
        let put = client.put_object().bucket(BUCKET).key("ready").body(ByteStream::from_static(b"yes"));
        let put = put.send().await;
        if put.is_ok() {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "no server: {made:?} {put:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn free_port_with_twin() -> u16 {
    let start = 20_000 + u16::try_from(std::process::id() % 97).expect("small") * 20;
    static NEXT: Mutex<u16> = Mutex::new(0);
    let mut next = NEXT.lock().expect("lock");
    loop {
        let port = start + *next;
        *next += 1;
        let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if free(port) && free(port + 10_000) {
            return port;
        }
        assert!(*next < 5_000, "no free port");
    }
}

/// A program that ends by itself in the end, its output in a file.
pub(crate) fn bounded(program: &Path, log: &Path) -> Command {
    let mut command = Command::new("timeout");
    let log = File::create(log).expect("a log");
    // SeaweedFS takes keys from the variables that Amazon's tools use.
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.args(["--kill-after=5", BOUND]).arg(program).stdin(Stdio::null());
    command.stdout(log.try_clone().expect("a log")).stderr(log);
    command
}

/// A child that is ended with all its own.
pub(crate) struct Bounded(Child);

impl Bounded {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self(command.process_group(0).spawn().expect("started"))
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}
