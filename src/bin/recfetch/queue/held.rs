//! A job that this worker has: nobody else gets it as long as the queue hears of us.

use std::time::{Duration, Instant};

use async_nats::jetstream::{AckKind, Message};
use recfetch::batch::JobV1;

/// A job that was taken.
pub(crate) struct Held {
    message: Message,
    taken: u64,
    sequence: u64,
    /// Without a word from us for so long, others get it.
    dead_after: Duration,
    since: Instant,
}

/// The queue did not hear of us for so long that another may have the job.
pub(crate) struct Lost;

impl Held {
    pub(super) fn new(message: Message, dead_after: Duration) -> Result<Self, String> {
        let info = message.info().map_err(|error| error.to_string())?;
        let (taken, sequence) = (u64::try_from(info.delivered).unwrap_or(1), info.stream_sequence);
        Ok(Self { message, taken, sequence, dead_after, since: Instant::now() })
    }

    /// What is to be done.
    ///
    /// # Errors
    /// Where it makes no sense.
    pub(crate) fn job(&self) -> Result<JobV1, serde_json::Error> {
        serde_json::from_slice(&self.message.payload)
    }

    /// What was put in, whatever it is.
    pub(crate) fn written(&self) -> serde_json::Value {
        let text = || String::from_utf8_lossy(&self.message.payload).into_owned().into();
        serde_json::from_slice(&self.message.payload).unwrap_or_else(|_| text())
    }

    /// The recording and its destination.
    pub(crate) fn address(&self) -> &str {
        self.message.subject.rsplit('.').next().unwrap_or_default()
    }

    /// How often it was taken, this time included.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Its number among all jobs.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Tells the queue again and again that it is being worked on. Ends where the queue did not answer for so long
    /// that others may be given the job.
    pub(crate) async fn keep(&self) -> Lost {
        let pause = self.dead_after / 6;
        let mut heard = self.since;
        loop {
            tokio::time::sleep(pause).await;
            let sent = Instant::now();
            let answer = tokio::time::timeout(pause, self.message.double_ack_with(AckKind::Progress)).await;
            if matches!(answer, Ok(Ok(()))) {
                heard = sent;
            } else if heard.elapsed() + pause * 2 >= self.dead_after {
                return Lost;
            }
        }
    }

    /// Hands it back, to be given to somebody after a while. Where the queue does not hear it, the job comes back by
    /// itself.
    pub(crate) async fn hand_back(&self, after: Option<Duration>) {
        let said = self.message.double_ack_with(AckKind::Nak(after));
        let _ = tokio::time::timeout(Duration::from_secs(3), said).await;
    }

    /// It ended, and leaves the queue. Where the queue does not hear it, the job comes back, and whoever takes it then
    /// finds it done.
    pub(super) async fn done(&self) {
        for _ in 0..3 {
            if self.message.double_ack().await.is_ok() {
                return;
            }
        }
    }
}
