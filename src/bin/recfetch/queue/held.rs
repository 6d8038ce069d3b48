//! A job that this worker has: nobody else gets it as long as the queue hears of us.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use async_nats::jetstream::{AckKind, Message};
use recfetch::batch::JobV1;
use recfetch::engine::Claim;

/// A job that was taken.
pub(crate) struct Held {
    message: Message,
    taken: u64,
    sequence: u64,
    lease: Arc<Lease>,
}

/// The queue did not hear of us for so long that another may have the job.
pub(crate) struct Lost;

impl Held {
    /// A job that was asked for at `asked`, from which on the queue may have waited for a word from us.
    pub(super) fn new(message: Message, asked: Moment, dead_after: Duration) -> Result<Self, String> {
        let info = message.info().map_err(|error| error.to_string())?;
        let (taken, sequence) = (u64::try_from(info.delivered).unwrap_or(1), info.stream_sequence);
        Ok(Self { message, taken, sequence, lease: Arc::new(Lease::new(asked, dead_after)) })
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

    /// Whether nobody else can have the job yet.
    pub(crate) fn is_ours(&self) -> bool {
        self.lease.holds()
    }

    /// The same, for those who do the job.
    pub(crate) fn claim(&self) -> Claim {
        let lease = self.lease.clone();
        Arc::new(move || lease.holds())
    }

    /// Tells the queue again and again that it is being worked on. Ends where the queue did not answer for so long
    /// that others may be given the job.
    pub(crate) async fn keep(&self) -> Lost {
        let pause = self.lease.breath();
        loop {
            tokio::time::sleep(pause).await;
            // Who stood still too long asks no more: the queue would say yes, although another has the job.
            if !self.is_ours() {
                return Lost;
            }
            let sent = Moment::now();
            let answer = tokio::time::timeout(pause, self.message.double_ack_with(AckKind::Progress)).await;
            if matches!(answer, Ok(Ok(()))) {
                self.lease.renew(sent);
            } else if !self.lease.holds_for(pause) {
                return Lost;
            }
        }
    }

    /// Hands it back, to be given to somebody after a while. Where the queue does not hear it, the job comes back by
    /// itself.
    pub(crate) async fn hand_back(&self, after: Option<Duration>) {
        // It would be taken from whoever has it now.
        if self.is_ours() {
            let said = self.message.double_ack_with(AckKind::Nak(after));
            let _ = tokio::time::timeout(Duration::from_secs(3), said).await;
        }
    }

    /// It ended, and leaves the queue. Where the queue does not hear it, the job comes back, and whoever takes it then
    /// finds it done.
    pub(super) async fn done(&self) {
        for _ in 0..3 {
            if !self.is_ours() || self.message.double_ack().await.is_ok() {
                return;
            }
        }
    }
}

/// The time in which nobody else gets a job. Once it is over it stays over.
struct Lease {
    /// Without a word from us for so long, others get it.
    dead_after: Duration,
    /// When we last said a word that the queue heard.
    heard: Mutex<Option<Moment>>,
}

impl Lease {
    fn new(heard: Moment, dead_after: Duration) -> Self {
        Self { dead_after, heard: Mutex::new(Some(heard)) }
    }

    /// Between two words, and between the end of the lease and the moment at which others get the job: what was sent
    /// last has to arrive.
    fn breath(&self) -> Duration {
        self.dead_after / 6
    }

    fn holds(&self) -> bool {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        *heard = heard.take().filter(|heard| heard.elapsed() + self.breath() < self.dead_after);
        heard.is_some()
    }

    /// Whether it will hold for so long without another word.
    fn holds_for(&self, longer: Duration) -> bool {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|heard| heard.elapsed() + longer + self.breath() < self.dead_after)
    }

    /// The queue heard a word that was sent then.
    fn renew(&self, sent: Moment) {
        if self.holds() {
            *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent);
        }
    }
}

/// A moment by two clocks: one stands still while the machine sleeps, the other may be set. What they differ by is
/// taken for time that passed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    steady: Instant,
    wall: SystemTime,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    fn elapsed(self) -> Duration {
        self.steady.elapsed().max(self.wall.elapsed().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEAD_AFTER: Duration = Duration::from_mins(2);

    fn ago(steady: u64, wall: u64) -> Moment {
        let Moment { steady: now, wall: today } = Moment::now();
        Moment { steady: now - Duration::from_secs(steady), wall: today - Duration::from_secs(wall) }
    }

    #[test]
    fn a_lease_ends_before_others_get_the_job() {
        assert!(Lease::new(ago(90, 90), DEAD_AFTER).holds());
        assert!(!Lease::new(ago(101, 101), DEAD_AFTER).holds());
    }

    #[test]
    fn a_machine_that_slept_knows_it_by_the_time_of_day() {
        assert!(!Lease::new(ago(1, 3600), DEAD_AFTER).holds());
        assert!(!Lease::new(ago(3600, 1), DEAD_AFTER).holds());
        let set_back = Moment { wall: SystemTime::now() + Duration::from_hours(1), ..ago(1, 0) };
        assert!(Lease::new(set_back, DEAD_AFTER).holds());
    }

    #[test]
    fn what_was_lost_once_is_not_had_again() {
        let lease = Lease::new(ago(90, 90), DEAD_AFTER);
        lease.renew(Moment::now());
        assert!(lease.holds_for(Duration::from_secs(90)));
        let lease = Lease::new(ago(101, 101), DEAD_AFTER);
        // The queue says yes to whoever asks.
        lease.renew(Moment::now());
        assert!(!lease.holds());
    }
}
