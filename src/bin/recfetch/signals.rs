//! SIGINT and SIGTERM: the first asks the run to end in order, the second ends it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio_util::sync::CancellationToken;

use crate::failure::ExitCode;
use crate::progress::Progress;

/// Watches until it is dropped.
pub(crate) struct Signals {
    received: Arc<AtomicU8>,
    watcher: tokio::task::JoinHandle<()>,
}

impl Signals {
    /// Starts to watch.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub(crate) fn watch(cancel: CancellationToken, progress: Arc<Progress>) -> io::Result<Self> {
        let received = Arc::new(AtomicU8::new(0));
        let mut stream = Stream::new()?;
        let seen = received.clone();
        let watcher = tokio::spawn(async move {
            let first = stream.next().await;
            seen.store(first.number(), Ordering::SeqCst);
            // Said first: once the run is told, it may clear the bar at any moment.
            progress.say("stopping: what is proven is kept; once more stops at once");
            cancel.cancel();
            let second = stream.next().await;
            progress.finish();
            at_once(second);
        });
        Ok(Self { received, watcher })
    }

    /// The code of the first signal, if one came.
    pub(crate) fn received(&self) -> Option<ExitCode> {
        match self.received.load(Ordering::SeqCst) {
            0 => None,
            number => Some(ExitCode::from_number(number)),
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

#[expect(clippy::exit, reason = "the second signal means: now. Everything on disk survives that by design")]
fn at_once(code: ExitCode) {
    std::process::exit(i32::from(code.number()));
}

#[cfg(unix)]
struct Stream {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stream {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> ExitCode {
        tokio::select! {
            _ = self.interrupt.recv() => ExitCode::Interrupted,
            _ = self.terminate.recv() => ExitCode::Terminated,
        }
    }
}

#[cfg(not(unix))]
struct Stream;

#[cfg(not(unix))]
impl Stream {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> ExitCode {
        match tokio::signal::ctrl_c().await {
            Ok(()) => ExitCode::Interrupted,
            // Without a way to watch there is nothing that could ever come.
            Err(_) => std::future::pending().await,
        }
    }
}
