//! What is archived: asked for, waited for, and told.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use recfetch::domain::thaw::{Days, RestoreRequest};
use recfetch::engine::{Fetcher, Found, ThawFor, ThawOptions, Thawed, WaitOptions};

use super::fetch::fetch_failure;
use super::looking::Looking;
use crate::args::{ColdArgs, TierArg};
use crate::context::{Context, Form};
use crate::failure::{Failure, printable};
use crate::inputs::Input;
use crate::output::count;
use crate::quantity::typed_duration;

/// Longer than the slowest tier of the coldest class takes.
const WAIT: Duration = Duration::from_secs(3 * 24 * 3600);

/// The first look after asking: the fastest classes are back within a minute.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// Lists that came back may name others that are archived, but not for ever.
const ROUNDS: usize = 4;

/// What is done about archived objects.
pub(super) struct Cold {
    asked: Option<(RestoreRequest, Option<Duration>)>,
    /// Of the playlist without which nothing was known.
    list: RefCell<Thawed>,
}

impl Cold {
    pub(super) fn of(args: &ColdArgs) -> Self {
        let asked = args.restore.map(|tier| {
            let request = RestoreRequest {
                tier: tier.map(TierArg::tier).unwrap_or_default(),
                days: args.days.and_then(Days::new).unwrap_or_default(),
            };
            (request, args.wait.map(|wait| wait.unwrap_or(WAIT)))
        });
        Self { asked, list: RefCell::default() }
    }

    /// Whether restores are asked for.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    fn options(&self, since: Instant) -> Option<ThawOptions> {
        let (request, wait) = self.asked?;
        let wait = wait.map(|wait| WaitOptions {
            first_pause: FIRST_PAUSE,
            ..WaitOptions::new(wait.saturating_sub(since.elapsed()))
        });
        Some(ThawOptions { request, wait })
    }

    /// Finds a recording, whose only playlist may be archived.
    pub(super) async fn find(
        &self,
        context: &Context,
        looking: &Looking,
        fetcher: &Fetcher,
        input: &Input,
    ) -> Result<Found, Failure> {
        let since = Instant::now();
        self.list.replace(Thawed::default());
        let mut rounds = 0;
        let found = looking.find_thawed(context, fetcher, input, async |recording, candidates, from, key| {
            rounds += 1;
            let Some(options) = self.options(since).filter(|_| rounds <= ROUNDS) else { return false };
            let thawed = fetcher.thaw_list(recording, candidates, from, key, &options).await;
            let again = thawed.look_again && !context.cancel.is_cancelled();
            let before = self.list.take();
            self.list.replace(before.then(thawed));
            again
        });
        let found = found.await;
        let list = self.list.take();
        match found {
            Ok(found) => Ok(found),
            Err(failure) if list.is_nothing() => Err(failure),
            Err(mut failure) => {
                failure.hints = vec![self.text(&list)];
                Err(failure)
            }
        }
    }

    /// Brings back what is archived; finds the recording anew where its lists were.
    pub(super) async fn thaw(
        &self,
        context: &Context,
        looking: &Looking,
        fetcher: &Fetcher,
        input: &Input,
        mut found: Found,
        into: ThawFor<'_>,
    ) -> Result<(Found, Thawed), Failure> {
        let since = Instant::now();
        let mut all = Thawed::default();
        for _ in 0..ROUNDS {
            let Some(options) = self.options(since) else { break };
            let thawed = fetcher.thaw(&mut found, into, &options).await.map_err(fetch_failure)?;
            let again = thawed.look_again && !context.cancel.is_cancelled();
            all = all.then(thawed);
            if !again {
                break;
            }
            found = looking.find(context, fetcher, input).await?;
        }
        Ok((found, all))
    }

    /// Tells what was asked for and when to come back.
    pub(super) fn tell(&self, context: &Context, thawed: &Thawed) -> Result<(), Failure> {
        if thawed.is_nothing() {
            return Ok(());
        }
        let text = self.text(thawed);
        match context.form {
            Form::Text => context.print(&format!("restore    {text}\n")),
            // stdout has the report.
            Form::Json => {
                context.progress.say(&format!("restore    {text}"));
                Ok(())
            }
        }
    }

    fn text(&self, thawed: &Thawed) -> String {
        let Thawed { asked, under_way, refused, refusal, back, frozen, within, until, look_again: _ } =
            thawed;
        let mut parts = Vec::new();
        if *asked > 0 {
            let how = self.asked.map(|(request, _)| {
                let days = count(usize::from(request.days.get()), "day");
                format!(" ({}, readable for {days})", request.tier)
            });
            parts.push(format!("{} asked for{}", count(*asked, "object"), how.unwrap_or_default()));
        }
        if *under_way > 0 {
            parts.push(format!("{} under way before", count(*under_way, "object")));
        }
        if *back > 0 {
            let until = until.map_or_else(String::new, |until| format!(", the first until {until}"));
            parts.push(format!("{} back{until}", count(*back, "object")));
        }
        if *refused > 0 {
            let why = refusal.as_deref().map(|why| format!(": {}", printable(why)));
            parts.push(format!("{} refused{}", count(*refused, "object"), why.unwrap_or_default()));
        }
        let mut text = parts.join("; ");
        if *frozen > 0 {
            let when = match within {
                Some(within) => format!("within {} of asking", typed_duration(*within)),
                None => "later".to_owned(),
            };
            text.push_str(&format!(
                "; {} not readable yet: back {when}, and the same command goes on then",
                count(*frozen, "object")
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_told_with_when_to_come_back() {
        let args = ColdArgs { restore: Some(Some(TierArg::Bulk)), days: Some(10), wait: None };
        let thawed = Thawed {
            asked: 12,
            under_way: 1,
            back: 2,
            frozen: 13,
            within: Some(Duration::from_secs(48 * 3600)),
            ..Thawed::default()
        };
        assert_eq!(
            Cold::of(&args).text(&thawed),
            "12 objects asked for (Bulk, readable for 10 days); 1 object under way before; 2 objects back; \
             13 objects not readable yet: back within 48h of asking, and the same command goes on then"
        );
    }

    #[test]
    fn nothing_is_asked_for_unless_told_so() {
        assert!(!Cold::of(&ColdArgs::default()).is_asked());
        let args = ColdArgs { restore: Some(None), days: None, wait: Some(None) };
        let cold = Cold::of(&args);
        assert_eq!(cold.asked, Some((RestoreRequest::default(), Some(WAIT))));
    }
}
