//! The command line, typed.

mod batches;
mod names;
mod predict;
mod runs;
pub mod settings;
mod simulators;
mod solve;
pub mod source;

use std::path::PathBuf;

use clap::builder::ArgPredicate;
use clap::{Args, Parser, Subcommand};

pub use batches::{BatchArguments, CollectArguments};
pub use names::Names;
pub use predict::PredictArguments;
pub use retrodict::duration::parse as duration;
pub use runs::{ResumeArguments, RunArguments, TrainArguments};
pub use simulators::{CheckArguments, ServeArguments, SimulateArguments};
pub use solve::SolveArguments;

/// What a simulator of the user's own is called, by the argument that brings it.
const OWN: [(&str, ArgPredicate, &str); 2] = [
    ("umbridge", ArgPredicate::IsPresent, "umbridge"),
    ("command", ArgPredicate::IsPresent, "program"),
];

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  done, but a method did not reach its goal (only with --require-converged) or did something else than
     expected (only with train --check)
  2  misuse: the message says what was found, what is allowed and what to try
  3  failure: a simulation failed, a check failed, a file could not be written, or Ctrl-C or SIGTERM
     stopped the command early; results so far are kept (`serve`, which always ends this way: 0)
  141  standard output was closed, as by `retrodict list | head -1`; files are still written

Results go to standard output, progress and notices to standard error.";

/// Solve inverse problems y = P(x): inversion-based and gradient-based update rules, compared.
#[derive(Debug, Parser)]
#[command(name = "retrodict", version, about, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what there is, or show one simulator, rule, loss, … with its options.
    List(ListArguments),
    /// Run an experiment: several methods on the same problem, with a report.
    Run(RunArguments),
    /// Train networks to invert a simulator: several methods on the same data, with a report.
    Train(TrainArguments),
    /// Continue a training run or an inversion that was stopped.
    Resume(ResumeArguments),
    /// Apply a trained network to your own data.
    Predict(Box<PredictArguments>),
    /// Find the x that explains your own data.
    Solve(Box<SolveArguments>),
    /// Solve many problems, a list or a parameter sweep, in shards on several machines.
    Batch(BatchArguments),
    /// Join the results of a batch into one table and a report.
    Collect(CollectArguments),
    /// Show what a file holds, and how it would be read.
    Inspect(InspectArguments),
    /// Run a simulator forward on your own data.
    Simulate(SimulateArguments),
    /// Serve simulators to clients of the UM-Bridge protocol.
    Serve(ServeArguments),
    /// Run the conformance tests on a simulator in your configuration.
    Check(CheckArguments),
    /// Test the theoretical properties of each rule numerically.
    Audit(AuditArguments),
    /// Rebuild the report of a finished run.
    Report(ReportArguments),
    /// Print a script that completes commands, flags and names in your shell.
    Completions(CompletionsArguments),
    /// Print a manual page.
    Man(ManArguments),
}

/// All commands, for completions and manual pages.
pub fn command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// A list, such as simulators or rules, or one entry by its name, with its options; also inversion, stop, start, noise,
    /// bounds and posterior, the parts of an inversion's file [default: everything].
    #[arg(value_parser = Names::listed(), hide_possible_values = true)]
    pub what: Option<String>,
    /// Print JSON, with the options of each entry as a JSON schema.
    #[arg(long)]
    pub json: bool,
    /// Print a page in Markdown, with tables of options.
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
As in: retrodict completions bash > ~/.local/share/bash-completion/completions/retrodict")]
pub struct CompletionsArguments {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = "As in: retrodict man solve | man -l -")]
pub struct ManArguments {
    /// One command [default: retrodict itself].
    pub command: Option<String>,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
As in: retrodict inspect data.csv, or retrodict inspect data.csv:counts for one column.
Shows the arrays or columns with shape, unit, number of missing values, range, mean and a small
picture, and the arguments that give them to `retrodict solve`. Also folders of runs, networks
(.safetensors) and descriptions (.toml).")]
pub struct InspectArguments {
    /// A file of data, or something retrodict wrote; - is standard input.
    #[arg(value_name = "FILE", allow_hyphen_values = true)]
    pub file: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub struct AuditArguments {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// The folder of a run.
    pub folder: PathBuf,
}
