//! The arguments of `simulate`, `serve` and `check`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::source::Source;
use super::{Names, OWN, duration};

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
    /// The file with x; - is standard input.
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub input: String,
    /// Output file for y; - is standard output.
    #[arg(short, long = "output", value_name = "FILE")]
    pub output: PathBuf,
    /// Add white noise with this standard deviation, relative to y's root mean square.
    #[arg(long, value_name = "LEVEL")]
    pub noise: Option<f64>,
    /// The seed of the noise.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// The times of y, such as data.csv:t: sets the option times, or at, of a simulator that has it.
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub times: Option<String>,
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
