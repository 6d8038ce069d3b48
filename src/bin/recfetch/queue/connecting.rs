//! The way to the servers of the queue, and who we are there.

use async_nats::{Client, ConnectErrorKind, ConnectOptions, ServerAddr};
use recfetch::source::Secret;

use super::{Patience, Waiting, told};
use crate::args::QueueArgs;
use crate::context::Context;
use crate::failure::{ExitCode, Failure};
use crate::settings::env::Environment;

/// Connects; afterwards the client comes back by itself after each interruption.
pub(super) async fn connect(
    context: &Context,
    args: &QueueArgs,
    patience: Patience,
) -> Result<(Client, String), Failure> {
    let servers = servers(args, &context.environment)?;
    let at: Vec<String> =
        servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect();
    let at = at.join(", ");
    let login = Login::of(&context.environment)?;
    let mut waiting = Waiting::new(context, patience);
    loop {
        let error = match login.options().connect(servers.clone()).await {
            Ok(client) => return Ok((client, at)),
            Err(error) => error,
        };
        let why = told(&error);
        let what = format!("could not reach the queue at {at}");
        match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                let failure = Failure::new(ExitCode::Denied, anyhow::anyhow!("{why}")).context(what);
                return Err(failure
                    .hint("set RECFETCH_QUEUE_USER and RECFETCH_QUEUE_PASSWORD, or RECFETCH_QUEUE_TOKEN"));
            }
            ConnectErrorKind::ServerParse | ConnectErrorKind::Tls => {
                return Err(Failure::usage(why).context(what));
            }
            ConnectErrorKind::Dns
            | ConnectErrorKind::TimedOut
            | ConnectErrorKind::Io
            | ConnectErrorKind::MaxReconnects => waiting.on(&what, &why).await?,
        }
    }
}

fn servers(args: &QueueArgs, environment: &Environment) -> Result<Vec<ServerAddr>, Failure> {
    let variable = environment.get("RECFETCH_QUEUE").map_err(Failure::usage)?.map(Secret::new);
    let Some(said) = args.queue.clone().or(variable) else {
        return Err(
            Failure::usage("no queue is named").hint("give --queue nats://HOST:4222, or set RECFETCH_QUEUE")
        );
    };
    let read = |text: &str| {
        let server: Option<ServerAddr> = text.trim().parse().ok();
        // What is wrong with it cannot be said: a password may be in it.
        server
            .filter(|server| matches!(server.scheme(), "nats" | "tls") && !server.host().is_empty())
            .ok_or_else(|| {
                Failure::usage("the URL of the queue cannot be used")
                    .hint("give nats://HOST:4222 or tls://HOST:4222")
            })
    };
    said.expose().split(',').map(read).collect()
}

/// Who we are, where the URL does not say it.
struct Login {
    user: Option<(Secret, Secret)>,
    token: Option<Secret>,
}

impl Login {
    fn of(environment: &Environment) -> Result<Self, Failure> {
        let get = |name| environment.get(name).map(|value| value.map(Secret::new)).map_err(Failure::usage);
        let user = match (get("RECFETCH_QUEUE_USER")?, get("RECFETCH_QUEUE_PASSWORD")?) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(Failure::usage("RECFETCH_QUEUE_USER and RECFETCH_QUEUE_PASSWORD go together"));
            }
        };
        Ok(Self { user, token: get("RECFETCH_QUEUE_TOKEN")? })
    }

    fn options(&self) -> ConnectOptions {
        let mut options = ConnectOptions::new().name("recfetch");
        if let Some((user, password)) = &self.user {
            options = options.user_and_password(user.expose().to_owned(), password.expose().to_owned());
        }
        if let Some(token) = &self.token {
            options = options.token(token.expose().to_owned());
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<Vec<ServerAddr>, Failure> {
        let args = QueueArgs { queue: Some(Secret::new(url)), fleet: "recfetch".to_owned() };
        servers(&args, &Environment::default())
    }

    #[test]
    fn a_queue_has_one_server_or_several() {
        let several = of("nats://a.example.com, tls://b.example.com:4333").unwrap();
        let names: Vec<_> = several.iter().map(|server| (server.host(), server.port())).collect();
        assert_eq!(names, [("a.example.com", 4222), ("b.example.com", 4333)]);
    }

    #[test]
    fn what_is_no_queue_is_refused_without_its_password() {
        for url in
            ["http://me:hunter2@a.example.com", "nats://me:hunter2@", "", "ws://me:hunter2@a.example.com"]
        {
            let failure = of(url).unwrap_err();
            assert_eq!(failure.code, ExitCode::Usage, "{url}");
            assert!(!failure.render().contains("hunter2"), "{url}");
        }
    }

    #[test]
    fn a_user_without_a_password_is_a_mistake() {
        let environment = Environment::from([("RECFETCH_QUEUE_USER", "me")]);
        assert!(Login::of(&environment).is_err());
    }
}
