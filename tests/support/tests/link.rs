//! The link keeps its delay and its bounds, and leaves the bytes alone.

use std::time::{Duration, Instant};

use recfetch_test_support::link::{self, LinkOptions};
use recfetch_test_support::{Handle, Object, Objects, web};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const WIDE: f64 = 100_000.0;

fn options(rtt_ms: u64, connection_mbit: f64, total_mbit: f64) -> LinkOptions {
    LinkOptions { rtt: Duration::from_millis(rtt_ms), connection_mbit, total_mbit, log: None, port: 0 }
}

/// A web server with one object of this size, and a link to it.
async fn linked(bytes: u64, options: LinkOptions) -> (Handle, Handle) {
    let objects = Objects::new();
    objects.put("a.bin", Object::pattern(bytes, 5));
    let server = web::start(&objects).await.expect("a server");
    let link = link::start(&server.url(), options).await.expect("a link");
    (server, link)
}

async fn connect(link: &Handle) -> TcpStream {
    TcpStream::connect(("127.0.0.1", link.port())).await.expect("connected")
}

/// Asks once; the answer is what came after its head, and when the first byte of all came.
async fn ask(stream: &mut TcpStream, method: &str) -> (Vec<u8>, Duration) {
    let asked = Instant::now();
    let request = format!("{method} /a.bin HTTP/1.1\r\nHost: somewhere.example\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut all = Vec::with_capacity(1 << 20);
    let mut first = None;
    loop {
        assert_ne!(stream.read_buf(&mut all).await.expect("read"), 0, "the answer is whole");
        first.get_or_insert_with(|| asked.elapsed());
        let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.expect("a length").parse().expect("a number");
        let want = if method == "HEAD" { end + 4 } else { end + 4 + length };
        // Room at once, and no look at the head after each piece.
        let mut rest = vec![0; want.saturating_sub(all.len())];
        stream.read_exact(&mut rest).await.expect("the rest");
        all.extend(rest);
        return (all.split_off(end + 4), first.expect("a byte"));
    }
}

async fn seconds_for_one(link: &Handle) -> f64 {
    let mut stream = connect(link).await;
    let start = Instant::now();
    ask(&mut stream, "GET").await;
    start.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_takes_a_round_trip_and_a_new_connection_one_more() {
    let (server, link) = linked(10, options(200, WIDE, WIDE)).await;
    let mut stream = connect(&link).await;
    let (_, first) = ask(&mut stream, "HEAD").await;
    let (_, second) = ask(&mut stream, "HEAD").await;
    assert!(first >= Duration::from_millis(395), "{first:?}");
    assert!(second >= Duration::from_millis(195), "{second:?}");
    // A busy machine may be late, but not by so much that a delay too many would not show.
    assert!(first < Duration::from_millis(590), "{first:?}");
    assert!(second < Duration::from_millis(390), "{second:?}");
    assert_eq!(server.requests()[0].host, "somewhere.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_arrive_as_they_were_sent() {
    let (_server, link) = linked(5_000_000, options(10, WIDE, WIDE)).await;
    let (body, _) = ask(&mut connect(&link).await, "GET").await;
    assert!(body == Object::pattern(5_000_000, 5).bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_its_bandwidth_and_no_more() {
    // 2 MB at 2 MB/s.
    let (_server, link) = linked(2_000_000, options(0, 16.0, WIDE)).await;
    let took = seconds_for_one(&link).await;
    assert!((0.97..1.6).contains(&took), "{took}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_together_want_more_than_there_is_share_it() {
    // Four times 1 MB; each connection could have 2 MB/s, all together have 4 MB/s.
    let (_server, link) = linked(1_000_000, options(0, 16.0, 32.0)).await;
    let alone = seconds_for_one(&link).await;
    assert!((0.48..0.85).contains(&alone), "{alone}");
    let four = [(); 4].map(|()| seconds_for_one(&link));
    let [a, b, c, d] = four;
    let took: [f64; 4] = tokio::join!(a, b, c, d).into();
    let last = took.iter().copied().fold(0.0, f64::max);
    let first = took.iter().copied().fold(f64::MAX, f64::min);
    assert!((0.97..1.6).contains(&last), "{took:?}");
    // None of them is served before the others.
    assert!(first > 0.8 * last, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_stops_the_server() {
    // The server makes up 4 GB as they are taken, as fast as the link lets it.
    let (_server, link) = linked(4_000_000_000, options(100, 800.0, 800.0)).await;
    let mut stream = connect(&link).await;
    stream.write_all(b"GET /a.bin HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    // What was under way then comes at once, the rest with the link's bandwidth (100 MB/s).
    let mut buffer = vec![0; 1 << 20];
    let start = Instant::now();
    let mut read = 0_u64;
    while start.elapsed() < Duration::from_millis(500) {
        read += stream.read(&mut buffer).await.expect("read") as u64;
    }
    // 10 MB are the bandwidth-delay product, and the kernel's buffers hold some; 150 MB would have come in
    // the time of sleep if nothing had stopped them.
    assert!(read < 110_000_000, "{read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_when_which_bytes_came() {
    let dir = tempfile::tempdir().expect("folder");
    let log = dir.path().join("log");
    let options = LinkOptions { log: Some(log.clone()), ..options(0, 8.0, 8.0) };
    let (_server, link) = linked(1_000_000, options).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(link::read_log(&log).expect("a log").is_empty(), "nothing is written before there is a client");
    seconds_for_one(&link).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let lines = link::read_log(&log).expect("a log");
    let all: u64 = lines.iter().map(|(_, bytes)| bytes).sum();
    assert!((1_000_000..1_001_000).contains(&all), "{lines:?}");
    // 100 kB per line while it runs, none behind it.
    let half: u64 = lines.iter().filter(|(ms, _)| *ms <= 550).map(|(_, bytes)| bytes).sum();
    assert!((250_000..700_000).contains(&half), "{lines:?}");
    assert_eq!(lines.last().expect("a line").1, 0, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_servers_bytes_reaches_the_client() {
    let (_server, link) = linked(10, options(50, WIDE, WIDE)).await;
    let mut stream = connect(&link).await;
    let request = b"GET /a.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.expect("sent");
    let mut all = Vec::new();
    let reading = stream.read_to_end(&mut all);
    tokio::time::timeout(Duration::from_secs(5), reading).await.expect("it ends").expect("read");
    assert!(all.starts_with(b"HTTP/1.1 200"));
}
