//! `locate --query`: what is to be asked of Agora, with the account from the environment.

use recfetch::agora::{Customer, DEFAULT_BASES, Query};
use recfetch::domain::recording::Mode;
use recfetch::domain::recording::RecordingId;
use recfetch::source::Secret;
use url::Url;

use crate::args::{LocateArgs, RecordingMode};
use crate::failure::{ExitCode, Failure};
use crate::settings::env::Environment;

/// The query, if one was typed.
pub(super) fn query(args: &LocateArgs, environment: &Environment) -> Result<Option<Query>, Failure> {
    let (Some(sid), Some(resource_id), Some(mode)) = (&args.query, &args.resource_id, args.mode) else {
        return Ok(None);
    };
    let recording = RecordingId::parse(sid).map_err(|error| {
        Failure::new(ExitCode::Usage, error).context(format!("`{}` cannot be queried", sid.escape_debug()))
    })?;
    let variable = |name: &str| {
        environment.get(name).map_err(Failure::usage)?.ok_or_else(|| {
            Failure::usage(format!("--query needs the environment variable {name}")).hint(
                "AGORA_APP_ID is the project's App ID; AGORA_CUSTOMER_ID and AGORA_CUSTOMER_SECRET are the \
                 customer ID and secret of the REST interface, in Agora's console",
            )
        })
    };
    let bases = match environment.get("AGORA_API").map_err(Failure::usage)? {
        Some(text) => text.split(',').map(|part| base(part.trim())).collect::<Result<_, _>>()?,
        None => DEFAULT_BASES.iter().map(|text| base(text)).collect::<Result<_, _>>()?,
    };
    Ok(Some(Query {
        app_id: variable("AGORA_APP_ID")?.to_owned(),
        customer: Customer {
            id: Secret::new(variable("AGORA_CUSTOMER_ID")?),
            secret: Secret::new(variable("AGORA_CUSTOMER_SECRET")?),
        },
        resource_id: resource_id.clone(),
        recording,
        mode: match mode {
            RecordingMode::Mix => Mode::Mix,
            RecordingMode::Individual => Mode::Individual,
            RecordingMode::Web => Mode::Web,
        },
        bases,
    }))
}

fn base(text: &str) -> Result<Url, Failure> {
    // Not echoed: a URL may carry a password.
    let wrong = || {
        Failure::usage("AGORA_API is not the URL of a host")
            .hint("say scheme and host, such as https://api.agora.io; several are separated by commas")
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let fits = matches!(url.scheme(), "http" | "https") && url.has_host() && url.password().is_none();
    if fits { Ok(url) } else { Err(wrong()) }
}
