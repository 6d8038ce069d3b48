//! `config show`: the effective settings and where each came from.

use crate::context::Form;
use crate::failure::{ExitCode, Failure};
use crate::output;
use crate::settings::Settings;

/// Prints them. A store with a problem is shown with it, and is no failure of this command.
pub(crate) fn show(settings: &Settings, form: Form) -> Result<ExitCode, Failure> {
    match form {
        Form::Text => output::print(&settings.show())?,
        Form::Json => output::print_json(&settings.show_json())?,
    }
    Ok(ExitCode::Complete)
}
