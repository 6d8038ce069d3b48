//! A line every few seconds, for logs and dumb terminals.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::state::State;
use super::{View, to_stderr};

/// The first line comes soon, so that nobody wonders whether anything happens.
const FIRST: Duration = Duration::from_millis(300);
const EVERY: Duration = Duration::from_secs(3);
const EVERY_IN_BATCH: Duration = Duration::from_secs(15);
const SOON: Duration = Duration::from_secs(60);

pub(super) struct Lines {
    clock: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Lines {
    pub(super) fn new(state: Arc<State>) -> Self {
        let (stop, stopped) = channel::<()>();
        // A thread, because with nothing happening there is no event to print on.
        let thread = std::thread::spawn(move || {
            let mut last = String::new();
            let mut wait = FIRST;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(wait) {
                let snapshot = state.snapshot();
                // Many recordings take hours, and a log of that is read by people.
                let long = snapshot.batch.is_some() && snapshot.elapsed > SOON;
                wait = if long { EVERY_IN_BATCH } else { EVERY };
                let line = snapshot.line();
                if line != last && !line.is_empty() {
                    to_stderr(&format!("{line}\n"));
                    last = line;
                }
            }
        });
        Self { clock: Mutex::new(Some((stop, thread))) }
    }
}

impl View for Lines {
    fn finish(&self) {
        let clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = clock {
            drop(stop);
            // A thread that panicked has nothing left to say.
            let _ = thread.join();
        }
    }
}
