//! The command-line tool: reads what was typed, lets the library work, and says what came of it.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::wildcard_enum_match_arm,
        reason = "a test that cannot go on, or meets what it does not expect, should stop there"
    )
)]

mod args;
mod commands;
mod context;
mod failure;
mod inputs;
mod jobs;
mod output;
mod progress;
mod quantity;
mod queue;
mod settings;
mod signals;

use std::sync::Arc;

use clap::Parser as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use args::{Cli, ColorMode, Command, ConfigCommand, GlobalArgs, TransferArgs};
use context::{Context, Form};
use failure::{ExitCode, Failure};
use inputs::Inputs;
use progress::{Progress, Summary, Verbosity};
use settings::env::Environment;
use settings::{Flags, Settings};

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are "errors" too, with 0; a closed stdout is nobody's fault.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::Usage.into() } else { ExitCode::Complete.into() };
        }
    };
    match cli.global.color {
        ColorMode::Auto => {}
        ColorMode::Always => anstream::ColorChoice::Always.write_global(),
        ColorMode::Never => anstream::ColorChoice::Never.write_global(),
    }
    // A panic must not look like any of the documented codes but 1; its message is on stderr already.
    std::panic::catch_unwind(|| start(cli)).unwrap_or(ExitCode::Internal).into()
}

fn start(cli: Cli) -> ExitCode {
    let environment = Environment::of_process();
    let verbosity = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, _) => Verbosity::Verbose,
    };
    let dumb = environment.has_dumb_terminal();
    let result = match &cli.command {
        // These say what is built in: a broken settings file must not hide it.
        Command::Regions(args) => commands::regions::run(args, Form::of(&cli.global)),
        Command::Explain(args) => commands::explain::run(args, Form::of(&cli.global)),
        Command::Completions(args) => commands::completions::run(args),
        Command::Man => commands::man::run(),
        Command::Fetch(_)
        | Command::Locate(_)
        | Command::Check(_)
        | Command::Mirror(_)
        | Command::Batch(_)
        | Command::Ledger(_)
        | Command::Submit(_)
        | Command::Work(_)
        | Command::Outcomes(_)
        | Command::Verify(_)
        | Command::Repair(_)
        | Command::Join(_)
        | Command::Config(_) => {
            // What was saved is judged before anything else is done with it.
            let loaded = Inputs::read(&cli.command, &environment).and_then(|inputs| {
                let flags = Flags { saved: inputs.stores.clone(), ..flags(&cli) };
                Ok((Settings::load(&flags, environment.clone())?, inputs))
            });
            return match loaded {
                Ok((settings, inputs)) => {
                    with_settings(&cli, settings, inputs, &environment, verbosity, dumb)
                }
                Err(failure) => fail(&failure, &cli.global, verbosity, dumb),
            };
        }
    };
    result.unwrap_or_else(|failure| fail(&failure, &cli.global, verbosity, dumb))
}

/// The flags of this call that are settings.
fn flags(cli: &Cli) -> Flags {
    let mut flags =
        Flags { config: cli.global.config.clone(), progress: cli.global.progress, ..Flags::default() };
    match &cli.command {
        Command::Fetch(args) => {
            flags.store = args.store.clone();
            flags.network = args.network.clone();
            flags.transfer = args.transfer.clone();
        }
        Command::Locate(args) => {
            flags.store = args.store.clone();
            flags.network = args.network.clone();
        }
        Command::Check(args) => {
            flags.store = args.store.clone();
            flags.network = args.network.clone();
        }
        Command::Mirror(args) => {
            flags.store = args.store.clone();
            flags.network = args.network.clone();
            flags.transfer =
                TransferArgs { jobs: args.jobs, limit_rate: args.limit_rate, ..TransferArgs::default() };
        }
        Command::Batch(args) => {
            flags.store = args.store.clone();
            flags.network = args.network.clone();
            flags.transfer = args.transfer.clone();
        }
        Command::Ledger(command) => {
            flags.transfer.out.clone_from(&command.file().out);
        }
        Command::Submit(args) => flags.transfer.out.clone_from(&args.out),
        Command::Work(args) => {
            flags.network = args.network.clone();
            flags.transfer = args.transfer.clone();
        }
        Command::Config(ConfigCommand::Show(args)) => {
            flags.store = args.store.clone();
            flags.network = args.network.clone();
            flags.transfer = args.transfer.clone();
        }
        Command::Verify(args) => flags.network = args.network.clone(),
        Command::Repair(args) => {
            flags.store = args.store.clone();
            flags.network = args.network.clone();
            flags.transfer =
                TransferArgs { jobs: args.jobs, limit_rate: args.limit_rate, ..TransferArgs::default() };
        }
        Command::Outcomes(_)
        | Command::Join(_)
        | Command::Regions(_)
        | Command::Explain(_)
        | Command::Completions(_)
        | Command::Man => {}
    }
    flags
}

fn with_settings(
    cli: &Cli,
    settings: Settings,
    inputs: Inputs,
    environment: &Environment,
    verbosity: Verbosity,
    dumb: bool,
) -> ExitCode {
    if let Command::Config(ConfigCommand::Show(_)) = &cli.command {
        return commands::config::show(&settings, Form::of(&cli.global))
            .unwrap_or_else(|failure| fail(&failure, &cli.global, verbosity, dumb));
    }
    let summary = match (Form::of(&cli.global), &cli.command) {
        // Its outcomes say what became of each recording; thousands of them have no other place.
        (_, Command::Batch(_) | Command::Work(_)) | (Form::Text, _) => Summary::Follows,
        (Form::Json, _) => Summary::Lacks,
    };
    let progress = Arc::new(Progress::new(settings.progress, verbosity, summary, dumb));
    log(&cli.global, environment, &progress);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::internal(error).context("could not start");
            progress.fail(&failure);
            return failure.code;
        }
    };
    let context =
        Context::new(settings, environment.clone(), inputs, Form::of(&cli.global), verbosity, progress);
    let code = runtime.block_on(supervised(&context, &cli.command));
    context.progress.finish();
    // What still runs was told to stop and did not; it must not keep the program from ending.
    runtime.shutdown_background();
    code
}

/// Runs a command; a signal that made it stop decides the code.
async fn supervised(context: &Context, command: &Command) -> ExitCode {
    let signals = match signals::Signals::watch(context.cancel.clone(), context.progress.clone()) {
        Ok(signals) => signals,
        Err(error) => {
            let failure = Failure::internal(error).context("could not watch for signals");
            context.progress.fail(&failure);
            return failure.code;
        }
    };
    let result = run(context, command).await;
    context.progress.finish();
    match (result, signals.received()) {
        (Ok(ExitCode::Complete), _) => ExitCode::Complete,
        (Ok(_), Some(stopped)) => stopped,
        (Ok(code), None) => code,
        (Err(failure), stopped) => {
            context.progress.fail(&failure);
            stopped.unwrap_or(failure.code)
        }
    }
}

async fn run(context: &Context, command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Verify(args) => commands::verify::run(context, args).await,
        Command::Repair(args) => commands::repair::run(context, args).await,
        Command::Fetch(args) => commands::fetch::run(context, args).await,
        Command::Locate(args) => commands::locate::run(context, args).await,
        Command::Check(args) => commands::check::run(context, args).await,
        Command::Mirror(args) => commands::mirror::run(context, args).await,
        Command::Batch(args) => commands::batch::run(context, args).await,
        Command::Ledger(command) => commands::ledger::run(context, command).await,
        Command::Submit(args) => commands::submit::run(context, args).await,
        Command::Work(args) => commands::work::run(context, args).await,
        Command::Outcomes(args) => commands::outcomes::run(context, args).await,
        Command::Join(args) => commands::join::run(context, args).await,
        Command::Regions(args) => commands::regions::run(args, context.form),
        Command::Explain(args) => commands::explain::run(args, context.form),
        Command::Completions(args) => commands::completions::run(args),
        Command::Man => commands::man::run(),
        Command::Config(ConfigCommand::Show(_)) => commands::config::show(&context.settings, context.form),
    }
}

/// Says why nothing could be started.
fn fail(failure: &Failure, global: &GlobalArgs, verbosity: Verbosity, dumb: bool) -> ExitCode {
    // Without settings only the flag can have asked for JSON; no other view has anything to draw.
    let mode = match global.progress {
        Some(args::ProgressMode::Json) => args::ProgressMode::Json,
        Some(_) | None => args::ProgressMode::None,
    };
    Progress::new(mode, verbosity, Summary::Lacks, dumb).fail(failure);
    failure.code
}

/// A log on stderr where `RUST_LOG` or a second `-v` asks for one.
fn log(global: &GlobalArgs, environment: &Environment, progress: &Arc<Progress>) {
    let usual = match global.verbose {
        0 | 1 => None,
        2 => Some("recfetch=debug"),
        _ => Some("recfetch=trace"),
    };
    let wanted = environment.get("RUST_LOG").ok().flatten().or(usual);
    let Some(filter) = wanted.and_then(|text| tracing_subscriber::EnvFilter::try_new(text).ok()) else {
        return;
    };
    let progress = progress.clone();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(move || progress::LogWriter::new(progress.clone()));
    // The libraries below would print signed URLs and headers: whatever was asked for, only our own words
    // are logged.
    let ours = tracing_subscriber::filter::filter_fn(|about| about.target().starts_with("recfetch"));
    tracing_subscriber::registry().with(lines.with_filter(ours)).with(filter).init();
}
