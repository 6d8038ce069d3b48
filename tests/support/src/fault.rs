//! A proxy that does wrong on purpose, in front of any of the servers.
//!
//! Faults are scripted per object: the script whose suffix is the longest one that the decoded path ends
//! with, consumed by the GETs of that suffix, never by the global order of calls. The request goes to the
//! server behind as it came, `Host` and all, so that signatures stay valid. One request per connection.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use md5::{Digest as _, Md5};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::net::{self, Handle, Log, Logged, Ranged};
use crate::s3::xml_error_body;
use crate::store::Objects;
use crate::wire::{Answer, Asked, read_answer, read_request};

/// One thing that goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing: the answer of the server behind, streamed.
    Pass,
    /// This status, `Retry-After` seconds, body.
    Status(u16, Option<u64>, String),
    /// 404 `NoSuchKey`.
    NotFound,
    /// 403 `AccessDenied`.
    Denied,
    /// 403 `InvalidObjectState`: lies in an archive.
    Archived,
    /// 503 `SlowDown`.
    SlowDown,
    /// The object has only its first n bytes: length, ETag (an MD5) and ranges say so too.
    Short(u64),
    /// The object has no bytes.
    Empty,
    /// 200 with a sign-in page, as a captive portal gives.
    Html,
    /// 200 with an S3 error document.
    Xml,
    /// One bit of the byte at this offset of the object is wrong; the headers are the right ones.
    Flip(u64),
    /// The bytes of another object (its key), with that object's length and ETag.
    Swap(String),
    /// These bytes, with their length and ETag.
    SwapBytes(Bytes),
    /// Announces all, sends n bytes, closes.
    Cut(u64),
    /// Announces all, sends n bytes, resets the connection.
    Reset(u64),
    /// Announces all, sends n bytes, then nothing more, for as long as the client waits.
    Stall(u64),
    /// 200 and everything, whatever `Range` said.
    IgnoreRange,
    /// 206 with the bytes after those that were asked for, and a `Content-Range` that says so.
    WrongRange,
    /// Other bytes and another ETag each time; 412 to an `If-Match` of an older ETag.
    ChangeEtag,
    /// To this URL, with this status.
    Redirect(String, u16),
    /// At most this many bytes a second.
    Slow {
        /// The rate.
        bytes_per_sec: u64,
    },
    /// The right answer after this many milliseconds.
    Delay(u64),
    /// No length: the body ends when the connection does.
    NoLength,
    /// Chunked, without a length.
    Chunked,
    /// Bytes that are no HTTP header.
    HeaderGarbage,
}

/// A list of faults consumed one per request of the object; when it is used up, everything passes.
#[derive(Clone, Debug, Default)]
pub struct Script {
    steps: Vec<(Fault, Option<usize>)>,
}

impl Script {
    /// This fault for one request.
    pub fn once(fault: Fault) -> Self {
        Self::times(fault, 1)
    }

    /// This fault for n requests.
    pub fn times(fault: Fault, n: usize) -> Self {
        Self { steps: vec![(fault, Some(n))] }
    }

    /// This fault for ever.
    pub fn always(fault: Fault) -> Self {
        Self { steps: vec![(fault, None)] }
    }

    /// After this script, that one.
    pub fn then(mut self, next: Self) -> Self {
        self.steps.extend(next.steps);
        self
    }

    fn next(&mut self) -> Fault {
        for (fault, left) in &mut self.steps {
            match left {
                None => return fault.clone(),
                Some(0) => {}
                Some(n) => {
                    *n -= 1;
                    return fault.clone();
                }
            }
        }
        Fault::Pass
    }
}

/// The scripts of a proxy. Clones share them, so that a test may change them while it runs.
#[derive(Clone, Default)]
pub struct Faults {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    gets: HashMap<String, Script>,
    heads: HashMap<String, Script>,
    lists: Script,
    objects: Option<Objects>,
    changes: u64,
    /// What the server behind gave for whole objects, by request target.
    whole: HashMap<String, Bytes>,
}

impl Faults {
    /// No faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Scripts the GETs of the objects whose decoded path ends with this.
    pub fn on(&self, suffix: &str, script: Script) -> Self {
        self.inner.lock().expect("lock").gets.insert(suffix.to_owned(), script);
        self.clone()
    }

    /// Scripts the HEADs of such objects.
    pub fn on_head(&self, suffix: &str, script: Script) -> Self {
        self.inner.lock().expect("lock").heads.insert(suffix.to_owned(), script);
        self.clone()
    }

    /// Scripts the listings.
    pub fn on_list(&self, script: Script) -> Self {
        self.inner.lock().expect("lock").lists = script;
        self.clone()
    }

    /// Lets the proxy look up whole objects here. Needed where a fault needs more bytes than a signed
    /// range request brings ([`Fault::IgnoreRange`], [`Fault::Short`], [`Fault::Swap`] and the like).
    pub fn with_objects(&self, objects: &Objects) -> Self {
        self.inner.lock().expect("lock").objects = Some(objects.clone());
        self.clone()
    }

    fn next(&self, asked: &Asked) -> Fault {
        let mut inner = self.inner.lock().expect("lock");
        let path = net::decode(asked.path());
        match asked.method.as_str() {
            "GET" if asked.is_list() => inner.lists.next(),
            "GET" => longest(&mut inner.gets, &path),
            "HEAD" => longest(&mut inner.heads, &path),
            _ => Fault::Pass,
        }
    }
}

fn longest(scripts: &mut HashMap<String, Script>, path: &str) -> Fault {
    let matching = scripts.iter_mut().filter(|(suffix, _)| path.ends_with(suffix.as_str()));
    matching.max_by_key(|(suffix, _)| suffix.len()).map_or(Fault::Pass, |(_, script)| script.next())
}

/// Starts a proxy in front of `upstream` (`http://127.0.0.1:<port>`) on any free port.
pub async fn start(upstream: &str, faults: &Faults) -> io::Result<Handle> {
    start_on(upstream, faults, 0).await
}

/// Starts a proxy on this port.
pub async fn start_on(upstream: &str, faults: &Faults, port: u16) -> io::Result<Handle> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "upstream is no http://ADDRESS:PORT");
    let upstream = upstream.trim_end_matches('/').strip_prefix("http://").ok_or_else(invalid)?;
    let upstream: SocketAddr = upstream.parse().map_err(|_| invalid())?;
    let listener = net::listen(port).await?;
    let address = listener.local_addr()?;
    let proxy = Proxy { upstream, faults: faults.clone(), log: Log::default() };
    let log = proxy.log.clone();
    let task = tokio::spawn(accept(listener, proxy));
    Ok(Handle::new(address, "http", log, task.abort_handle()))
}

async fn accept(listener: TcpListener, proxy: Proxy) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        while connections.try_join_next().is_some() {}
        let proxy = proxy.clone();
        // An error here is a client that went away, which is its right.
        connections.spawn(async move { proxy.connection(stream).await });
    }
}

#[derive(Clone)]
struct Proxy {
    upstream: SocketAddr,
    faults: Faults,
    log: Log,
}

/// How the bytes of an answer go out.
enum Sending {
    All,
    Cut(u64),
    Reset(u64),
    Stall(u64),
    Slow(u64),
    Close,
    Chunked,
}

impl Proxy {
    async fn connection(&self, mut client: TcpStream) -> io::Result<()> {
        let Some(asked) = read_request(&mut client).await? else { return Ok(()) };
        let fault = self.faults.next(&asked);
        // The log has the fate of a request before the client can know it.
        let slot = logged(&asked);
        if let Fault::Pass = fault {
            return self.pass(client, &asked, slot).await;
        }
        if let Fault::Delay(millis) = fault {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            return self.pass(client, &asked, slot).await;
        }
        if let Fault::HeaderGarbage = fault {
            self.log.add(slot);
            client.write_all(b"\x16\x03\x01 this is no header\r\n\x00\xff: \x01\r\n\r\n").await?;
            return client.shutdown().await;
        }
        let (answer, sending) = match self.answer(&fault, &asked).await {
            Ok(made) => made,
            // A script that cannot be played is to be seen, not to look like one more broken connection.
            Err(error) => {
                let text = format!("the fault proxy cannot play {fault:?}: {error}\n");
                (Answer::new(502, "text/plain", text), Sending::All)
            }
        };
        let broken = matches!(sending, Sending::Reset(_));
        self.log.add(Logged { status: if broken { 0 } else { answer.status }, ..slot });
        send(client, answer, sending, &asked).await
    }

    /// The answer of the server behind, byte for byte, as it comes.
    async fn pass(&self, mut client: TcpStream, asked: &Asked, slot: Logged) -> io::Result<()> {
        let mut upstream = self.forward(asked, None).await?;
        let mut buffer = vec![0; 64 * 1024];
        let n = upstream.read(&mut buffer).await?;
        // `HTTP/1.1 206 …`
        let status = std::str::from_utf8(buffer.get(9..12).unwrap_or_default());
        let status = status.ok().and_then(|digits| digits.parse().ok()).unwrap_or(0);
        self.log.add(Logged { status, ..slot });
        client.write_all(&buffer[..n]).await?;
        tokio::io::copy(&mut upstream, &mut client).await?;
        client.shutdown().await
    }

    async fn forward(&self, asked: &Asked, without: Option<&str>) -> io::Result<TcpStream> {
        let mut upstream = TcpStream::connect(self.upstream).await?;
        upstream.set_nodelay(true)?;
        upstream.write_all(&asked.to_bytes(without)).await?;
        Ok(upstream)
    }

    async fn upstream(&self, asked: &Asked) -> io::Result<Answer> {
        let answer = read_answer(self.forward(asked, None).await?, &asked.method).await?;
        if answer.status == 200 && asked.method == "GET" {
            let mut inner = self.faults.inner.lock().expect("lock");
            inner.whole.insert(asked.target.clone(), answer.body.clone());
        }
        Ok(answer)
    }

    /// All bytes of the object that was asked for: from the objects given, from an earlier answer, or by
    /// asking again without `Range` (which a signature over `Range` would not survive). `None` when the
    /// server behind refused, so that its refusal stands.
    async fn whole(&self, asked: &Asked, answer: &Answer) -> io::Result<Option<Bytes>> {
        match self.try_whole(asked, answer).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(_) if answer.status >= 400 => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn try_whole(&self, asked: &Asked, answer: &Answer) -> io::Result<Bytes> {
        if answer.status == 200 && asked.method == "GET" {
            return Ok(answer.body.clone());
        }
        {
            let inner = self.faults.inner.lock().expect("lock");
            if let Some(object) = inner.objects.as_ref().and_then(|objects| find(objects, asked.path())) {
                return Ok(object);
            }
            if let Some(bytes) = inner.whole.get(&asked.target) {
                return Ok(bytes.clone());
            }
        }
        let again = Asked { method: "GET".to_owned(), ..asked.clone() };
        let answer = read_answer(self.forward(&again, Some("range")).await?, "GET").await?;
        if answer.status == 200 { Ok(answer.body) } else { Err(unknown(asked.path())) }
    }

    /// The bytes of another object.
    async fn other(&self, asked: &Asked, key: &str) -> io::Result<Bytes> {
        {
            let inner = self.faults.inner.lock().expect("lock");
            if let Some(object) = inner.objects.as_ref().and_then(|objects| find(objects, key)) {
                return Ok(object);
            }
        }
        // Beside the object that was asked for, unless the key begins with a slash.
        let folder = asked.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        let target = if key.starts_with('/') { key.to_owned() } else { format!("{folder}/{key}") };
        let again = Asked { method: "GET".to_owned(), target, ..asked.clone() };
        let answer = read_answer(self.forward(&again, Some("range")).await?, "GET").await?;
        if answer.status == 200 { Ok(answer.body) } else { Err(unknown(key)) }
    }

    async fn answer(&self, fault: &Fault, asked: &Asked) -> io::Result<(Answer, Sending)> {
        let xml = |status: StatusCode, code: &str, message: &str| {
            Answer::new(status.as_u16(), "application/xml", xml_error_body(code, message, ""))
        };
        let answer = match fault {
            Fault::Pass | Fault::Delay(_) | Fault::HeaderGarbage => self.upstream(asked).await?,
            Fault::Status(status, retry_after, body) => {
                let kind = if body.starts_with("<?xml") { "application/xml" } else { "text/plain" };
                let mut answer = Answer::new(*status, kind, body.clone());
                if let Some(seconds) = retry_after {
                    answer.set("Retry-After", &seconds.to_string());
                }
                answer
            }
            Fault::NotFound => xml(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist."),
            Fault::Denied => xml(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"),
            Fault::Archived => {
                let message = "The operation is not valid for the object's storage class";
                let more = "<StorageClass>DEEP_ARCHIVE</StorageClass>";
                let body = xml_error_body("InvalidObjectState", message, more);
                Answer::new(403, "application/xml", body)
            }
            Fault::SlowDown => {
                xml(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
            }
            Fault::Html => {
                let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to \
                            use this network.</body></html>\n";
                Answer::new(200, "text/html; charset=utf-8", page)
            }
            Fault::Xml => xml(StatusCode::OK, "InternalError", "We encountered an internal error."),
            Fault::Redirect(url, status) => {
                let mut answer = Answer::new(*status, "text/plain", "moved");
                answer.set("Location", url);
                answer
            }
            Fault::Short(n) => {
                let upstream = self.upstream(asked).await?;
                let Some(whole) = self.whole(asked, &upstream).await? else {
                    return Ok((upstream, Sending::All));
                };
                let n = usize::try_from(*n).unwrap_or(usize::MAX).min(whole.len());
                self.instead(upstream, asked, whole.slice(..n))
            }
            Fault::Empty => self.instead(self.upstream(asked).await?, asked, Bytes::new()),
            Fault::Swap(key) => {
                let bytes = self.other(asked, key).await?;
                self.instead(self.upstream(asked).await?, asked, bytes)
            }
            Fault::SwapBytes(bytes) => self.instead(self.upstream(asked).await?, asked, bytes.clone()),
            Fault::ChangeEtag => {
                let upstream = self.upstream(asked).await?;
                let Some(whole) = self.whole(asked, &upstream).await? else {
                    return Ok((upstream, Sending::All));
                };
                let nth = {
                    let mut inner = self.faults.inner.lock().expect("lock");
                    inner.changes += 1;
                    // Never 0 in any byte, so that no byte stays what it was.
                    u8::try_from((inner.changes - 1) % 255 + 1).expect("at most 255")
                };
                let changed: Vec<u8> = whole.iter().map(|byte| byte ^ nth).collect();
                self.instead(upstream, asked, changed.into())
            }
            Fault::Flip(offset) => {
                let mut answer = self.upstream(asked).await?;
                let at = offset.checked_sub(answer.range_start()).and_then(|at| usize::try_from(at).ok());
                let mut bytes = answer.body.to_vec();
                if let Some(byte) = at.and_then(|at| bytes.get_mut(at)) {
                    *byte ^= 1;
                }
                answer.body = bytes.into();
                answer
            }
            Fault::IgnoreRange => {
                let mut answer = self.upstream(asked).await?;
                if answer.status == 206 || answer.status == 416 {
                    answer.body = self.try_whole(asked, &answer).await?;
                    answer.status = 200;
                    answer.length = Some(answer.body.len() as u64);
                    answer.remove("content-range");
                }
                answer
            }
            Fault::WrongRange => {
                let mut answer = self.upstream(asked).await?;
                if answer.status == 206 {
                    let whole = self.try_whole(asked, &answer).await?;
                    let from = (answer.range_start() as usize + 1).min(whole.len().saturating_sub(1));
                    let to = (from + answer.body.len()).min(whole.len());
                    answer.body = whole.slice(from..to);
                    answer.length = Some(answer.body.len() as u64);
                    let text = format!("bytes {from}-{}/{}", to.saturating_sub(1), whole.len());
                    answer.set("Content-Range", &text);
                }
                answer
            }
            Fault::Cut(n) => return Ok((self.upstream(asked).await?, Sending::Cut(*n))),
            Fault::Reset(n) => return Ok((self.upstream(asked).await?, Sending::Reset(*n))),
            Fault::Stall(n) => return Ok((self.upstream(asked).await?, Sending::Stall(*n))),
            Fault::Slow { bytes_per_sec } => {
                return Ok((self.upstream(asked).await?, Sending::Slow((*bytes_per_sec).max(1))));
            }
            Fault::NoLength => return Ok((self.upstream(asked).await?, Sending::Close)),
            Fault::Chunked => return Ok((self.upstream(asked).await?, Sending::Chunked)),
        };
        Ok((answer, Sending::All))
    }

    /// The answer a server gives that holds these bytes under this name: ranges and conditions are those
    /// of the new bytes.
    fn instead(&self, mut answer: Answer, asked: &Asked, bytes: Bytes) -> Answer {
        // A 412 or 416 that was about the bytes behind says nothing about these.
        if !matches!(answer.status, 200 | 206 | 304 | 412 | 416) {
            return answer;
        }
        let etag = format!("\"{}\"", hex::encode(Md5::digest(&bytes)));
        if asked.header("if-match").is_some_and(|listed| !net::etag_listed(listed, &etag)) {
            let message = "At least one of the pre-conditions you specified did not hold";
            return Answer::new(412, "application/xml", xml_error_body("PreconditionFailed", message, ""));
        }
        let unchanged = asked.header("if-range").is_none_or(|listed| net::etag_listed(listed, &etag));
        answer.headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("x-amz-checksum-"));
        answer.remove("content-range");
        answer.set("ETag", &etag);
        let len = bytes.len() as u64;
        match net::ranged(asked.header("range").filter(|_| unchanged), len) {
            Ranged::Whole => {
                answer.status = 200;
                answer.body = bytes;
            }
            Ranged::Part(part) => {
                answer.status = 206;
                let text = format!("bytes {}-{}/{len}", part.start, part.end - 1);
                answer.set("Content-Range", &text);
                answer.body = bytes.slice(part.start as usize..part.end as usize);
            }
            Ranged::Outside => {
                let message = "The requested range is not satisfiable";
                answer = Answer::new(416, "application/xml", xml_error_body("InvalidRange", message, ""));
                answer.set("Content-Range", &format!("bytes */{len}"));
            }
        }
        answer.length = Some(answer.body.len() as u64);
        answer
    }
}

async fn send(mut client: TcpStream, answer: Answer, sending: Sending, asked: &Asked) -> io::Result<()> {
    let mut body = answer.body.clone();
    if asked.method == "HEAD" {
        body.clear();
    }
    let until = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(body.len());
    match sending {
        Sending::All => {
            client.write_all(&answer.head()).await?;
            client.write_all(&body).await?;
        }
        Sending::Cut(n) => {
            client.write_all(&answer.head()).await?;
            client.write_all(&body[..until(n)]).await?;
        }
        Sending::Reset(n) => {
            client.write_all(&answer.head()).await?;
            client.write_all(&body[..until(n)]).await?;
            // A reset throws away what the client has not read yet; let it read.
            tokio::time::sleep(Duration::from_millis(50)).await;
            return client.set_zero_linger();
        }
        Sending::Stall(n) => {
            client.write_all(&answer.head()).await?;
            client.write_all(&body[..until(n)]).await?;
            // Until the client gives up.
            let mut rest = [0; 64];
            while client.read(&mut rest).await? > 0 {}
            return Ok(());
        }
        Sending::Slow(rate) => {
            client.write_all(&answer.head()).await?;
            let step = usize::try_from(rate.div_ceil(20)).unwrap_or(usize::MAX).max(1);
            let pause = Duration::from_secs_f64(step as f64 / rate as f64);
            for piece in body.chunks(step) {
                client.write_all(piece).await?;
                tokio::time::sleep(pause).await;
            }
        }
        Sending::Close => {
            client.write_all(&Answer { length: None, ..answer }.head()).await?;
            client.write_all(&body).await?;
        }
        Sending::Chunked => {
            let mut answer = Answer { length: None, ..answer };
            answer.set("Transfer-Encoding", "chunked");
            client.write_all(&answer.head()).await?;
            for piece in body.chunks(16 * 1024) {
                client.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
                client.write_all(piece).await?;
                client.write_all(b"\r\n").await?;
            }
            client.write_all(b"0\r\n\r\n").await?;
        }
    }
    client.shutdown().await
}

/// An object by the path of a request: as it is, or without its first name (the bucket).
fn find(objects: &Objects, path: &str) -> Option<Bytes> {
    let path = net::decode(path.trim_start_matches('/'));
    let inside = path.split_once('/').map(|(_, key)| key.to_owned());
    let object = objects.get(&path).or_else(|| objects.get(&inside?))?;
    Some(object.bytes())
}

fn unknown(key: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("the fault needs the bytes of {key}; give it the objects"),
    )
}

fn logged(asked: &Asked) -> Logged {
    let text = |name| asked.header(name).map(str::to_owned);
    let query = asked.target.split_once('?').map_or("", |(_, query)| query).to_owned();
    Logged {
        method: asked.method.clone(),
        path: net::decode(asked.path()),
        host: text("host").unwrap_or_default(),
        range: text("range"),
        if_match: text("if-match"),
        credential: text("authorization").or_else(|| net::query_value(&query, "X-Amz-Credential")),
        query,
        status: 0,
    }
}
