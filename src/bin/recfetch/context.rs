//! What every command is given.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::args::GlobalArgs;
use crate::failure::Failure;
use crate::inputs::Inputs;
use crate::output;
use crate::progress::{Progress, Verbosity};
use crate::settings::Settings;
use crate::settings::env::Environment;

/// What holds for this run.
pub(crate) struct Context {
    /// The settings.
    pub(crate) settings: Settings,
    /// The environment that they were read from.
    pub(crate) environment: Environment,
    /// What the command is about.
    pub(crate) inputs: Inputs,
    /// The form of results on stdout.
    pub(crate) form: Form,
    /// How much is said.
    pub(crate) verbosity: Verbosity,
    /// The view on stderr; an observer of the library.
    pub(crate) progress: Arc<Progress>,
    /// Cancelled by the first signal.
    pub(crate) cancel: CancellationToken,
}

/// The form of results on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Form {
    /// The form that was asked for.
    pub(crate) fn of(global: &GlobalArgs) -> Self {
        if global.json { Self::Json } else { Self::Text }
    }
}

impl Context {
    pub(crate) fn new(
        settings: Settings,
        environment: Environment,
        inputs: Inputs,
        form: Form,
        verbosity: Verbosity,
        progress: Arc<Progress>,
    ) -> Self {
        Self { settings, environment, inputs, form, verbosity, progress, cancel: CancellationToken::new() }
    }

    /// Prints a result on stdout, with the bar out of the way.
    ///
    /// # Errors
    /// Where stdout cannot be written.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        self.progress.suspend(|| output::print(text)).unwrap_or(Ok(()))
    }

    /// Prints a result as JSON on stdout.
    ///
    /// # Errors
    /// Where stdout cannot be written.
    pub(crate) fn print_json(&self, value: &serde_json::Value) -> Result<(), Failure> {
        self.progress.suspend(|| output::print_json(value)).unwrap_or(Ok(()))
    }
}
