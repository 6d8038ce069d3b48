//! A proxy that does wrong on purpose, in front of any of the servers.
//!
//! Faults are scripted per object: the script whose suffix is the longest one that the decoded path ends
//! with, consumed by the GETs of that suffix, never by the global order of calls. The request goes to the
//! server behind as it came, `Host` and all, so that signatures stay valid. One request per connection.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use crate::net::{self, Handle, Log};
use crate::proxy::{self, Proxy};
use crate::store::Objects;
use crate::wire::Asked;

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
    /// The bytes and the length of that fault, under the ETag and the checksums of the right object.
    Keeping(Box<Fault>),
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
pub(crate) struct Inner {
    gets: HashMap<String, Script>,
    heads: HashMap<String, Script>,
    lists: Script,
    pub(crate) objects: Option<Objects>,
    /// How often an object has been changed ([`Fault::ChangeEtag`]).
    pub(crate) changes: u64,
    /// What the server behind gave for whole objects, by request target.
    pub(crate) whole: HashMap<String, Bytes>,
}

impl Faults {
    /// No faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Scripts the GETs of the objects whose decoded path ends with this.
    pub fn on(&self, suffix: &str, script: Script) -> Self {
        self.lock().gets.insert(suffix.to_owned(), script);
        self.clone()
    }

    /// Scripts the HEADs of such objects.
    pub fn on_head(&self, suffix: &str, script: Script) -> Self {
        self.lock().heads.insert(suffix.to_owned(), script);
        self.clone()
    }

    /// Scripts the listings.
    pub fn on_list(&self, script: Script) -> Self {
        self.lock().lists = script;
        self.clone()
    }

    /// Lets the proxy look up whole objects here. Needed where a fault needs more bytes than a signed
    /// range request brings ([`Fault::IgnoreRange`], [`Fault::Short`], [`Fault::Swap`] and the like).
    pub fn with_objects(&self, objects: &Objects) -> Self {
        self.lock().objects = Some(objects.clone());
        self.clone()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("lock")
    }

    /// The fault of this request; takes one step of its script.
    pub(crate) fn next(&self, asked: &Asked) -> Fault {
        let mut inner = self.lock();
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
    let upstream = upstream_address(upstream)?;
    let listener = net::listen(port).await?;
    let address = listener.local_addr()?;
    let proxy = Proxy { upstream, faults: faults.clone(), log: Log::default() };
    let log = proxy.log.clone();
    let task = tokio::spawn(proxy::accept(listener, proxy));
    Ok(Handle::new(address, "http", log, task.abort_handle()))
}

/// The address in `http://127.0.0.1:<port>`.
pub(crate) fn upstream_address(url: &str) -> io::Result<SocketAddr> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "upstream is no http://ADDRESS:PORT");
    let address = url.trim_end_matches('/').strip_prefix("http://").ok_or_else(invalid)?;
    address.parse().map_err(|_| invalid())
}
