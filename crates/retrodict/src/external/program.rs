use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::{Differences, External, MOST_VALUES, Model, Offers, failed};
use crate::error::{Error, Result};
use crate::options::{Validate, positive, require};
use crate::simulator::Space;

mod files;
mod process;

pub use files::Format;
pub use process::end_programs;

/// A program that reads x from a file and writes y to another.
///
/// Each call has a folder of its own, which is removed afterwards; the program runs where retrodict
/// does. Words in braces of the command are replaced: `{input}` by the file that holds x, `{output}` by
/// the file that is to hold y. No shell reads the command; write `sh -c "…"` to have one.
///
/// # Shapes
/// x and y are vectors. In `npy` x has the shape `[inputs]` and y any shape of as many values;
/// in `npz` they are the arrays `x` and `y`; in `json` they are lists of numbers.
///
/// # Units
/// Times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Program {
    /// The command, such as `python my_model.py {input} {output}`.
    pub command: String,
    /// A command that writes J instead of y, m × n in row order, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jacobian: Option<String>,
    /// How many values x has.
    pub inputs: usize,
    /// How many values y has.
    pub outputs: usize,
    /// How the files hold numbers.
    pub format: Format,
    /// How long a call may take; then it is ended, with all that it started.
    pub timeout: f64,
    /// How many calls may run at once; one for each processor if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_once: Option<usize>,
    /// Derivatives, where there is no command for J.
    pub differences: Differences,
}

impl Default for Program {
    fn default() -> Self {
        Self {
            command: String::new(),
            jacobian: None,
            inputs: 0,
            outputs: 0,
            format: Format::Npy,
            timeout: 300.0,
            at_once: None,
            differences: Differences::default(),
        }
    }
}

impl Validate for Program {
    fn validate(&self) -> Result<()> {
        words("command", &self.command)?;
        if let Some(command) = &self.jacobian {
            words("jacobian", command)?;
        }
        for (key, count) in [("inputs", self.inputs), ("outputs", self.outputs)] {
            let allowed = format!(
                "say how many values it is, with --inputs and --outputs: 1 to {MOST_VALUES}"
            );
            require((1..=MOST_VALUES).contains(&count), key, count, &allowed)?;
        }
        positive("timeout", self.timeout)?;
        require(
            self.at_once != Some(0),
            "at_once",
            0,
            "it must be at least 1",
        )?;
        self.differences.validate()
    }
}

impl Program {
    /// Makes a simulator of it; nothing is run yet.
    ///
    /// # Errors
    /// If an option is not allowed.
    pub fn simulator(&self) -> Result<External> {
        self.validate()?;
        let command = words("command", &self.command)?;
        let jacobian = self.jacobian.as_deref();
        let jacobian = jacobian
            .map(|command| words("jacobian", command))
            .transpose()?;
        let label = format!("program '{}'", command.first().map_or("", String::as_str));
        let runner = Runner {
            command,
            jacobian,
            label,
            options: self.clone(),
        };
        Ok(External::new(
            runner,
            self.differences.clone(),
            self.at_once,
        ))
    }
}

/// The words of a command, as a shell would split it.
fn words(key: &str, command: &str) -> Result<Vec<String>> {
    let refused = |allowed: &str| Error::Option {
        key: key.to_owned(),
        found: format!("'{command}'"),
        allowed: allowed.to_owned(),
    };
    let example = "write it as \"python my_model.py {input} {output}\"";
    let words = shlex::split(command).ok_or_else(|| refused("a quote is not closed"))?;
    if words.is_empty() {
        return Err(refused(&format!("there is no command; {example}")));
    }
    for hole in ["{input}", "{output}"] {
        if !words.iter().any(|word| word.contains(hole)) {
            let allowed = format!("it has no {hole}, where the file's path is put; {example}");
            return Err(refused(&allowed));
        }
    }
    Ok(words)
}

/// A folder that this user alone can enter; it goes away when it is dropped.
fn private_folder() -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.prefix("retrodict-").tempdir()
}

/// A program, ready to be run.
struct Runner {
    command: Vec<String>,
    jacobian: Option<Vec<String>>,
    label: String,
    options: Program,
}

impl Runner {
    /// Runs a command at x and reads the numbers that it wrote.
    fn run(&self, command: &[String], x: &[f64], most: usize) -> Result<Vec<f64>> {
        self.attempt(command, x, most)
            .map_err(|why| failed(self, why))
    }

    fn attempt(
        &self,
        command: &[String],
        x: &[f64],
        most: usize,
    ) -> std::result::Result<Vec<f64>, String> {
        let format = self.options.format;
        let folder = private_folder().map_err(|e| {
            let parent = std::env::temp_dir();
            format!(
                "no folder for its files could be made in {}: {e}",
                parent.display()
            )
        })?;
        let place = |name: &str| folder.path().join(format!("{name}.{}", format.ending()));
        let (input, output) = (place("input"), place("output"));
        files::write(&input, format, x)
            .map_err(|e| format!("x could not be written to {}: {e}", input.display()))?;
        let put = |word: &String| {
            let shown = |path: &Path| path.display().to_string();
            word.replace("{input}", &shown(&input))
                .replace("{output}", &shown(&output))
        };
        let command: Vec<String> = command.iter().map(put).collect();
        let timeout = Duration::try_from_secs_f64(self.options.timeout).unwrap_or(Duration::MAX);
        let log = folder.path().join("printed");
        process::run(&command, &log, timeout)?;
        files::read(&output, format, most)
    }
}

impl Model for Runner {
    fn label(&self) -> String {
        self.label.clone()
    }
    fn input(&self) -> Space {
        Space::new("x", &[self.options.inputs], "1")
    }
    fn output(&self) -> Space {
        Space::new("y", &[self.options.outputs], "1")
    }
    fn offers(&self) -> Offers {
        Offers {
            jacobian: self.jacobian.is_some(),
            ..Offers::default()
        }
    }
    fn evaluate(&self, x: &[f64]) -> Result<Vec<f64>> {
        self.run(&self.command, x, self.options.outputs)
    }
    fn jacobian(&self, x: &[f64]) -> Result<Vec<f64>> {
        let most = self.options.inputs * self.options.outputs;
        match &self.jacobian {
            Some(command) => self.run(command, x, most),
            None => Err(failed(self, "it has no command for J")),
        }
    }
}
