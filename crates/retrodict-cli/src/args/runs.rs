//! The arguments of `run`, `train` and `resume`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Names, duration};

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
  --set hig.search=backtracking    how far along the steps of its rule
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
    /// Train each method N times, from different initial weights; results are medians and quartiles.
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
    /// Compare the outcome with what the methods expect; exit with 1 if it is not met.
    #[arg(long)]
    pub check: bool,
    /// Also write event files for TensorBoard, to the folder's `tensorboard`.
    #[arg(long)]
    pub tensorboard: bool,
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
