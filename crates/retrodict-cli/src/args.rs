//! The command line, typed.

mod names;
pub mod settings;
mod solve;
pub mod source;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::ArgPredicate;
use clap::{Args, Parser, Subcommand};

pub use names::Names;
pub use retrodict::duration::parse as duration;
use source::Source;

pub use solve::SolveArguments;

/// What a simulator of the user's own is called, by the argument that brings it.
const OWN: [(&str, ArgPredicate, &str); 2] = [
    ("umbridge", ArgPredicate::IsPresent, "umbridge"),
    ("command", ArgPredicate::IsPresent, "program"),
];

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  done, but a method did not reach its goal (only with --require-converged)
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
    Predict(PredictArguments),
    /// Find the x that explains your own data.
    Solve(Box<SolveArguments>),
    /// Solve many problems, a list or a parameter sweep, in shards on several machines.
    Batch(BatchArguments),
    /// Join the results of a batch into one table and a report.
    Collect(CollectArguments),
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

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Settings:
  --set seed=3                     the run's seed
  --set steps=50                   the steps of every method
  --set simulator.nu_t=4           an option of the simulator of every problem
  --set nu_t=4                     the same, abbreviated
  --set photograph.noise=1e-2      a key of one problem, by its name
  --set newton.learning_rate=0.5   an option of one method's rule, by the method's name
  --set newton.steps=20            a key of one method")]
pub struct RunArguments {
    /// An experiment's name (see `retrodict list`) or a TOML file.
    #[arg(value_parser = Names::experiments(), hide_possible_values = true)]
    pub experiment: String,
    /// Run each method from N starts: the problem's own, and others drawn around it.
    #[arg(long, value_name = "N")]
    pub starts: Option<usize>,
    /// Run only these methods, by name or rule; may be repeated.
    #[arg(long = "method", value_name = "M")]
    pub methods: Vec<String>,
    /// Change a setting; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// The seed of every random draw.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Number of threads; the result does not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// The time limit of each method on each problem, such as 500ms, 10s or 2m.
    #[arg(long, value_name = "LIMIT", value_parser = duration)]
    pub time: Option<Duration>,
    /// Output folder [default: runs/NAME, or the next free runs/NAME-2, …].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print JSON, with all iterates of small problems.
    #[arg(long)]
    pub json: bool,
    /// Exit with 1 if a method did not reach its goal.
    #[arg(long)]
    pub require_converged: bool,
}

/// Arguments of `train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Settings:
  --set data.train=512             a key of the experiment
  --set simulator.steps=48         an option of the simulator
  --set network.hidden=[40,40]     an option of the network
  --set hig.batch=16               a key of one method, by its name
  --set hig.rule.truncation=1e-6   an option of its rule
Ctrl-C stops the training and keeps everything; `retrodict resume DIR` continues it, bit for bit.")]
pub struct TrainArguments {
    /// A training experiment's name (see `retrodict list`) or a TOML file.
    #[arg(value_parser = Names::trainings(), hide_possible_values = true)]
    pub experiment: String,
    /// Use only the methods with this strategy, by its name or another that `retrodict list strategies` shows.
    #[arg(long, value_name = "S", value_parser = Names::strategies())]
    pub strategy: Option<String>,
    /// Use only this method, by its name or its rule.
    #[arg(long, value_name = "M")]
    pub method: Option<String>,
    /// Use only these methods, by name.
    #[arg(long, value_name = "M,…", value_delimiter = ',')]
    pub compare: Vec<String>,
    /// Stop after N epochs.
    #[arg(long, value_name = "N")]
    pub epochs: Option<u64>,
    /// Stop each method after this much time spent in steps, such as 30s or 5m.
    #[arg(long, value_name = "LIMIT", value_parser = duration)]
    pub time: Option<Duration>,
    /// Train each method N times, from different initial weights.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seeds: u64,
    /// The seed of every random draw.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Change a setting; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Number of threads; the result does not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Time between checkpoints.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "2m")]
    pub checkpoint: Duration,
    /// Output folder [default: runs/train-NAME, or the next free runs/train-NAME-2, …].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
#[command(after_help = "\
A training run continues unchanged. An inversion (the folder of `retrodict solve --out`) continues
bit for bit if nothing is changed; --set rule=NAME or rule.KEY=VALUE continues from its best x with
another rule, and any other setting of `retrodict solve`, such as prior.tikhonov.weight=1, changes
the problem, which then starts from the best x. The changes are saved in the folder.")]
pub struct ResumeArguments {
    /// The folder of a training run or an inversion.
    pub folder: PathBuf,
    /// For an inversion: the number of further steps.
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// Stopping criterion, as for `retrodict solve`; may be repeated.
    #[arg(long = "stop", value_name = "GOAL")]
    pub stops: Vec<String>,
    /// Change a setting of an inversion; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Number of threads; the result does not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Time between checkpoints.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "2m")]
    pub checkpoint: Duration,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `predict`.
#[derive(Debug, Args)]
#[command(after_help = "\
Data: as for `retrodict solve`; each sample is as long as the network's input.
--refine 5 takes five steps from the network's x, with inverse-simulator if there is a local inverse,
else levenberg-marquardt or limited-memory-bfgs. --compare-cold shows what the network's start saves.")]
pub struct PredictArguments {
    /// The folder of a training run, or a .safetensors file in it.
    pub network: PathBuf,
    /// The observations y*.
    #[arg(long, value_name = "FILE")]
    pub target: String,
    /// The method whose network to use [default: the one with the lowest loss].
    #[arg(long, value_name = "M")]
    pub method: Option<String>,
    /// Refine each x by N steps of direct inversion.
    #[arg(long, value_name = "N")]
    pub refine: Option<usize>,
    /// The update rule of these steps.
    #[arg(long, value_name = "M", requires = "refine", value_parser = Names::rules(), hide_possible_values = true)]
    pub rule: Option<String>,
    /// Do the same from zeros, and report how many steps it takes to reach the same loss.
    #[arg(long, requires = "refine")]
    pub compare_cold: bool,
    /// Number of threads; the result does not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Output file for x [default: the target's name with -predicted before its extension].
    #[arg(short, long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
}

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

/// Arguments of `simulate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Data: as for `retrodict solve`. A PNG is written with 16 bits, to lose little precision; values
outside [0, 1] are clipped, with a note.")]
pub struct SimulateArguments {
    /// A simulator's name (see `retrodict list`), unless it is your own.
    #[arg(default_value = "", hide_default_value = true, default_value_ifs = OWN, value_parser = Names::simulators(), hide_possible_values = true)]
    pub simulator: String,
    /// A simulator of the user's own.
    #[command(flatten)]
    pub source: Source,
    /// The file with x.
    #[arg(long, value_name = "FILE")]
    pub input: String,
    /// Output file for y.
    #[arg(short, long = "output", value_name = "FILE")]
    pub output: PathBuf,
    /// Add white noise with this standard deviation, relative to y's root mean square.
    #[arg(long, value_name = "LEVEL")]
    pub noise: Option<f64>,
    /// The seed of the noise.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Change an option of the simulator; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Settings: --set KEY=VALUE sets an option of the simulator; with several, --set NAME.KEY=VALUE. A client
can change them for its own requests with its config object.
Clients: any UM-Bridge client, such as Python's umbridge.HTTPModel(\"http://localhost:4242\", NAME).")]
pub struct ServeArguments {
    /// Simulators' names (see `retrodict list`).
    #[arg(required = true, value_name = "SIMULATOR")]
    pub simulators: Vec<String>,
    /// Change an option of a simulator; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// The port; 0 picks any free port.
    #[arg(long, value_name = "PORT", default_value_t = 4242)]
    pub port: u16,
    /// The address to listen on; 0.0.0.0 admits other machines.
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub host: String,
    /// Number of concurrent evaluations, and of threads.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Time limit of a request.
    #[arg(long, value_name = "LIMIT", value_parser = duration, default_value = "5m")]
    pub timeout: Duration,
    /// The longest request accepted, in MiB; up to four such may arrive at once.
    #[arg(long, value_name = "MIB", default_value_t = 64)]
    pub body_limit: usize,
    /// Total memory of all evaluations, in MiB [default: half of the machine's memory].
    #[arg(long, value_name = "MIB")]
    pub memory: Option<usize>,
    /// A further host name to answer to, beside localhost, 127.0.0.1 and `::1`, and whose web pages may send
    /// requests; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
If the simulator has a local inverse, built in or by --inverse, a second table follows: for each ‖Δy‖
around y₀ = P(x₀), the remaining misfit ‖P(P⁻¹(y₀ + Δy; x₀)) − y₀ − Δy‖, and the distance to the
inverse-Jacobian step, which must decrease as ‖Δy‖².")]
pub struct CheckArguments {
    /// A simulator's name (see `retrodict list`), unless it is your own.
    #[arg(default_value = "", hide_default_value = true, default_value_ifs = OWN, value_parser = Names::simulators(), hide_possible_values = true)]
    pub simulator: String,
    /// A simulator of the user's own.
    #[command(flatten)]
    pub source: Source,
    /// A local inverse computed from derivatives, replacing the simulator's own, if any.
    #[arg(long, value_name = "INVERSE", value_parser = Names::inverses())]
    pub inverse: Option<String>,
    /// The x at which to check [default: drawn from the typical range of x].
    #[arg(long, value_name = "FILE")]
    pub at: Option<String>,
    /// Change an option of the simulator; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// The seed of the points that are checked.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
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
