//! Runs one of the loopback servers until it is stopped: for the demo, benchmarks and trying things out.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use recfetch_test_support::kodo::{Access, Domains, KodoOptions};
use recfetch_test_support::link::{self, LinkOptions};
use recfetch_test_support::make::{self, Hls, Made};
use recfetch_test_support::oss::{OssOptions, Signatures};
use recfetch_test_support::s3::{Keys, Permission, S3Options, Token};
use recfetch_test_support::store::{Checksum, Object, Objects};
use recfetch_test_support::ts::Tracks;
use recfetch_test_support::web::WebOptions;
use recfetch_test_support::{Handle, fault, kodo, oss, s3, script, web};

/// Loopback servers on 127.0.0.1. Prints `listening URL` when ready. Also makes what they can serve.
#[derive(Parser)]
#[command(name = "loopback")]
struct Cli {
    #[command(subcommand)]
    server: Server,
    /// Stop after this many seconds.
    #[arg(long, global = true)]
    seconds: Option<u64>,
    /// The port; 0 takes any free one.
    #[arg(long, global = true, default_value_t = 0)]
    port: u16,
    /// Write each request that was answered to this file: method, status, path and query, with tabs between.
    #[arg(long, global = true)]
    requests: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Server {
    /// An S3 server that checks signatures.
    S3 {
        #[command(flatten)]
        content: Content,
        /// The bucket.
        #[arg(long)]
        bucket: String,
        #[arg(long)]
        access_key: String,
        #[arg(long)]
        secret_key: String,
        /// Session token that must come with the keys.
        #[arg(long)]
        session_token: Option<String>,
        /// Refuse requests signed for another region.
        #[arg(long)]
        region: Option<String>,
        /// Let unsigned requests read and list.
        #[arg(long)]
        public: bool,
        /// Most keys in one page of a listing.
        #[arg(long, default_value_t = 1000)]
        page_size: usize,
        /// Keep this checksum of every object, as S3 does of what is uploaded today.
        #[arg(long)]
        checksum: Option<Kept>,
        /// Objects larger than this have the ETag of an upload in parts, which is no MD5.
        #[arg(long)]
        parts_above: Option<String>,
    },
    /// An Aliyun OSS server that checks signatures.
    Oss {
        #[command(flatten)]
        content: Content,
        /// The bucket.
        #[arg(long)]
        bucket: String,
        #[arg(long)]
        access_key: String,
        #[arg(long)]
        secret_key: String,
        /// Session token that must come with the keys.
        #[arg(long)]
        session_token: Option<String>,
        /// The bucket's region, without `oss-`.
        #[arg(long, default_value = "cn-hangzhou")]
        region: String,
        /// A domain that is bound to the bucket; may be repeated.
        #[arg(long)]
        bound: Vec<String>,
        /// Take only signatures of version 1.
        #[arg(long)]
        only_v1: bool,
        /// Let unsigned requests read and list.
        #[arg(long)]
        public: bool,
        /// Most keys in one page of a listing.
        #[arg(long, default_value_t = 1000)]
        page_size: usize,
    },
    /// A Qiniu Kodo server that checks signatures: its interfaces and a domain of the bucket on one port.
    Kodo {
        #[command(flatten)]
        content: Content,
        /// The bucket.
        #[arg(long)]
        bucket: String,
        #[arg(long)]
        access_key: String,
        #[arg(long)]
        secret_key: String,
        /// Let unsigned requests read.
        #[arg(long)]
        public: bool,
        /// A domain that the account is told; the server's own address without it.
        #[arg(long)]
        domain: Vec<String>,
        /// Most keys in one page of a listing.
        #[arg(long, default_value_t = 1000)]
        page_size: usize,
    },
    /// A plain web server.
    Web {
        #[command(flatten)]
        content: Content,
    },
    /// A proxy that does wrong on purpose.
    Fault {
        /// The server behind: http://127.0.0.1:PORT
        #[arg(long)]
        upstream: String,
        /// Lines `[head:|list:]SUFFIX FAULT[=ARGUMENT] [TIMES|always]`.
        #[arg(long)]
        script: PathBuf,
        /// Folder with the objects, for faults that need more bytes than a request brings.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// A link with delay and bounded bandwidth; no loss, no slow start.
    Link {
        /// The server behind: http://127.0.0.1:PORT
        #[arg(long)]
        upstream: String,
        /// Milliseconds there and back.
        #[arg(long)]
        rtt_ms: u64,
        /// Megabits a second of each connection.
        #[arg(long)]
        connection_mbit: f64,
        /// Megabits a second of all together.
        #[arg(long)]
        total_mbit: f64,
        /// Write the bytes that clients were given, a line of JSON per 100 ms.
        #[arg(long)]
        log: Option<PathBuf>,
    },
    /// Makes recordings in a folder, prints what it made as JSON, and ends.
    Make {
        #[command(subcommand)]
        what: What,
    },
}

#[derive(Subcommand)]
enum What {
    /// Recordings in segments.
    Hls {
        /// The folder; it may be there, files of these names may not.
        #[arg(long)]
        out: PathBuf,
        #[arg(long, default_value_t = 1)]
        recordings: u32,
        /// Segments of each recording.
        #[arg(long)]
        slices: u32,
        /// Size of a segment; may end with K, M or G.
        #[arg(long)]
        bytes: String,
        /// How long a segment plays.
        #[arg(long, default_value_t = 15, value_name = "SECONDS")]
        plays: u32,
        /// No pictures.
        #[arg(long)]
        audio_only: bool,
    },
    /// One recording that is one MP4.
    Film {
        #[arg(long)]
        out: PathBuf,
        /// About how large; may end with K, M or G; less than 4G.
        #[arg(long)]
        bytes: String,
        /// How long it plays.
        #[arg(long, default_value_t = 7200, value_name = "SECONDS")]
        plays: u32,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kept {
    Crc64nvme,
    Crc32c,
    Sha256,
}

#[derive(Args)]
struct Content {
    /// Serve the files under this folder, as they are at the start.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Made-up objects: `COUNT,SIZE` (named pattern-000000.bin and so on) or `NAME=SIZE,...`; sizes may
    /// end with K, M or G.
    #[arg(long)]
    pattern: Option<String>,
    /// Put the objects whose key ends so into a storage class: `CLASS` or `SUFFIX=CLASS`; may be repeated.
    #[arg(long)]
    class: Vec<String>,
    /// A restore of an archived object takes so many seconds; without this it never ends.
    #[arg(long)]
    restore_seconds: Option<u64>,
    /// A long object out of a file, again and again: `NAME=SIZE,FILE`.
    #[arg(long)]
    repeat: Vec<String>,
}

type Failure = Box<dyn Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cli = Cli::parse();
    let handle = match cli.server {
        Server::S3 {
            content,
            bucket,
            access_key,
            secret_key,
            session_token,
            region,
            public,
            page_size,
            checksum,
            parts_above,
        } => {
            let mut keys = Keys::new(&access_key, &secret_key);
            keys.token = session_token.map_or(Token::None, Token::Required);
            let mut options = S3Options::new(&bucket, keys);
            options.region = region;
            options.page_size = page_size.max(1);
            options.port = cli.port;
            if public {
                options.anonymous = Permission::Allowed;
            }
            let objects = content.objects()?;
            keep(&objects, checksum, parts_above.as_deref().map(size).transpose()?);
            s3::start(&objects, options).await?
        }
        Server::Oss {
            content,
            bucket,
            access_key,
            secret_key,
            session_token,
            region,
            bound,
            only_v1,
            public,
            page_size,
        } => {
            let mut keys = Keys::new(&access_key, &secret_key);
            keys.token = session_token.map_or(Token::None, Token::Required);
            let mut options = OssOptions::new(&bucket, keys);
            (options.region, options.bound, options.port) = (region, bound, cli.port);
            options.page_size = page_size.max(1);
            if only_v1 {
                options.signatures = Signatures::OnlyV1;
            }
            if public {
                options.anonymous = Permission::Allowed;
            }
            oss::start(&content.objects()?, options).await?
        }
        Server::Kodo { content, bucket, access_key, secret_key, public, domain, page_size } => {
            let mut options = KodoOptions::new(&bucket, &access_key, &secret_key);
            options.page_size = page_size.max(1);
            options.port = cli.port;
            if public {
                options.access = Access::Public;
            }
            if !domain.is_empty() {
                options.domains = Domains::Named(domain);
            }
            kodo::start(&content.objects()?, options).await?
        }
        Server::Web { content } => {
            let options = WebOptions { port: cli.port, ..WebOptions::default() };
            web::start_with(&content.objects()?, options).await?
        }
        Server::Fault { upstream, script, dir } => {
            let faults = script::parse(&std::fs::read_to_string(script)?)?;
            if let Some(dir) = dir {
                faults.with_objects(&Objects::from_dir(dir)?);
            }
            fault::start_on(&upstream, &faults, cli.port).await?
        }
        Server::Link { upstream, rtt_ms, connection_mbit, total_mbit, log } => {
            let rtt = Duration::from_millis(rtt_ms);
            let options = LinkOptions { rtt, connection_mbit, total_mbit, log, port: cli.port };
            link::start(&upstream, options).await?
        }
        Server::Make { what } => return what.make(),
    };
    println!("listening {}", handle.url());
    tokio::select! {
        () = ended(cli.seconds) => Ok(()),
        failed = write_requests(&handle, cli.requests.as_deref()) => Err(failed?),
    }
}

async fn ended(seconds: Option<u64>) {
    match seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
}

/// Writes what was asked, some moments after it was answered. Only an error ends it.
async fn write_requests(handle: &Handle, path: Option<&Path>) -> std::io::Result<Failure> {
    let Some(path) = path else { return std::future::pending().await };
    let mut file = std::fs::File::create(path)?;
    loop {
        let mut lines = String::new();
        for request in handle.take_requests() {
            let (method, status, path) = (request.method, request.status, request.path);
            lines += &format!("{method}\t{status}\t{path}\t{}\n", request.query);
        }
        if let Err(error) = file.write_all(lines.as_bytes()) {
            return Ok(error.into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What a bucket says of its objects.
fn keep(objects: &Objects, checksum: Option<Kept>, parts_above: Option<u64>) {
    objects.change_all(|object| {
        let object = match checksum {
            None => object,
            Some(Kept::Crc64nvme) => object.with_checksum(Checksum::Crc64Nvme),
            Some(Kept::Crc32c) => object.with_checksum(Checksum::Crc32c),
            Some(Kept::Sha256) => object.with_checksum(Checksum::Sha256),
        };
        match parts_above {
            Some(most) if object.len() > most => object.with_multipart_etag(),
            Some(_) | None => object,
        }
    });
}

impl What {
    fn make(self) -> Result<(), Failure> {
        let made = match self {
            Self::Hls { out, recordings, slices, bytes, plays, audio_only } => {
                let tracks = if audio_only { Tracks::Audio } else { Tracks::AudioVideo };
                let bytes = usize::try_from(size(&bytes)?)?;
                make::hls(&out, &Hls { recordings, slices, bytes, seconds: plays, tracks })?
            }
            Self::Film { out, bytes, plays } => make::film(&out, size(&bytes)?, plays)?,
        };
        let Made { sids, heads, files, bytes } = made;
        println!("{}", serde_json::json!({ "sids": sids, "heads": heads, "files": files, "bytes": bytes }));
        Ok(())
    }
}

impl Content {
    fn objects(&self) -> Result<Objects, Failure> {
        let objects = match &self.dir {
            Some(dir) => Objects::from_dir(dir)?,
            None => Objects::new(),
        };
        for (seed, (name, len)) in
            self.pattern.as_deref().map(pattern).transpose()?.into_iter().flatten().enumerate()
        {
            objects.put(name, Object::pattern(len, seed as u64 + 1));
        }
        for repeat in &self.repeat {
            let parts = repeat.split_once('=').and_then(|(name, rest)| Some((name, rest.split_once(',')?)));
            let (name, (len, file)) = parts.ok_or("--repeat wants NAME=SIZE,FILE")?;
            objects.put(name, Object::repeat(std::fs::read(file)?, size(len)?));
        }
        for class in &self.class {
            let (suffix, class) = class.split_once('=').unwrap_or(("", class));
            for key in objects.keys().iter().filter(|key| key.ends_with(suffix)) {
                objects.change(key, |object| object.storage_class(class));
            }
        }
        if let Some(seconds) = self.restore_seconds {
            objects.thaws.take(Duration::from_secs(seconds));
        }
        Ok(objects)
    }
}

fn pattern(text: &str) -> Result<Vec<(String, u64)>, Failure> {
    if text.contains('=') {
        let one = |part: &str| {
            let (name, len) = part.rsplit_once('=').ok_or("--pattern wants NAME=SIZE,...")?;
            Ok((name.to_owned(), size(len)?))
        };
        return text.split(',').map(one).collect();
    }
    let (count, len) = text.split_once(',').ok_or("--pattern wants COUNT,SIZE or NAME=SIZE,...")?;
    let (count, len): (u64, u64) = (count.trim().parse()?, size(len)?);
    Ok((0..count).map(|n| (format!("pattern-{n:06}.bin"), len)).collect())
}

fn size(text: &str) -> Result<u64, Failure> {
    let text = text.trim();
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 1 << 10),
        Some(b'M') => (&text[..text.len() - 1], 1 << 20),
        Some(b'G') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let number: u64 = digits.parse().map_err(|_| format!("{text} is no size"))?;
    Ok(number.checked_mul(unit).ok_or("that is too large")?)
}
