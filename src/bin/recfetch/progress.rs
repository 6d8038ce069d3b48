//! What is shown while something runs: on stderr, so that stdout has results only.
//!
//! All views are fed by the library's events. What they show is counted here once.

mod bar;
mod json;
mod lines;
mod message;
mod state;

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use recfetch::event::{Event, Observer};

use crate::args::ProgressMode;
use crate::failure::Failure;
use state::State;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Results and errors.
    Quiet,
    /// Warnings and losses too.
    Normal,
    /// Notes, failed tries and changes of width too.
    Verbose,
}

/// Failures that are told as they happen; the rest of a flood is left to the summary.
const MOST_FAILURES: usize = 20;

/// Whether stdout will name in the end what went wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Summary {
    /// It will, for people: saying it twice would only hide it.
    Follows,
    /// stdout is for machines.
    Lacks,
}

/// The view on stderr.
pub(crate) struct Progress {
    view: Box<dyn View>,
    state: std::sync::Arc<State>,
    verbosity: Verbosity,
    summary: Summary,
    failures: AtomicUsize,
}

/// One way to show it.
///
/// By default it draws nothing, and says what there is to say as plain lines.
trait View: Send + Sync {
    /// Something happened; `state` has it counted already.
    fn on_event(&self, _event: &Event<'_>, _state: &State) {}
    /// The counts changed without an event.
    fn on_change(&self, _state: &State) {}
    /// Says a line.
    fn say(&self, line: &str) {
        to_stderr(&format!("{line}\n"));
    }
    /// Says why the command failed.
    fn fail(&self, failure: &Failure) {
        to_stderr(&failure.render());
    }
    /// Whether messages are made from events as text.
    fn wants_messages(&self) -> bool {
        true
    }
    /// Runs something that writes to the terminal.
    fn suspend(&self, write: &mut dyn FnMut()) {
        write();
    }
    /// Leaves the terminal as it was found.
    fn finish(&self) {}
}

impl Progress {
    /// The view that was asked for. `dumb` is whether the terminal cannot move its cursor.
    pub(crate) fn new(mode: ProgressMode, verbosity: Verbosity, summary: Summary, dumb: bool) -> Self {
        let state = std::sync::Arc::new(State::default());
        // On a file or a pipe a bar would draw nothing at all.
        let can_draw = std::io::stderr().is_terminal() && !dumb;
        let view: Box<dyn View> = match (mode, verbosity) {
            (ProgressMode::Json, _) => Box::new(json::Json::default()),
            (ProgressMode::None, _) | (_, Verbosity::Quiet) => Box::new(Silent),
            (ProgressMode::Auto | ProgressMode::Bar, _) if can_draw => Box::new(bar::Bar::new()),
            (ProgressMode::Auto | ProgressMode::Bar | ProgressMode::Lines, _) => {
                Box::new(lines::Lines::new(state.clone()))
            }
        };
        Self { view, state, verbosity, summary, failures: AtomicUsize::new(0) }
    }

    /// Starts something that no event tells of: the bytes that it takes, where they are known.
    pub(crate) fn begin(&self, label: &str, bytes: Option<u64>) {
        self.state.begin(label, bytes);
        self.view.on_change(&self.state);
    }

    /// From now on so many recordings come, several at once, and are shown together.
    pub(crate) fn begin_batch(&self, recordings: usize) {
        self.state.begin_batch(recordings);
        self.view.on_change(&self.state);
    }

    /// A recording of the batch begins.
    pub(crate) fn recording_begins(&self) {
        self.state.in_batch(|batch| batch.running += 1);
        self.view.on_change(&self.state);
    }

    /// A recording of the batch ended, complete or not.
    pub(crate) fn recording_ended(&self, complete: bool) {
        self.state.in_batch(|batch| {
            batch.running = batch.running.saturating_sub(1);
            batch.done += 1;
            batch.failed += usize::from(!complete);
        });
        self.view.on_change(&self.state);
    }

    /// A recording of the batch was left to somebody else for now.
    pub(crate) fn recording_waits(&self) {
        self.state.in_batch(|batch| batch.running = batch.running.saturating_sub(1));
    }

    /// Bytes that came since the batch began, failed tries, and recordings that are under way.
    pub(crate) fn batch_counts(&self) -> (u64, u64, u64) {
        let snapshot = self.state.snapshot();
        let running = snapshot.batch.map_or(0, |batch| batch.running as u64);
        (snapshot.received, snapshot.failed_tries as u64, running)
    }

    /// Counts bytes of what was begun.
    pub(crate) fn advance(&self, bytes: u64) {
        self.state.advance(bytes);
        self.view.on_change(&self.state);
    }

    /// Says a line on stderr, unless quiet.
    pub(crate) fn say(&self, line: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.view.say(line);
        }
    }

    /// Runs something that writes to the terminal, with the bar out of the way.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> Option<T> {
        let mut write = Some(write);
        let mut result = None;
        self.view.suspend(&mut || result = write.take().map(|write| write()));
        result
    }

    /// Says why the command failed.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.view.finish();
        self.view.fail(failure);
    }

    /// Leaves the terminal as it was found. Called again, it does nothing.
    pub(crate) fn finish(&self) {
        self.view.finish();
    }

    fn tell(&self, event: &Event<'_>) {
        let comes_later = matches!(event, Event::Judged { .. } | Event::Noticed { .. });
        if comes_later && self.summary == Summary::Follows && self.verbosity < Verbosity::Verbose {
            return;
        }
        let Some(message) = message::of(event, self.verbosity) else { return };
        if message.limited {
            match self.failures.fetch_add(1, Ordering::Relaxed) {
                ..MOST_FAILURES => {}
                MOST_FAILURES => {
                    return self.view.say("           more failures follow; report.json will name them");
                }
                _ => return,
            }
        }
        self.view.say(&message.text);
    }
}

impl Observer for Progress {
    fn on_event(&self, event: &Event<'_>) {
        self.state.count(event);
        if self.view.wants_messages() {
            self.tell(event);
        }
        self.view.on_event(event, &self.state);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.view.finish();
    }
}

/// Takes one record of the log and writes it whole, with the bar out of the way.
pub(crate) struct LogWriter {
    progress: std::sync::Arc<Progress>,
    record: Vec<u8>,
}

impl LogWriter {
    pub(crate) fn new(progress: std::sync::Arc<Progress>) -> Self {
        Self { progress, record: Vec::new() }
    }
}

impl std::io::Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.record.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.record);
        self.progress.view.suspend(&mut || to_stderr(&text));
    }
}

/// Writes to stderr. That nobody reads it is no reason to stop.
fn to_stderr(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// Nothing but messages.
struct Silent;

impl View for Silent {}
