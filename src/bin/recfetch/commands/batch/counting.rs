//! Counts for a monitor, written anew every few seconds.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use recfetch::batch::{Metrics, OutcomeV1};

use crate::commands::check::writing::{Readers, write_for};
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Progress;

const EVERY: Duration = Duration::from_secs(10);

/// Counts, and where they are written.
pub(super) struct Counting<'a> {
    context: &'a Context,
    file: Option<PathBuf>,
    metrics: Arc<Mutex<Metrics>>,
    writer: Option<tokio::task::JoinHandle<()>>,
}

impl<'a> Counting<'a> {
    pub(super) fn start(context: &'a Context, file: Option<PathBuf>, listed: usize) -> Self {
        let metrics = Arc::new(Mutex::new(Metrics::of(listed as u64)));
        let writer = file.clone().map(|file| {
            let (metrics, progress) = (metrics.clone(), context.progress.clone());
            tokio::spawn(async move {
                let mut clock = tokio::time::interval(EVERY);
                loop {
                    clock.tick().await;
                    let text = text(&metrics, &progress);
                    let file = file.clone();
                    let write = move || write_for(&file, &text, Readers::Usual);
                    // The last one is what decides; a disk that is full for a moment stops no batch.
                    let _ = tokio::task::spawn_blocking(write).await;
                }
            })
        });
        Self { context, file, metrics, writer }
    }

    pub(super) fn count(&self, outcome: &OutcomeV1) {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner).count(outcome);
    }

    /// Writes the counts for the last time.
    pub(super) async fn finish(mut self) -> Result<(), Failure> {
        let Some(file) = &self.file else { return Ok(()) };
        if let Some(writer) = self.writer.take() {
            writer.abort();
            // So that it does not write after this.
            let _ = writer.await;
        }
        write_for(file, &text(&self.metrics, &self.context.progress), Readers::Usual)
    }
}

fn text(metrics: &Mutex<Metrics>, progress: &Progress) -> String {
    let mut metrics = metrics.lock().unwrap_or_else(PoisonError::into_inner);
    (metrics.received, metrics.failed_tries, metrics.running) = progress.batch_counts();
    let ms = jiff::Timestamp::now().as_millisecond();
    metrics.at = Duration::from_millis(u64::try_from(ms).unwrap_or_default()).as_secs_f64();
    metrics.text()
}
