//! HTTP/1.1 as bytes: just enough to take a request in, pass it on unchanged, and take an answer apart.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;

/// Longest header block that is read.
const MAX_HEAD: usize = 64 * 1024;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query, as they were sent.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Whether it asks for a listing of a bucket.
    pub(crate) fn is_list(&self) -> bool {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            matches!(name, "list-type" | "prefix" | "delimiter" | "marker" | "continuation-token")
        })
    }

    /// The same request for the server behind, which is to close when it has answered.
    pub(crate) fn to_bytes(&self, without: Option<&str>) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            let dropped = name.eq_ignore_ascii_case("connection")
                || name.eq_ignore_ascii_case("expect")
                || without.is_some_and(|without| name.eq_ignore_ascii_case(without));
            if !dropped {
                head += &format!("{name}: {value}\r\n");
            }
        }
        head += "Connection: close\r\n\r\n";
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// An answer, complete.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// What `Content-Length` is to say; for a HEAD the body is empty all the same.
    pub(crate) length: Option<u64>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { status, headers, length: Some(body.len() as u64), body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(have, _)| !have.eq_ignore_ascii_case(name));
    }

    /// Where in the object the body begins.
    pub(crate) fn range_start(&self) -> u64 {
        let text = find(&self.headers, "content-range").and_then(|text| text.strip_prefix("bytes "));
        text.and_then(|text| text.split('-').next()?.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn head(&self) -> Vec<u8> {
        let status = http::StatusCode::from_u16(self.status).ok();
        let reason = status.and_then(|status| status.canonical_reason()).unwrap_or("Unknown");
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if let Some(length) = self.length {
            head += &format!("Content-Length: {length}\r\n");
        }
        head += "Connection: close\r\n\r\n";
        head.into_bytes()
    }
}

/// Reads one request; `None` when the client closed without one.
pub(crate) async fn read_request(client: &mut TcpStream) -> io::Result<Option<Asked>> {
    let Some((head, mut rest)) = read_head(client).await? else { return Ok(None) };
    let (first, headers) = split_head(&head)?;
    let mut words = first.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Err(malformed()) };
    if find(&headers, "expect").is_some() {
        tokio::io::AsyncWriteExt::write_all(client, b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    // Clients of object stores send bodies with a length (their own chunks are inside of it).
    let length = find(&headers, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0_usize);
    while rest.len() < length {
        if client.read_buf(&mut rest).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let (method, target) = (method.to_owned(), target.to_owned());
    Ok(Some(Asked { method, target, headers, body: rest.into() }))
}

/// Reads one answer to its end and takes its framing away.
pub(crate) async fn read_answer(mut upstream: TcpStream, method: &str) -> io::Result<Answer> {
    let Some((head, mut rest)) = read_head(&mut upstream).await? else { return Err(malformed()) };
    let (first, mut headers) = split_head(&head)?;
    let status = first.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or_else(malformed)?;
    upstream.read_to_end(&mut rest).await?;
    let chunked =
        find(&headers, "transfer-encoding").is_some_and(|text| text.eq_ignore_ascii_case("chunked"));
    let body: Bytes = if chunked { unchunk(&rest)?.into() } else { rest.into() };
    let stated = find(&headers, "content-length").and_then(|text| text.parse().ok());
    let length = if method == "HEAD" { stated } else { Some(body.len() as u64) };
    headers.retain(|(name, _)| {
        !["connection", "content-length", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str())
    });
    Ok(Answer { status, headers, length, body })
}

async fn read_head(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut read = Vec::with_capacity(4096);
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Ok(Some((read, rest)));
        }
        if read.len() > MAX_HEAD {
            return Err(malformed());
        }
        if from.read_buf(&mut read).await? == 0 {
            return if read.is_empty() { Ok(None) } else { Err(malformed()) };
        }
    }
}

type Headers = Vec<(String, String)>;

fn split_head(head: &[u8]) -> io::Result<(String, Headers)> {
    let text = std::str::from_utf8(head).map_err(|_| malformed())?;
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let headers = lines.filter(|line| !line.is_empty()).map(|line| {
        let (name, value) = line.split_once(':').ok_or_else(malformed)?;
        Ok((name.to_owned(), value.trim().to_owned()))
    });
    Ok((first, headers.collect::<io::Result<_>>()?))
}

fn find<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn unchunk(mut bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(bytes.len());
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n").ok_or_else(malformed)?;
        let size =
            std::str::from_utf8(&bytes[..end]).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
        let size = size.ok_or_else(malformed)?;
        if size == 0 {
            return Ok(body);
        }
        let data = bytes.get(end + 2..end + 2 + size).ok_or_else(malformed)?;
        body.extend_from_slice(data);
        bytes = bytes.get(end + 2 + size + 2..).ok_or_else(malformed)?;
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "this is no HTTP/1.1")
}
