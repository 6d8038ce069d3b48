//! The queue of a fleet, in NATS JetStream. Three streams of it are used, all by its own words:
//!
//! - `NAME-jobs`, a work queue: a job stays until it is acknowledged. Its subject is that of a recording and its
//!   destination, and a subject holds one job: what waits or runs already is not put in a second time.
//! - `NAME-outcomes`: how jobs ended, for a while.
//! - `NAME-dead`: the last job of each subject that ended short of complete, with its outcome, until it is brought.

mod connecting;
mod held;

use std::fmt::Display;
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, Stream};
use async_nats::jetstream::{self, Context as JetStream};
use futures_util::StreamExt as _;
use recfetch::batch::{JobV1, OutcomeV1};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::args::QueueArgs;
use crate::context::Context;
use crate::failure::{ExitCode, Failure, printable};

use held::Moment;
pub(crate) use held::{Held, Lost};

/// What the field `format` of a dead letter of this version says.
const DEAD_LETTER_FORMAT: &str = "recfetch-dead-letter/1";
/// Outcomes are kept for so long.
const OUTCOMES_KEPT: Duration = Duration::from_hours(90 * 24);
/// So long a message is known by its id: whoever sends it anew, because no answer came, does not double it.
const IDS_KEPT: Duration = Duration::from_hours(1);
/// A request for a job is answered within so long at the most, with or without one.
const ASKED_FOR: Duration = Duration::from_secs(5);
/// Between two tries to reach the queue.
const BREATH: Duration = Duration::from_secs(1);
/// A reader that went away is forgotten after so long.
const READER_KEPT: Duration = Duration::from_mins(1);

/// How long a queue that does not answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until we are stopped.
    Endless,
    /// As long as somebody at a terminal would.
    Short,
}

/// A stream that is read from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// How jobs ended.
    Outcomes,
    /// Those that are not brought.
    Dead,
}

/// Where reading ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// With what is there now.
    Now,
    /// When we are stopped.
    Stopped,
}

/// What became of a job that was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It waits.
    Queued,
    /// One for the same recording and destination waits or runs.
    There,
}

/// A job that ended short of complete.
#[derive(Serialize, Deserialize)]
pub(crate) struct DeadLetter {
    format: String,
    /// The job as it was put in, which may be no job that we know.
    pub(crate) job: serde_json::Value,
    /// How often it was taken.
    pub(crate) taken: u64,
    /// How it ended at last.
    pub(crate) outcome: OutcomeV1,
}

impl DeadLetter {
    pub(crate) fn new(job: serde_json::Value, taken: u64, outcome: OutcomeV1) -> Self {
        Self { format: DEAD_LETTER_FORMAT.to_owned(), job, taken, outcome }
    }
}

/// A recording and where it is to be, as a word that a subject can have.
pub(crate) fn address_of(recording: &str, place: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(recording.as_bytes());
    hash.update([0]);
    hash.update(place.as_bytes());
    hex::encode(&hash.finalize()[..16])
}

/// A connection to the queue of a fleet.
pub(crate) struct Queue<'a> {
    context: &'a Context,
    jetstream: JetStream,
    fleet: String,
    /// Servers, as anybody may know them.
    at: String,
    patience: Patience,
    /// Of this connection alone.
    nonce: String,
}

impl<'a> Queue<'a> {
    /// Connects, and makes the streams where they are not there yet; what an operator made is left as it is.
    ///
    /// # Errors
    /// Where we may not, or nobody answers in time.
    pub(crate) async fn open(
        context: &'a Context,
        args: &QueueArgs,
        patience: Patience,
    ) -> Result<Self, Failure> {
        let (client, at) = connecting::connect(context, args, patience).await?;
        let nonce = client.new_inbox();
        let jetstream = jetstream::new(client);
        let queue = Self { context, jetstream, fleet: args.fleet.clone(), at, patience, nonce };
        queue.jobs().await?;
        queue.shelf(Shelf::Outcomes).await?;
        queue.shelf(Shelf::Dead).await?;
        Ok(queue)
    }

    /// The servers, as anybody may know them.
    pub(crate) fn at(&self) -> &str {
        &self.at
    }

    /// Puts a job in.
    ///
    /// # Errors
    /// Where the queue does not take it.
    pub(crate) async fn put(&self, address: &str, job: &JobV1) -> Result<Put, Failure> {
        let subject = format!("{}.jobs.{address}", self.fleet);
        // Another call may put in again what ended since; this one may not, when it asks twice.
        let id = format!("{address}.{}", self.nonce);
        self.ask("could not put a job into the queue", async || {
            match self.publish(&subject, &id, job.to_json()).await {
                Ok(doubled) => Ok(if doubled { Put::There } else { Put::Queued }),
                Err(why) if why.contains("maximum messages per subject") => Ok(Put::There),
                Err(why) => Err(why),
            }
        })
        .await
    }

    /// The jobs, for one who takes them.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) async fn taker(&self, dead_after: Duration) -> Result<PullConsumer, Failure> {
        let wanted = || pull::Config {
            durable_name: Some("workers".to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: dead_after,
            // Who gives up on a job says why, which the server would not: workers count.
            max_deliver: -1,
            max_ack_pending: -1,
            ..pull::Config::default()
        };
        let stream = self.jobs().await?;
        let what = "could not ask the queue for jobs";
        self.ask(what, async || stream.get_or_create_consumer("workers", wanted()).await).await
    }

    /// Takes a job, where there is one.
    ///
    /// # Errors
    /// Where the queue does not answer: it may be asked again.
    pub(crate) async fn take(&self, taker: &PullConsumer) -> Result<Option<Held>, String> {
        let dead_after = taker.cached_info().config.ack_wait;
        // The time in which the job is ours counts from here: it may lie in the way for as long as we wait for it.
        let (since, wait) = (Moment::now(), ASKED_FOR.min(dead_after / 6));
        let asked = async {
            let request = taker.batch().max_messages(1).expires(wait);
            let mut batch = request.messages().await.map_err(|error| told(&error))?;
            match batch.next().await {
                Some(Ok(message)) => Ok(Some(message)),
                Some(Err(error)) => Err(told(error.as_ref())),
                None => Ok(None),
            }
        };
        let message =
            tokio::time::timeout(ASKED_FOR * 2, asked).await.map_err(|_| "no answer".to_owned())??;
        message.map(|message| Held::new(message, since, dead_after)).transpose()
    }

    /// Whether no job waits or runs anywhere.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) async fn is_empty(&self) -> Result<bool, Failure> {
        Ok(self.jobs().await?.cached_info().state.messages == 0)
    }

    /// Writes down how a job ended, and then lets it go. Each part may be done twice and counts once.
    ///
    /// # Errors
    /// Where the queue does not take it: the job comes back, then.
    pub(crate) async fn settle(&self, held: &Held, outcome: &OutcomeV1) -> Result<(), Failure> {
        let (fleet, address) = (&self.fleet, held.address());
        let id = format!("{address}.{}", held.sequence());
        let what = "could not tell the queue how a recording ended";
        let dead = format!("{fleet}.dead.{address}");
        if outcome.is_complete() {
            let stream = self.shelf(Shelf::Dead).await?;
            self.ask(what, async || stream.purge().filter(&*dead).await).await?;
        } else {
            let letter = DeadLetter::new(held.written(), held.taken(), outcome.clone());
            // A plain struct with string keys: serde_json has no way to fail on it.
            let text = serde_json::to_string(&letter).unwrap_or_default();
            self.ask(what, async || self.publish(&dead, &id, text.clone()).await).await?;
        }
        let subject = format!("{fleet}.outcomes.{address}");
        self.ask(what, async || self.publish(&subject, &id, outcome.to_json()).await).await?;
        held.done().await;
        Ok(())
    }

    /// Reads a stream from its start.
    ///
    /// # Errors
    /// Where the queue does not answer, or `each` fails.
    pub(crate) async fn read(
        &self,
        shelf: Shelf,
        until: Until,
        mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut next = 1;
        'reader: loop {
            let stream = self.shelf(shelf).await?;
            let wanted = || pull::Config {
                deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: next },
                ack_policy: AckPolicy::None,
                inactive_threshold: READER_KEPT,
                ..pull::Config::default()
            };
            let reader =
                self.ask("could not read from the queue", async || stream.create_consumer(wanted()).await);
            let reader: PullConsumer = reader.await?;
            let mut left = reader.cached_info().num_pending;
            if left == 0 && until == Until::Now {
                return Ok(());
            }
            let messages = self.ask("could not read from the queue", async || reader.messages().await);
            let mut messages = messages.await?;
            loop {
                let message = tokio::select! {
                    message = messages.next() => message,
                    () = self.context.cancel.cancelled() => return Ok(()),
                };
                let Some(Ok(message)) = message else {
                    self.breath().await;
                    continue 'reader;
                };
                if let Ok(info) = message.info() {
                    next = info.stream_sequence + 1;
                }
                each(&message.payload)?;
                left = left.saturating_sub(1);
                if left == 0 && until == Until::Now {
                    return Ok(());
                }
            }
        }
    }

    /// Waits for a moment, or until we are stopped.
    pub(crate) async fn breath(&self) {
        tokio::select! {
            () = tokio::time::sleep(BREATH) => {}
            () = self.context.cancel.cancelled() => {}
        }
    }

    async fn jobs(&self) -> Result<Stream, Failure> {
        self.stream("jobs", || Config {
            retention: RetentionPolicy::WorkQueue,
            max_messages_per_subject: 1,
            discard: DiscardPolicy::New,
            discard_new_per_subject: true,
            ..Config::default()
        })
        .await
    }

    async fn shelf(&self, shelf: Shelf) -> Result<Stream, Failure> {
        match shelf {
            Shelf::Outcomes => {
                self.stream("outcomes", || Config { max_age: OUTCOMES_KEPT, ..Config::default() }).await
            }
            Shelf::Dead => {
                self.stream("dead", || Config { max_messages_per_subject: 1, ..Config::default() }).await
            }
        }
    }

    async fn stream(&self, word: &str, usual: impl Fn() -> Config) -> Result<Stream, Failure> {
        let wanted = || Config {
            name: format!("{}-{word}", self.fleet),
            subjects: vec![format!("{}.{word}.*", self.fleet)],
            duplicate_window: IDS_KEPT,
            ..usual()
        };
        let what = format!("could not use the stream {}-{word}", self.fleet);
        self.ask(&what, async || self.jetstream.get_or_create_stream(wanted()).await).await
    }

    /// Sends a message and waits until it is stored; whether it was already.
    async fn publish(&self, subject: &str, id: &str, text: String) -> Result<bool, String> {
        let message = PublishMessage::build().message_id(id).payload(text.into());
        let sent = self.jetstream.send_publish(subject.to_owned(), message).await;
        let stored = sent.map_err(|error| told(&error))?.await.map_err(|error| told(&error))?;
        Ok(stored.duplicate)
    }

    /// Asks until there is an answer.
    async fn ask<T, E: Into<Trouble>>(
        &self,
        what: &str,
        ask: impl AsyncFn() -> Result<T, E>,
    ) -> Result<T, Failure> {
        let mut waiting = Waiting::new(self.context, self.patience);
        loop {
            match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => waiting.on(what, &error.into().0).await?,
            }
        }
    }
}

/// What keeps the queue from answering.
struct Trouble(String);

impl From<String> for Trouble {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl<K: Clone + PartialEq + Display + std::fmt::Debug + 'static> From<async_nats::error::Error<K>>
    for Trouble
{
    fn from(error: async_nats::error::Error<K>) -> Self {
        Self(told(&error))
    }
}

/// An error with its causes; none of them has an address with a password in it.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// Waiting for the queue, said once.
struct Waiting<'a> {
    context: &'a Context,
    patience: Patience,
    since: Instant,
    said: bool,
}

impl<'a> Waiting<'a> {
    fn new(context: &'a Context, patience: Patience) -> Self {
        Self { context, patience, since: Instant::now(), said: false }
    }

    /// Returns when it is time to try again.
    async fn on(&mut self, what: &str, why: &str) -> Result<(), Failure> {
        let is_over = match self.patience {
            Patience::Endless => false,
            Patience::Short => self.since.elapsed() >= Duration::from_mins(1),
        };
        if is_over || self.context.cancel.is_cancelled() {
            let failure = Failure::new(ExitCode::Temporary, anyhow::anyhow!("{why}"));
            return Err(failure.context(what.to_owned()));
        }
        if !self.said {
            self.said = true;
            self.context.progress.say(&format!("waiting    for the queue: {}", printable(why)));
        }
        tokio::select! {
            () = tokio::time::sleep(BREATH) => {}
            () = self.context.cancel.cancelled() => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_has_another_address_for_another_place_and_the_same_for_the_same() {
        let address = address_of("a", "b");
        assert_eq!(address, address_of("a", "b"));
        assert_ne!(address, address_of("a", "c"));
        assert_ne!(address_of("ab", "c"), address_of("a", "bc"));
        assert!(address.len() == 32 && address.chars().all(|c| c.is_ascii_hexdigit()));
    }

    #[test]
    fn a_dead_letter_keeps_a_job_that_nobody_can_read() {
        let outcome = OutcomeV1::new("a", 2, recfetch::batch::StateV1::Failed);
        let letter = DeadLetter::new(serde_json::json!("no job"), 1, outcome);
        let text = serde_json::to_string(&letter).unwrap();
        assert!(
            text.starts_with("{\"format\":\"recfetch-dead-letter/1\",\"job\":\"no job\",\"taken\":1"),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<DeadLetter>(&text).unwrap().outcome.exit_code, 2);
    }
}
