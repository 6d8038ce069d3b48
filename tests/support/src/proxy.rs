//! How the faults of [`crate::fault`] are played on the wire.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::StatusCode;
use md5::{Digest as _, Md5};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::fault::{Fault, Faults};
use crate::net::{self, Log, Logged, Ranged};
use crate::s3::xml_error_body;
use crate::store::{Object, Objects};
use crate::wire::{Answer, Asked, read_answer, read_request};

/// Serves one connection after the other until the task is aborted.
pub(crate) async fn accept(listener: TcpListener, proxy: Proxy) {
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

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) upstream: SocketAddr,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
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
            let mut inner = self.faults.lock();
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
            let inner = self.faults.lock();
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
            let inner = self.faults.lock();
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
                    let mut inner = self.faults.lock();
                    inner.changes += 1;
                    // Never 0 in any byte, so that no byte stays what it was.
                    u8::try_from((inner.changes - 1) % 255 + 1).expect("at most 255")
                };
                let changed: Vec<u8> = whole.iter().map(|byte| byte ^ nth).collect();
                self.instead(upstream, asked, changed.into())
            }
            Fault::Keeping(inner) => {
                let right = self.upstream(asked).await?;
                let (mut answer, sending) = Box::pin(self.answer(inner, asked)).await?;
                for (name, value) in right.headers.iter().filter(|(name, _)| vouches(name)) {
                    answer.set(name, value);
                }
                return Ok((answer, sending));
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
        let md5 = Md5::digest(&bytes);
        // Each store has headers of its own, and Kodo passes over conditions.
        let is_kodo = answer.header("x-reqid").is_some();
        let is_oss = answer.header("x-oss-hash-crc64ecma").is_some();
        let object = Object::new(bytes.clone());
        let etag = if is_kodo { object.kodo_hash() } else { hex::encode(md5) };
        let etag = format!("\"{etag}\"");
        if !is_kodo && asked.header("if-match").is_some_and(|listed| !net::etag_listed(listed, &etag)) {
            let message = "At least one of the pre-conditions you specified did not hold";
            return Answer::new(412, "application/xml", xml_error_body("PreconditionFailed", message, ""));
        }
        let unchanged = asked.header("if-range").is_none_or(|listed| net::etag_listed(listed, &etag));
        answer.headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("x-amz-checksum-"));
        answer.remove("content-range");
        answer.set("ETag", &etag);
        if is_oss {
            answer.set("x-oss-hash-crc64ecma", &object.crc64_xz().to_string());
        }
        if answer.header("content-md5").is_some() {
            answer.set("Content-MD5", &BASE64.encode(md5));
        }
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

/// Whether a header says which bytes an object has.
fn vouches(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("x-amz-checksum-")
        || matches!(name.as_str(), "etag" | "content-md5" | "x-oss-hash-crc64ecma")
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
