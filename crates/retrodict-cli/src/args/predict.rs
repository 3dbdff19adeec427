//! The arguments of `predict`.

use std::path::PathBuf;

use clap::Args;

use super::Names;

/// Arguments of `predict`.
#[derive(Debug, Args)]
#[command(after_help = "\
Data: as for `retrodict solve`; each sample is as long as the network's input. Of an .npz with several
arrays --target takes the one named target and --input the one named input, or the one that
FILE.npz:NAME selects; with an array x in it, the error of x is computed too.
Networks: several files, or --ensemble DIR, give the mean of their x, and its standard deviation over
them as a file with -spread in its name.
--refine 5 takes up to five steps from the network's x, with inverse-simulator if there is a local
inverse, else levenberg-marquardt or limited-memory-bfgs. Where an exact fit would put the noise of y*
into x, it needs --noise, --noise-std or --prior. With a noise level it ends where y* is met to within
the noise. A prior is one around the network's x, unless it has a reference of its own.
--compare-cold shows what the network's start saves.")]
pub struct PredictArguments {
    /// The folder of a training, or .safetensors files: of several networks the mean is predicted.
    #[arg(value_name = "NETWORK", required_unless_present = "ensemble")]
    pub networks: Vec<PathBuf>,
    /// The folder of a training: all seeds of one of its methods.
    #[arg(long, value_name = "DIR", conflicts_with = "networks")]
    pub ensemble: Option<PathBuf>,
    /// The observations y*; not needed for a network that sees something else.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "input",
        allow_hyphen_values = true
    )]
    pub target: Option<String>,
    /// What the network sees, where that is not y*.
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub input: Option<String>,
    /// The method whose networks to use, of a folder [default: the one with the lowest loss].
    #[arg(long, value_name = "M")]
    pub method: Option<String>,
    /// Refine each x by up to N steps of direct inversion.
    #[arg(long, value_name = "N")]
    pub refine: Option<usize>,
    /// The update rule of these steps.
    #[arg(long, value_name = "M", requires = "refine", value_parser = Names::rules(), hide_possible_values = true)]
    pub rule: Option<String>,
    /// The standard deviation of the noise, relative to each target's root mean square.
    #[arg(
        long,
        value_name = "LEVEL",
        requires = "refine",
        conflicts_with = "noise_std"
    )]
    pub noise: Option<f64>,
    /// The standard deviation of the noise, in the unit of y: a number, or a file with one for each datum of a sample.
    #[arg(
        long,
        value_name = "STD",
        requires = "refine",
        allow_hyphen_values = true
    )]
    pub noise_std: Option<String>,
    /// A prior on x, as in tikhonov:order=1,weight=1e-3 (see `retrodict list`); may be repeated.
    #[arg(long = "prior", value_name = "NAME:KEY=VALUE,…", requires = "refine")]
    pub priors: Vec<String>,
    /// Bounds on the refined x as LOWER,UPPER, either of which may be left out; numbers, or files with one per value.
    #[arg(
        long,
        value_name = "L,U",
        requires = "refine",
        allow_hyphen_values = true
    )]
    pub bounds: Option<String>,
    /// When to stop before these steps, as KEY=VALUE (see `retrodict list stop`); may be repeated.
    #[arg(long = "stop", value_name = "GOAL", requires = "refine")]
    pub stops: Vec<String>,
    /// Do the same from zeros, and report how many steps it takes to reach the same loss.
    #[arg(long, requires = "refine")]
    pub compare_cold: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Number of threads; the result does not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Output file for x [default: the target's name with -predicted before its extension].
    #[arg(short, long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
}
