//! Which share of a list this run has: as it was typed, or as a scheduler says that hands out indexes.

use recfetch::batch::Shard;

use crate::args::BatchArgs;
use crate::failure::Failure;
use crate::settings::env::Environment;

/// The share, and which variable told it.
pub(super) fn share(
    args: &BatchArgs,
    environment: &Environment,
) -> Result<(Shard, Option<&'static str>), Failure> {
    if let Some(shard) = args.shard {
        return Ok((shard, None));
    }
    let number = |name: &'static str| -> Result<Option<u32>, Failure> {
        let text = environment.get(name).map_err(Failure::usage)?;
        text.map(|text| text.parse().map_err(|_| Failure::usage(format!("{name} is no number: `{text}`"))))
            .transpose()
    };
    let shards = match args.shards {
        Some(shards) => Some(shards),
        None => number("RECFETCH_SHARDS")?,
    };
    let own = |index: u32, count: u32, name: &'static str| match Shard::new(index, count) {
        Ok(shard) => Ok((shard, Some(name))),
        Err(_) => Err(Failure::usage(format!("{name} names share {index}, and there are {count} from 0 on"))
            .hint("say which one this is: --shard INDEX/COUNT")),
    };
    if let Some(index) = number("JOB_COMPLETION_INDEX")? {
        let count = shards.ok_or_else(|| {
            Failure::usage("JOB_COMPLETION_INDEX says which share this is, and not of how many").hint(
                "say with --shards or RECFETCH_SHARDS how many completions the job has; --shard 0/1 does the \
                 whole list",
            )
        })?;
        return own(index, count, "JOB_COMPLETION_INDEX");
    }
    if let Some(index) = number("AWS_BATCH_JOB_ARRAY_INDEX")? {
        let count = match number("AWS_BATCH_JOB_ARRAY_SIZE")? {
            Some(count) => Some(count),
            None => shards,
        };
        let count = count.ok_or_else(|| {
            Failure::usage("AWS_BATCH_JOB_ARRAY_INDEX says which share this is, and not of how many")
                .hint("say with --shards or RECFETCH_SHARDS how large the array is")
        })?;
        return own(index, count, "AWS_BATCH_JOB_ARRAY_INDEX");
    }
    if let Some(id) = number("SLURM_ARRAY_TASK_ID")? {
        let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
        let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
        let count = match number("SLURM_ARRAY_TASK_COUNT")? {
            Some(count) => Some(count),
            None => shards,
        };
        let count = count.ok_or_else(|| {
            Failure::usage("SLURM_ARRAY_TASK_ID says which share this is, and not of how many")
                .hint("say with --shards or RECFETCH_SHARDS how large the array is")
        })?;
        // An array such as 1,5,9-11 has no order that a share could be told by.
        let even = number("SLURM_ARRAY_TASK_MAX")?
            .is_none_or(|last| last.checked_sub(first).map(|span| span / step + 1) == Some(count));
        let index = id.checked_sub(first).filter(|offset| even && offset % step == 0).map(|o| o / step);
        let index = index.ok_or_else(|| {
            Failure::usage("the tasks of this Slurm array do not follow each other evenly")
                .hint("number them from 0 on (--array=0-7), or say which share this is: --shard INDEX/COUNT")
        })?;
        return own(index, count, "SLURM_ARRAY_TASK_ID");
    }
    match args.shards {
        Some(_) => {
            Err(Failure::usage("--shards says how many shares there are, and no scheduler which one this is")
                .hint("say both: --shard INDEX/COUNT"))
        }
        None => Ok((Shard::WHOLE, None)),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn told(words: &[&str], variables: &[(&str, &str)]) -> Result<String, String> {
        let cli = Cli::try_parse_from([&["recfetch", "batch", "list"], words].concat()).unwrap();
        let Command::Batch(args) = cli.command else { panic!("no batch") };
        match share(&args, &Environment::from(variables)) {
            Ok((shard, from)) => Ok(format!("{shard} {}", from.unwrap_or("-"))),
            Err(failure) => Err(failure.render()),
        }
    }

    #[test]
    fn the_share_is_that_of_the_scheduler_unless_one_is_typed() {
        let kubernetes = ("JOB_COMPLETION_INDEX", "2");
        let aws = [("AWS_BATCH_JOB_ARRAY_INDEX", "5"), ("AWS_BATCH_JOB_ARRAY_SIZE", "10")];
        let slurm = [
            ("SLURM_ARRAY_TASK_ID", "7"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
            ("SLURM_ARRAY_TASK_MAX", "9"),
            ("SLURM_ARRAY_TASK_STEP", "2"),
            ("SLURM_ARRAY_TASK_COUNT", "5"),
        ];
        for (words, variables, expected) in [
            (&[][..], &[][..], "0/1 -"),
            (&["--shard", "3/4"], &aws[..], "3/4 -"),
            (&["--shard", "0/1"], &[kubernetes], "0/1 -"),
            (&["--shards", "4"], &[kubernetes], "2/4 JOB_COMPLETION_INDEX"),
            (&[], &[kubernetes, ("RECFETCH_SHARDS", "3")], "2/3 JOB_COMPLETION_INDEX"),
            (&[], &aws, "5/10 AWS_BATCH_JOB_ARRAY_INDEX"),
            (&[], &slurm, "3/5 SLURM_ARRAY_TASK_ID"),
            (
                &[],
                &[("SLURM_ARRAY_TASK_ID", "0"), ("SLURM_ARRAY_TASK_COUNT", "2")],
                "0/2 SLURM_ARRAY_TASK_ID",
            ),
        ] {
            assert_eq!(told(words, variables).unwrap(), expected, "{words:?} {variables:?}");
        }
    }

    #[test]
    fn an_index_without_a_count_is_refused_rather_than_everything_done_by_everybody() {
        for (words, variables) in [
            (&[][..], &[("JOB_COMPLETION_INDEX", "2")][..]),
            (&["--shards", "2"], &[("JOB_COMPLETION_INDEX", "2")]),
            (&["--shards", "2"], &[]),
            (&[], &[("AWS_BATCH_JOB_ARRAY_INDEX", "1")]),
            (&[], &[("SLURM_ARRAY_TASK_ID", "1")]),
            (
                &[],
                &[
                    ("SLURM_ARRAY_TASK_ID", "5"),
                    ("SLURM_ARRAY_TASK_MIN", "1"),
                    ("SLURM_ARRAY_TASK_MAX", "9"),
                    ("SLURM_ARRAY_TASK_COUNT", "3"),
                ],
            ),
        ] {
            let error = told(words, variables).unwrap_err();
            assert!(error.contains("--shard"), "{words:?} {variables:?}: {error}");
        }
    }
}
