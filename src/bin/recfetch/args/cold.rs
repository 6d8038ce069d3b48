//! What is done about archived objects.

use std::time::Duration;

use clap::{Args, ValueEnum};
use recfetch::domain::thaw::{Days, Tier};

use crate::quantity::parse_duration;

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Archived objects")]
pub(crate) struct ColdArgs {
    /// Ask the store to restore what is needed, not here and archived, each object once; then end with code 8 and
    /// say when to come back: the same command goes on. Where a class knows no tiers (Kodo, Archive at Aliyun)
    /// there is one way [default tier: standard]
    #[expect(clippy::option_option, reason = "clap: not given, given, given with a tier")]
    #[arg(long, value_name = "TIER", num_args = 0..=1, require_equals = true, ignore_case = true)]
    pub(crate) restore: Option<Option<TierArg>>,
    /// For how many days what was restored can be read [default: 7]
    #[arg(long, value_name = "N", requires = "restore",
          value_parser = clap::value_parser!(u16).range(1..=i64::from(Days::MOST)))]
    pub(crate) days: Option<u16>,
    /// Wait until all of it can be read, for so long at the most, and fetch it then [default duration: 3d]
    #[expect(clippy::option_option, reason = "clap: not given, given, given with a duration")]
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, requires = "restore",
          value_parser = parse_duration)]
    pub(crate) wait: Option<Option<Duration>>,
}

/// How fast a restore is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TierArg {
    /// Minutes, for the most money
    Expedited,
    /// Hours
    Standard,
    /// Half a day to two days, for the least money
    Bulk,
}

impl TierArg {
    pub(crate) fn tier(self) -> Tier {
        match self {
            Self::Expedited => Tier::Expedited,
            Self::Standard => Tier::Standard,
            Self::Bulk => Tier::Bulk,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn a_tier_and_a_duration_are_taken_only_after_an_equals_sign() {
        let parse = |words: &[&str]| {
            let cli = Cli::try_parse_from([&["recfetch", "fetch"], words].concat()).map(|cli| cli.command);
            match cli {
                Ok(Command::Fetch(args)) => {
                    Some((args.what.recordings, args.cold.restore, args.cold.days, args.cold.wait))
                }
                Ok(other) => panic!("{other:?}"),
                Err(_) => None,
            }
        };
        let sid = vec!["sid".to_owned()];
        assert_eq!(parse(&["--restore", "sid"]), Some((sid.clone(), Some(None), None, None)));
        assert_eq!(
            parse(&["--restore=Bulk", "--days", "3", "--wait=2h", "sid"]),
            Some((sid.clone(), Some(Some(TierArg::Bulk)), Some(3), Some(Some(Duration::from_secs(7200)))))
        );
        assert_eq!(parse(&["--restore", "--wait", "sid"]), Some((sid.clone(), Some(None), None, Some(None))));
        assert_eq!(parse(&["sid"]), Some((sid, None, None, None)));
        for wrong in [&["--wait", "sid"][..], &["--days", "3", "sid"], &["--restore=Fast", "sid"]] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(parse(&["--restore", "--days", "366", "sid"]), None);
    }
}
