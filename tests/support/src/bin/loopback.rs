//! Runs one of the loopback servers until it is stopped: for the demo, benchmarks and trying things out.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use recfetch_test_support::kodo::{Access, Domains, KodoOptions};
use recfetch_test_support::oss::{OssOptions, Signatures};
use recfetch_test_support::s3::{Keys, Permission, S3Options, Token};
use recfetch_test_support::store::{Object, Objects};
use recfetch_test_support::web::WebOptions;
use recfetch_test_support::{fault, kodo, oss, s3, script, web};

/// Loopback servers on 127.0.0.1. Prints `listening URL` when ready.
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
    /// A long object out of a file, again and again: `NAME=SIZE,FILE`.
    #[arg(long)]
    repeat: Vec<String>,
}

type Failure = Box<dyn Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cli = Cli::parse();
    let handle = match cli.server {
        Server::S3 { content, bucket, access_key, secret_key, session_token, region, public, page_size } => {
            let mut keys = Keys::new(&access_key, &secret_key);
            keys.token = session_token.map_or(Token::None, Token::Required);
            let mut options = S3Options::new(&bucket, keys);
            options.region = region;
            options.page_size = page_size.max(1);
            options.port = cli.port;
            if public {
                options.anonymous = Permission::Allowed;
            }
            s3::start(&content.objects()?, options).await?
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
    };
    println!("listening {}", handle.url());
    match cli.seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
    Ok(())
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
