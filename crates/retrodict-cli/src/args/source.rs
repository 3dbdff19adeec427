//! A simulator of the user's own: a server or a program, from the arguments.

use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use retrodict::Simulator;

use crate::failure::{Failure, Outcome};

/// Under which the help lists what follows; stated for each, since arguments after these are others.
const HEADING: &str = "Your own simulator";

/// Where the simulator is, if it is none of retrodict's.
#[derive(Debug, Default, Args)]
pub struct Source {
    /// URL of a UM-Bridge server, such as http://localhost:4242.
    #[arg(long, help_heading = HEADING, value_name = "URL", conflicts_with_all = ["simulator", "command"])]
    pub umbridge: Option<String>,
    /// The server's model; may be left out if there is only one.
    #[arg(long, help_heading = HEADING, value_name = "NAME")]
    pub model: Option<String>,
    /// The model's configuration, as a JSON object.
    #[arg(long, help_heading = HEADING, value_name = "JSON")]
    pub config: Option<String>,
    /// A program, such as "python my_model.py {input} {output}"; the braces are replaced by file paths.
    #[arg(long, help_heading = HEADING, value_name = "CMD", conflicts_with = "simulator")]
    pub command: Option<String>,
    /// Keep the program running: it reads requests from standard input and answers on standard output, line by line
    /// in JSON, instead of being started for each evaluation.
    #[arg(long, help_heading = HEADING)]
    pub keep: bool,
    /// A program that writes J instead of y, m × n in row-major order [default: J by finite differences].
    #[arg(long, help_heading = HEADING, value_name = "CMD")]
    pub jacobian_command: Option<String>,
    /// Number of values that the program reads [default: as many as --parameter names; with --keep, as it says].
    #[arg(long, help_heading = HEADING, value_name = "N", conflicts_with = "input_shape")]
    pub inputs: Option<usize>,
    /// Number of values that it writes [default with --keep: as it says].
    #[arg(long, help_heading = HEADING, value_name = "M", conflicts_with = "output_shape")]
    pub outputs: Option<usize>,
    /// Shape of x if it is a field, such as 64x64.
    #[arg(long, help_heading = HEADING, value_name = "SHAPE")]
    pub input_shape: Option<Extents>,
    /// Shape of y if it is a field.
    #[arg(long, help_heading = HEADING, value_name = "SHAPE")]
    pub output_shape: Option<Extents>,
    /// The format of its files: npy, npz or json [default: npy].
    #[arg(long, help_heading = HEADING, value_name = "KIND")]
    pub format: Option<String>,
    /// Time limit of one evaluation, such as 500ms, 10s or 2m [default: 5m].
    #[arg(long, help_heading = HEADING, value_name = "LIMIT", value_parser = super::duration)]
    pub timeout: Option<Duration>,
    /// Number of concurrent evaluations [default: one per processor].
    #[arg(long, help_heading = HEADING, value_name = "N")]
    pub at_once: Option<usize>,
}

impl Source {
    /// Adds what the arguments say to the options of the simulator of that name; `named`: whether parameters are named, whose
    /// number is that of the inputs then.
    pub fn join(&self, name: &str, named: bool, options: &mut toml::Table) -> Outcome<()> {
        if name.is_empty() {
            return Err(Failure::Misuse(
                "no simulator is given: name one from `retrodict list`, or use your own with --umbridge URL or \
                 --command CMD"
                    .to_owned(),
            ));
        }
        self.check(named)?;
        let mut set = |key: &str, value: Option<toml::Value>| {
            if let Some(value) = value {
                options.insert(key.to_owned(), value);
            }
        };
        let text = |value: &Option<String>| value.clone().map(toml::Value::String);
        let shape = |value: &Option<Extents>| value.as_ref().map(Extents::value);
        let count = |value: Option<usize>| value.map(|n| toml::Value::Integer(n as i64));
        set("url", text(&self.umbridge));
        set("model", text(&self.model));
        set("config", self.config.as_deref().map(table).transpose()?);
        set("command", text(&self.command));
        set("jacobian", text(&self.jacobian_command));
        set("keep", self.keep.then(|| true.into()));
        set("inputs", count(self.inputs));
        set("outputs", count(self.outputs));
        set("input_shape", shape(&self.input_shape));
        set("output_shape", shape(&self.output_shape));
        set("format", text(&self.format));
        set(
            "timeout",
            self.timeout.map(|time| time.as_secs_f64().into()),
        );
        set("at_once", count(self.at_once));
        Ok(())
    }

    /// What is said of a server goes with one, and likewise for programs.
    fn check(&self, named: bool) -> Outcome<()> {
        let (server, program) = (self.umbridge.is_some(), self.command.is_some());
        let url = "--umbridge URL";
        let command = "--command CMD";
        let either = "--umbridge URL or --command CMD";
        for (flag, given, fits, with) in [
            ("--model", self.model.is_some(), server, url),
            ("--config", self.config.is_some(), server, url),
            (
                "--jacobian-command",
                self.jacobian_command.is_some(),
                program,
                command,
            ),
            ("--keep", self.keep, program, command),
            ("--inputs", self.inputs.is_some(), program, command),
            ("--outputs", self.outputs.is_some(), program, command),
            ("--format", self.format.is_some(), program, command),
            (
                "--input-shape",
                self.input_shape.is_some(),
                server || program,
                either,
            ),
            (
                "--output-shape",
                self.output_shape.is_some(),
                server || program,
                either,
            ),
            (
                "--timeout",
                self.timeout.is_some(),
                server || program,
                either,
            ),
            (
                "--at-once",
                self.at_once.is_some(),
                server || program,
                either,
            ),
        ] {
            if given && !fits {
                return Err(Failure::Misuse(format!(
                    "{flag} is for a simulator of your own: it goes with {with}; set options of other simulators \
                     with --set KEY=VALUE"
                )));
            }
        }
        if program && !self.keep {
            self.check_sizes(named)?;
        }
        Ok(())
    }

    /// A program that is run for each evaluation cannot say how many values it reads and writes.
    fn check_sizes(&self, named: bool) -> Outcome<()> {
        let input = named || self.inputs.is_some() || self.input_shape.is_some();
        let output = self.outputs.is_some() || self.output_shape.is_some();
        let missing = match (input, output) {
            (true, true) => return Ok(()),
            (false, false) => "--inputs N and --outputs M",
            (false, true) => "--inputs N",
            (true, false) => "--outputs M",
        };
        Err(Failure::Misuse(format!(
            "--command CMD needs {missing}, the numbers of values that it reads and writes (or --input-shape and \
             --output-shape, such as 64x64, for fields); a program that runs with --keep can say them itself"
        )))
    }
}

/// The lengths of the axes of a field, as in `64x64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extents(Vec<usize>);

impl Extents {
    fn value(&self) -> toml::Value {
        let extents = self.0.iter().map(|n| toml::Value::Integer(*n as i64));
        toml::Value::Array(extents.collect())
    }
}

impl FromStr for Extents {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let extents: Result<Vec<usize>, _> = text
            .split(['x', '×', ','])
            .map(|extent| extent.trim().parse())
            .collect();
        match extents {
            Ok(extents) if extents.iter().all(|n| (1..=usize::MAX / 2).contains(n)) => {
                Ok(Self(extents))
            }
            _ => Err("write the length of each axis, as in 64x64 or 3x128x128".to_owned()),
        }
    }
}

/// A JSON object as a table.
fn table(json: &str) -> Outcome<toml::Value> {
    let refused = |why: String| {
        Failure::Misuse(format!(
            "--config {json}: {why}; write a JSON object, as '{{\"level\": 2}}'"
        ))
    };
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).map_err(|e| refused(e.to_string()))?;
    toml::Value::try_from(object).map_err(|e| refused(e.to_string()))
}

/// Says how J is found, where that is not the simulator's own doing; once, however many problems share it.
pub fn note(simulator: &dyn Simulator) {
    static NOTED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let Some(approximation) = simulator.describe().approximation else {
        return;
    };
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    if !noted.contains(&approximation.note) {
        eprintln!("note: {}", approximation.note);
        noted.push(approximation.note);
    }
}
