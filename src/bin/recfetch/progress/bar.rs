//! One bar on a terminal, with messages above it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use recfetch::event::Event;

use super::state::State;
use super::{View, to_stderr};
use crate::failure::Failure;

const REDRAWS_PER_SECOND: u8 = 10;

/// Bytes that are known to come. Never padded to the full width: the `^C` that a terminal echoes would wrap
/// the line, and the bar could not be cleared.
const SIZED: &str = "{prefix:10} [{bar:24}] {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left  {msg}";
/// Many recordings.
const BATCH: &str = "{prefix:10} [{bar:24}] {msg}";
/// Bytes of which nobody knows how many come, or no bytes at all.
const UNSIZED: &str = "{spinner} {msg}";

pub(super) struct Bar {
    bar: ProgressBar,
    /// Work that was told to stop may go on for a moment; what it reports must not draw any more.
    finished: AtomicBool,
}

impl Bar {
    pub(super) fn new() -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(None, target).with_style(style(UNSIZED));
        // Drawn from a thread of its own, so that a slow store does not look like a hanging program.
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, finished: AtomicBool::new(false) }
    }

    fn show(&self, state: &State) {
        let snapshot = state.snapshot();
        if let Some(batch) = snapshot.batch {
            self.bar.set_prefix("batch");
            let line = snapshot.line();
            self.bar.set_message(line.strip_prefix("batch").unwrap_or(&line).trim_start().to_owned());
            self.bar.set_length(1000);
            return self.bar.set_position(snapshot.batch_share(batch));
        }
        let objects = match snapshot.objects {
            0 => String::new(),
            objects => format!("{} of {objects}", snapshot.done),
        };
        let tries = match snapshot.failed_tries {
            0 => String::new(),
            tries => format!("  failed tries: {tries}"),
        };
        match snapshot.expected {
            Some(expected) => {
                self.bar.set_prefix(snapshot.label);
                self.bar.set_message(format!("{objects}{tries}"));
                self.bar.set_length(expected.max(snapshot.received));
                self.bar.set_position(snapshot.received);
            }
            None => self.bar.set_message(snapshot.line()),
        }
    }

    fn restyle(&self, state: &State) {
        let snapshot = state.snapshot();
        self.bar.reset();
        self.bar.set_style(style(match (snapshot.batch, snapshot.expected) {
            (Some(_), _) => BATCH,
            (None, Some(_)) => SIZED,
            (None, None) => UNSIZED,
        }));
    }
}

impl View for Bar {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's events may grow; what is not known here is not shown"
    )]
    fn on_event(&self, event: &Event<'_>, state: &State) {
        if self.finished.load(Relaxed) {
            return;
        }
        match event {
            // One call per chunk: only the number moves.
            Event::Received { .. } if !state.in_batch(|_| ()) => self.bar.set_position(state.received()),
            Event::Planned { .. } | Event::Located { .. } if !state.in_batch(|_| ()) => {
                self.restyle(state);
                self.show(state);
            }
            _ => self.show(state),
        }
    }

    fn on_change(&self, state: &State) {
        if self.finished.load(Relaxed) {
            return;
        }
        if state.received() == 0 && state.snapshot().batch.is_none_or(|batch| batch.running == 0) {
            self.restyle(state);
            self.show(state);
        } else if state.in_batch(|_| ()) {
            self.show(state);
        } else {
            self.bar.set_position(state.received());
        }
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| to_stderr(&format!("{line}\n")));
    }

    fn fail(&self, failure: &Failure) {
        to_stderr(&failure.render());
    }

    fn wants_messages(&self) -> bool {
        true
    }

    fn suspend(&self, write: &mut dyn FnMut()) {
        self.bar.suspend(write);
    }

    fn finish(&self) {
        self.finished.store(true, Relaxed);
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // A template that cannot be read would be a mistake in this file, which the test finds.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_can_be_read() {
        for template in [SIZED, BATCH, UNSIZED] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
