//! The arguments of `batch` and `collect`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `batch`.
#[derive(Debug, Args)]
#[command(after_help = "\
File: an inversion, as the path of its file or as a table; [[problem]] entries with a name and
settings; [sweep] with lists or ranges of values. See the book, docs/src/batches.md.
Shards: --shard 2/8 solves every eighth problem, starting with the second. All shards write to one
folder, one file per problem, atomically; finished problems are not solved again, so a shard can be
stopped and restarted at any time. Exit code 3 if a problem failed; the others are still solved.")]
pub struct BatchArguments {
    /// The TOML file of the batch.
    pub file: PathBuf,
    /// Which part of the problems to solve, from 1/4 to 4/4 for example.
    #[arg(long, value_name = "I/N", value_parser = shard, default_value = "1/1")]
    pub shard: Shard,
    /// Output folder, the same for all shards [default: runs/NAME].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Number of threads; the results do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// A part of a batch: every `of`-th problem from the `index`-th on, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 0.
    pub index: usize,
    /// Of how many.
    pub of: usize,
}

/// Arguments of `collect`.
#[derive(Debug, Args)]
pub struct CollectArguments {
    /// The folder of a batch.
    pub folder: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// 2/8: the second of eight parts.
fn shard(text: &str) -> Result<Shard, String> {
    let wanted = "expected I/N with I from 1 to N, as in 1/4 to 4/4";
    let (index, of) = text.split_once('/').ok_or(wanted)?;
    let number = |text: &str| text.trim().parse::<usize>().map_err(|_| wanted.to_owned());
    let (index, of) = (number(index)?, number(of)?);
    if index == 0 || index > of {
        return Err(wanted.to_owned());
    }
    Ok(Shard {
        index: index - 1,
        of,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_parts_of_a_whole() {
        assert_eq!(shard("2/8"), Ok(Shard { index: 1, of: 8 }));
        for wrong in ["5/4", "0/4", "1", "1/0", "a/b", "-1/2"] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
    }
}
