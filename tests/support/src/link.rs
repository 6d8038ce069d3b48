//! A link with delay and bounded bandwidth between a client and a server: what a network far away does to
//! the bytes, on a machine whose kernel cannot do it.
//!
//! It works below HTTP: bytes pass unchanged, `Host` included, so signatures stay valid. Each direction takes
//! half the round trip; a new connection costs one round trip more before its first byte arrives, as TCP's
//! handshake does. Bytes to the client pass two token buckets, that of their connection and that of the whole
//! link. No more is in flight on a connection than its bandwidth-delay product (128 KiB at least), so that a
//! client which does not read stops the server. Bytes to the server are delayed and not counted: requests are small.
//!
//! It models no loss and no slow start: a connection has its whole bandwidth from its first byte. A real
//! one needs some round trips for that, so what is measured here is the client's own share of the time.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, sleep_until};

use crate::fault::upstream_address;
use crate::net::{Handle, Log};

/// Most bytes that are taken from a server at once.
const CHUNK: usize = 64 * 1024;

/// Least that may be in flight on a connection, else one chunk would have to wait for itself.
const LEAST_FLIGHT: usize = 2 * CHUNK;

/// The kernel's own buffers come on top of what is in flight: they are kept this small.
const SOCKET_BUFFER: u32 = 256 * 1024;

/// How much a bucket holds: what passes in so long. Timers wake late; what they missed is made up for from it.
const DEPTH: Duration = Duration::from_millis(10);

/// One line of the log stands for so long.
const TICK: Duration = Duration::from_millis(100);

/// What a link is like.
#[derive(Clone, Debug)]
pub struct LinkOptions {
    /// There and back again.
    pub rtt: Duration,
    /// Megabits a second of one connection, to the client.
    pub connection_mbit: f64,
    /// Megabits a second of all connections together, to the client.
    pub total_mbit: f64,
    /// Where a line per 100 ms is written: `{"ms":100,"bytes":1250000,"connections":3}`, from the first
    /// connection on. `ms` is the end of the line's time.
    pub log: Option<PathBuf>,
    /// The port; 0 takes any free one.
    pub port: u16,
}

/// Starts a link to `upstream` (`http://127.0.0.1:<port>`).
pub async fn start(upstream: &str, options: LinkOptions) -> io::Result<Handle> {
    let upstream = upstream_address(upstream)?;
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    // Connections that are accepted have it from here.
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    socket.bind((Ipv4Addr::LOCALHOST, options.port).into())?;
    let listener = socket.listen(1024)?;
    let address = listener.local_addr()?;
    let link = Arc::new(Link {
        upstream,
        half: options.rtt / 2,
        rtt: options.rtt,
        connection_rate: rate(options.connection_mbit)?,
        total: Mutex::new(Bucket::new(rate(options.total_mbit)?)),
        delivered: AtomicU64::new(0),
        connections: AtomicU64::new(0),
        started: OnceLock::new(),
    });
    let log = options.log.as_deref().map(std::fs::File::create).transpose()?;
    let task = tokio::spawn(accept(listener, link, log));
    Ok(Handle::new(address, "http", Log::default(), task.abort_handle()))
}

/// Bytes a second.
fn rate(mbit: f64) -> io::Result<f64> {
    if mbit > 0.0 && mbit.is_finite() {
        return Ok(mbit * 125_000.0);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "a bandwidth must be more than nothing"))
}

struct Link {
    upstream: SocketAddr,
    rtt: Duration,
    half: Duration,
    connection_rate: f64,
    total: Mutex<Bucket>,
    /// Bytes that clients were given.
    delivered: AtomicU64,
    /// Connections that are open.
    connections: AtomicU64,
    /// When the first connection came.
    started: OnceLock<Instant>,
}

async fn accept(listener: TcpListener, link: Arc<Link>, log: Option<std::fs::File>) {
    // The set ends everything when this task is aborted.
    let mut tasks = JoinSet::new();
    if let Some(file) = log {
        tasks.spawn(write_log(Arc::clone(&link), file));
    }
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        while tasks.try_join_next().is_some() {}
        let opened = Instant::now();
        link.started.get_or_init(|| opened);
        let link = Arc::clone(&link);
        tasks.spawn(async move {
            link.connections.fetch_add(1, Relaxed);
            // An error here is an end that went away, which is its right.
            let _ = connection(&link, client, opened).await;
            link.connections.fetch_sub(1, Relaxed);
        });
    }
}

async fn connection(link: &Arc<Link>, client: TcpStream, opened: Instant) -> io::Result<()> {
    client.set_nodelay(true)?;
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    let server = socket.connect(link.upstream).await?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // The handshake: what a client says before it is over is said when it is over.
    let there = Way { delay: link.half, not_before: opened + link.rtt, bounds: None };
    let bounds = Some((Arc::clone(link), Bucket::new(link.connection_rate)));
    let back = Way { delay: link.half, not_before: opened, bounds };
    // When an end breaks, both ways are over; when it only has said all, the other one goes on.
    tokio::try_join!(
        there.carry(from_client, to_server, link.in_flight()),
        back.carry(from_server, to_client, link.in_flight()),
    )?;
    Ok(())
}

impl Link {
    /// Most bytes that may be under way on one connection.
    fn in_flight(&self) -> usize {
        ((self.connection_rate * self.rtt.as_secs_f64()) as usize).max(LEAST_FLIGHT)
    }
}

/// One direction of a connection.
struct Way {
    delay: Duration,
    /// Nothing sets out before this.
    not_before: Instant,
    /// The link with its bucket, and this connection's own.
    bounds: Option<(Arc<Link>, Bucket)>,
}

/// Some bytes under way, or with none the end of them.
struct Parcel {
    arrives: Instant,
    bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl Way {
    async fn carry(self, from: OwnedReadHalf, to: OwnedWriteHalf, in_flight: usize) -> io::Result<()> {
        let link = self.bounds.as_ref().map(|(link, _)| Arc::clone(link));
        let (sender, parcels) = mpsc::unbounded_channel();
        tokio::try_join!(self.send(from, sender, in_flight), deliver(parcels, to, link))?;
        Ok(())
    }

    async fn send(
        mut self,
        mut from: OwnedReadHalf,
        parcels: mpsc::UnboundedSender<Parcel>,
        in_flight: usize,
    ) -> io::Result<()> {
        let room = Arc::new(Semaphore::new(in_flight));
        let mut buffer = BytesMut::new();
        loop {
            // Room for a whole chunk first, so that no more is read than may be under way.
            let mut reserved = wait_for(&room, CHUNK).await;
            buffer.reserve(CHUNK);
            let n = (&mut from).take(CHUNK as u64).read_buf(&mut buffer).await?;
            reserved = reserved.and_then(|mut all| all.split(n));
            let bytes = buffer.split().freeze();
            if let Some((link, own)) = &mut self.bounds {
                pass(own, &link.total, n).await;
            }
            let arrives = Instant::now().max(self.not_before) + self.delay;
            let parcel = Parcel { arrives, bytes, _room: reserved };
            if parcels.send(parcel).is_err() || n == 0 {
                return Ok(());
            }
        }
    }
}

async fn wait_for(room: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    let bytes = u32::try_from(bytes).expect("a chunk");
    // It is never closed.
    Arc::clone(room).acquire_many_owned(bytes).await.ok()
}

async fn deliver(
    mut parcels: mpsc::UnboundedReceiver<Parcel>,
    mut to: OwnedWriteHalf,
    counted: Option<Arc<Link>>,
) -> io::Result<()> {
    while let Some(parcel) = parcels.recv().await {
        sleep_until(parcel.arrives).await;
        if parcel.bytes.is_empty() {
            return to.shutdown().await;
        }
        to.write_all(&parcel.bytes).await?;
        if let Some(link) = &counted {
            link.delivered.fetch_add(parcel.bytes.len() as u64, Relaxed);
        }
    }
    Ok(())
}

/// Waits until so many bytes may go, first by the connection, then by the link: a connection that has to wait
/// for itself keeps no other from going.
async fn pass(own: &mut Bucket, total: &Mutex<Bucket>, bytes: usize) {
    sleep_until(own.take(bytes, Instant::now())).await;
    // Connections ask for a chunk at a time and are served in the order in which they ask: they share.
    let until = total.lock().expect("lock").take(bytes, Instant::now());
    sleep_until(until).await;
}

/// A token bucket, as the time at which it will have given all that was asked of it.
struct Bucket {
    bytes_per_second: f64,
    free: Option<Instant>,
}

impl Bucket {
    fn new(bytes_per_second: f64) -> Self {
        Self { bytes_per_second, free: None }
    }

    /// Takes tokens; the answer is when they are there, which may be past.
    fn take(&mut self, bytes: usize, now: Instant) -> Instant {
        let full = now.checked_sub(DEPTH).unwrap_or(now);
        // It starts empty: a link has no bandwidth saved up.
        let from = self.free.map_or(now, |free| free.max(full));
        let until = from + Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
        self.free = Some(until);
        until
    }
}

async fn write_log(link: Arc<Link>, mut file: std::fs::File) {
    let started = loop {
        match link.started.get() {
            Some(started) => break *started,
            None => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    };
    let mut ticks = tokio::time::interval_at(started + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut before = 0;
    loop {
        ticks.tick().await;
        // By the clock and not by the count of ticks: a tick may come late.
        let ms = started.elapsed().as_millis();
        let delivered = link.delivered.load(Relaxed);
        let connections = link.connections.load(Relaxed);
        let line =
            format!("{{\"ms\":{ms},\"bytes\":{},\"connections\":{connections}}}\n", delivered - before);
        before = delivered;
        if file.write_all(line.as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads such a log: the end of each line's time in milliseconds, and its bytes.
///
/// # Errors
/// Where it cannot be read or is no such log.
pub fn read_log(path: impl AsRef<Path>) -> io::Result<Vec<(u64, u64)>> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "no log of a link");
    let line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).map_err(|_| invalid())?;
        let number = |name: &str| value[name].as_u64().ok_or_else(invalid);
        Ok((number("ms")?, number("bytes")?))
    };
    std::fs::read_to_string(path)?.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_rate_and_makes_up_for_no_more_than_its_depth() {
        let now = Instant::now();
        let ms = |n| now + Duration::from_millis(n);
        let mut bucket = Bucket::new(1_000_000.0);
        assert_eq!(bucket.take(100_000, now), ms(100));
        assert_eq!(bucket.take(100_000, now), ms(200));
        // Asked 4 ms late: made up for.
        assert_eq!(bucket.take(100_000, ms(204)), ms(300));
        // Asked a second late: only 10 ms of it.
        assert_eq!(bucket.take(100_000, ms(1300)), ms(1390));
    }

    #[test]
    fn a_bandwidth_of_nothing_is_refused() {
        for mbit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(rate(mbit).is_err(), "{mbit}");
        }
        assert_eq!(rate(8.0).expect("a rate"), 1_000_000.0);
    }
}
