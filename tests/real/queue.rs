//! A server of NATS, with a folder of its own, that can go away and come back.

use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::program::Case;
use crate::servers::{Bounded, SECRET, bounded, free_port, world};

const USER: &str = "fleet";

/// It ends when it is dropped.
pub(crate) struct Queue {
    port: u16,
    dir: PathBuf,
    server: Option<Bounded>,
}

impl Queue {
    pub(crate) fn start(word: &str) -> Self {
        let dir = world().scratch.path().join(format!("nats-{word}"));
        std::fs::create_dir_all(&dir).expect("a folder");
        let mut queue = Self { port: free_port(), dir, server: None };
        queue.come_back();
        queue
    }

    /// Ends it as a failure of power would.
    pub(crate) fn go_away(&mut self) {
        self.server = None;
    }

    /// Starts it with what it had.
    pub(crate) fn come_back(&mut self) {
        let mut command = bounded(&world().tools.nats, &self.dir.join("log"));
        command
            .args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-js", "-sd"])
            .arg(self.dir.join("data"));
        command.args(["--user", USER, "--pass", SECRET]).current_dir(&self.dir);
        self.server = Some(Bounded::spawn(&mut command));
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "the queue does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A case that knows the queue.
    pub(crate) fn known_to(&self, case: Case) -> Case {
        let case = case.env("RECFETCH_QUEUE", &format!("nats://127.0.0.1:{}", self.port));
        case.env("RECFETCH_QUEUE_USER", USER).env("RECFETCH_QUEUE_PASSWORD", SECRET)
    }

    /// A case that knows the queue, and not who it is.
    pub(crate) fn named_to(&self, case: Case) -> Case {
        case.env("RECFETCH_QUEUE", &format!("nats://127.0.0.1:{}", self.port))
    }
}
