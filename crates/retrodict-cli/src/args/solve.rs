//! The arguments of `solve`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::source::Source;
use super::{Names, OWN, duration};

/// Arguments of `solve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Data: .npy, .npz (FILE.npz:NAME selects an array), a table (.csv, .tsv, .txt, .dat), or .png (grey or
colour, read as fields in [0, 1]; colour means three fields, each solved separately). `retrodict
inspect FILE` shows what a file holds.
Tables: FILE.csv:COLUMN selects a column by its name or number, FILE.csv:A,B several, and
FILE.csv:COLUMN?site=north the rows where the column site is north, as in
--target data.csv:counts --times data.csv:t --noise-std data.csv:sigma.
Settings: --set KEY=VALUE sets an option of the simulator, --set rule.KEY=VALUE one of the rule. An
option that is a list of numbers may be a file, as in --set times=data.csv:t.
Inverse: --set inverse.KEY=VALUE sets an option of the local inverse named by --inverse, --set
search.KEY=VALUE one of the search named by --search.
Tables: start.KEY, noise.KEY, bounds.KEY, stop.KEY, posterior.KEY and prior.NAME.KEY set those of
the file.
Starts: --starts 20 runs from the start and 19 more, drawn around it as a Latin hypercube, and lists
the distinct solutions; the best is written.
Noise: --noise 1e-3 means a standard deviation of 0.1 % of the target's root mean square.
Weights: the weight of a prior (its regularisation parameter) is a number or a rule that chooses it
from the data: discrepancy (needs the noise level), cross-validation (or gcv) or l-curve, as in
--prior tikhonov:order=1,weight=gcv.
Statistics: after the fit, 95 % confidence intervals, correlations and what is not identifiable, up to
500 unknowns; for larger fields with a matern prior, --posterior gives standard deviations and samples.
Stops: --stop gradient_below=1e-6, --stop plateau=1e-3 and so on: `retrodict list stop` explains
them. Short: discrepancy (χ²/N at most 1), loss, gradient, step. Without a goal, a run whose x has as
many values as the noisy data, and no prior, stops at the noise level.
Pipes: - in place of a file is standard input or output: a table, or a .npy array, recognised by its
first bytes. What came from standard input is solved to standard output.
File: an inversion in TOML contains the same settings, and more; flags override it.
Dry run: --dry-run reads the data, makes the checks of a run and prints the resolved problem: unknowns,
data, noise, priors, method and why, stops, output, and what a step costs. With --json as JSON.
Folder: --out DIR keeps the inversion, x, the history, a report and checkpoints; after an
interruption, `retrodict resume DIR` continues.")]
pub struct SolveArguments {
    /// A simulator's name (see `retrodict list`), or the TOML file of an inversion, unless the simulator
    /// is your own.
    #[arg(default_value = "", hide_default_value = true, default_value_ifs = OWN, value_parser = Names::simulators(), hide_possible_values = true)]
    pub simulator: String,
    /// A simulator of the user's own.
    #[command(flatten)]
    pub source: Source,
    /// The observations y*; - is standard input.
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub target: Option<String>,
    /// The times of the observations, such as data.csv:t: sets the option times, or at, of a simulator that has it.
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub times: Option<String>,
    /// Where to start [default: zeros].
    #[arg(long, value_name = "FILE")]
    pub start: Option<String>,
    /// The update rule, or auto: chosen by the size of the problem, its inverse, priors and bounds [default: auto].
    #[arg(long, value_name = "M", value_parser = Names::rules(), hide_possible_values = true)]
    pub method: Option<String>,
    /// A local inverse computed from derivatives, replacing the simulator's own, if any.
    #[arg(long, value_name = "INVERSE", value_parser = Names::inverses())]
    pub inverse: Option<String>,
    /// How far along Δx, replacing the rule's own search.
    #[arg(long, value_name = "SEARCH", value_parser = Names::searches())]
    pub search: Option<String>,
    /// Solve from N starts.
    #[arg(long, value_name = "N")]
    pub starts: Option<usize>,
    /// How far around the first start the others lie, in the unit of x [default: each value's own size].
    #[arg(long, value_name = "WIDTH", allow_negative_numbers = true)]
    pub spread: Option<f64>,
    /// The seed of the starts.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The standard deviation of the noise, relative to the target's root mean square.
    #[arg(long, value_name = "LEVEL", conflicts_with = "noise_std")]
    pub noise: Option<f64>,
    /// The standard deviation of the noise, in the unit of y: a number, or a file with one for each datum, such as
    /// data.csv:sigma.
    #[arg(long, value_name = "STD", allow_hyphen_values = true)]
    pub noise_std: Option<String>,
    /// Treat NaN in the target as values that were not observed.
    #[arg(long)]
    pub missing: bool,
    /// Bounds on x as LOWER,UPPER, either of which may be left out; numbers, or files with one per value.
    #[arg(long, value_name = "L,U", allow_hyphen_values = true)]
    pub bounds: Option<String>,
    /// One of several data sets, by name: its target, its noise and options of its simulator, as in
    /// north:target='cases.csv:cases?site=north',noise.std=5,times='cases.csv:day?site=north'; may be repeated. Parameters of one
    /// name are shared; north.k is the k of north alone.
    #[arg(
        long = "observation",
        value_name = "NAME:KEY=VALUE,…",
        allow_hyphen_values = true
    )]
    pub observations: Vec<String>,
    /// A parameter, by name, with its settings, as in k:start=1,lower=0,log or volume:fixed=3 or k_off:tied='2 * k_on' (see
    /// `retrodict list parameter`); may be repeated.
    #[arg(
        long = "parameter",
        value_name = "NAME:KEY=VALUE,…",
        allow_hyphen_values = true
    )]
    pub parameters: Vec<String>,
    /// A quantity that follows from parameters, as in R0='contact / recovery'; may be repeated.
    #[arg(long = "derived", value_name = "NAME=FORMULA")]
    pub derived: Vec<String>,
    /// A linear constraint on parameters, as in 'a + 2 * b <= 3' or 'a = b'; may be repeated.
    #[arg(
        long = "constraint",
        value_name = "FORMULA",
        allow_hyphen_values = true
    )]
    pub constraints: Vec<String>,
    /// Profile likelihoods of parameters and derived quantities, as in k,R0, or of all: how well each value explains the data.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub profile: Vec<String>,
    /// A prior on x, as in tikhonov:order=1,weight=1e-3 (see `retrodict list`); may be repeated.
    #[arg(long = "prior", value_name = "NAME:KEY=VALUE,…")]
    pub priors: Vec<String>,
    /// Also compute, after the fit, the posterior of a field with a matern prior: its standard deviation and
    /// samples, from N eigenvectors [default: 50 if no number is given].
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "50")]
    pub posterior: Option<usize>,
    /// Skip the statistics after the fit: confidence intervals, correlations, and what is not identifiable.
    #[arg(long)]
    pub no_statistics: bool,
    /// Change a setting; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Maximum number of steps [default: 1000].
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// Stopping criterion, as KEY=VALUE (see `retrodict list stop`); may be repeated.
    #[arg(long = "stop", value_name = "GOAL")]
    pub stops: Vec<String>,
    /// The time limit for each field, such as 500ms, 10s or 2m, including the choice of a weight and the statistics.
    #[arg(long, value_name = "LIMIT", value_parser = duration)]
    pub time: Option<Duration>,
    /// Print what would be solved and how, with the cost of a step, measured at the start; solve nothing and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Number of threads; the result does not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Output folder for everything: the inversion, x, the history, a report, checkpoints.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Time between checkpoints in that folder.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub checkpoint: Duration,
    /// Output file for x; - is standard output, and all that is said goes to standard error [default: the target's
    /// name with -solved before its extension, or x.npy in the folder].
    #[arg(short, long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Exit with 1 if the goal was not reached.
    #[arg(long)]
    pub require_converged: bool,
}
