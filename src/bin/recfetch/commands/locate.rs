//! `locate`: says where recordings are and what belongs to them, without fetching.

use recfetch::engine::Fetcher;

use super::fetch::looking_options;
use super::looking::{self, Looking};
use super::outcome::{Many, failed};
use crate::args::LocateArgs;
use crate::context::Context;
use crate::failure::{ExitCode, Failure};

/// Looks for each recording in turn. One that is not found does not stop the others.
///
/// # Errors
/// Where the settings are wrong: no store was asked for anything then.
pub(crate) async fn run(context: &Context, args: &LocateArgs) -> Result<ExitCode, Failure> {
    if let Some(query) = &context.inputs.query {
        return super::query::run(context, args, query).await;
    }
    let many = Many::of(context.inputs.recordings.len());
    let looking = Looking::new(context, &args.what, &args.store).await?;
    let options = looking_options(&context.settings);
    let fetcher = Fetcher::new(options, context.progress.clone(), context.cancel.clone());
    let mut code = ExitCode::Complete;
    for input in &context.inputs.recordings {
        if context.cancel.is_cancelled() {
            break;
        }
        let found = looking.find(context, &fetcher, input).await;
        code = code.worse(match found.and_then(|found| looking::tell(context, &found, many)) {
            Ok(code) => code,
            Err(failure) => failed(context, input.text(), failure, many)?,
        });
    }
    Ok(code)
}
