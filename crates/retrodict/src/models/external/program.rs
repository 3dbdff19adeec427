//! A program that reads x from one file and writes y to another.

use std::path::Path;
use std::time::Duration;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plain::plain_line;
use super::{Differences, External, MOST_VALUES, Model, Offers, failed, failed_as};
use crate::core::space::Space;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::options::{Build, Checked, Validate, positive, require};

mod files;
mod place;
mod process;

pub use files::Format;
pub use process::end_programs;

use place::CallFolder;

/// A program that reads x from a file and writes y to another.
///
/// Each call has a folder of its own, which is removed afterwards; the program runs where retrodict
/// does. Words in braces of the command are replaced: `{input}` by the file that holds x, `{output}` by
/// the file that is to hold y. No shell reads the command; write `sh -c "…"` to have one. The paths hold
/// nothing that means something to a shell, whatever `TMPDIR` is.
///
/// What a program starts ends with it, also what left its process group, as far as its variable `RETRODICT_CALL` or
/// its parents tell (on Linux).
///
/// ```
/// # #[cfg(unix)]
/// # fn main() -> retrodict::Result<()> {
/// use retrodict::models::external::{Format, ProgramOptions};
/// use retrodict::prelude::*;
/// let copy = ProgramOptions::default().with_command("cp {input} {output}").with_inputs(2).with_outputs(2);
/// let program = copy.build()?;
/// let mut y = [0.0; 2];
/// program.forward(&[3.0, 0.5], &mut y)?;
/// assert_eq!(y, [3.0, 0.5]);
/// # Ok(())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
///
/// # Shapes
/// x and y are vectors. In `npy` x has the shape `[inputs]` and y any shape of as many values;
/// in `npz` they are the arrays `x` and `y`; in `json` they are lists of numbers.
///
/// # Units
/// Times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct ProgramOptions {
    /// The command, such as `python my_model.py {input} {output}`.
    #[setters(into)]
    pub command: String,
    /// A command that writes J instead of y, m × n in row order, if there is one; a constant J needs no `{input}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
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
    #[setters(into)]
    pub at_once: Option<usize>,
    /// Derivatives, where there is no command for J.
    pub differences: Differences,
}

impl Default for ProgramOptions {
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

impl Validate for ProgramOptions {
    fn validate(&self) -> Result<()> {
        words("command", &self.command, &["{input}", "{output}"])?;
        if let Some(command) = &self.jacobian {
            words("jacobian", command, &["{output}"])?;
        }
        for (key, count) in [("inputs", self.inputs), ("outputs", self.outputs)] {
            let allowed = format!("say how many values it is: 1 to {MOST_VALUES}");
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

impl Build for ProgramOptions {
    type Built = External;

    /// Nothing is run yet.
    fn make(options: Checked<Self>) -> Result<External> {
        let words = words("command", &options.command, &[])?;
        let name = plain_line(words.first().map_or("", String::as_str));
        let command = Command {
            words,
            label: format!("program '{name}'"),
        };
        let for_j = |whole: &String| {
            let words = self::words("jacobian", whole, &[])?;
            let label = format!("the command for J, '{}',", plain_line(whole));
            Ok(Command { words, label })
        };
        let runner = Runner {
            command,
            jacobian: options.jacobian.as_ref().map(for_j).transpose()?,
            input: Space::new("x", &[options.inputs], "1"),
            output: Space::new("y", &[options.outputs], "1"),
            options,
        };
        let differences = runner.options.differences.clone();
        let at_once = runner.options.at_once;
        Ok(External::new(runner, differences, at_once))
    }
}

/// The words of a command, as a shell would split it; it must name these holes.
fn words(key: &str, command: &str, holes: &[&str]) -> Result<Vec<String>> {
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
    for hole in holes {
        if !words.iter().any(|word| word.contains(*hole)) {
            let allowed = format!("it has no {hole}, where the file's path is put; {example}");
            return Err(refused(&allowed));
        }
    }
    Ok(words)
}

/// A command and what it is called in messages.
struct Command {
    words: Vec<String>,
    label: String,
}

/// A program, ready to be run.
struct Runner {
    command: Command,
    jacobian: Option<Command>,
    options: Checked<ProgramOptions>,
    input: Space,
    output: Space,
}

impl Runner {
    /// Runs a command at x and reads the numbers that it wrote; what goes wrong is that command's.
    fn run(&self, command: &Command, x: &[f64], shape: &[usize]) -> Result<Vec<f64>> {
        let failure = |message: String| failed_as(command.label.clone(), message);
        let done = self.attempt(&command.words, x, shape);
        // What was interrupted says nothing of the program.
        done.map_err(|message| interrupt::check().err().unwrap_or_else(|| failure(message)))
    }

    fn attempt(
        &self,
        words: &[String],
        x: &[f64],
        shape: &[usize],
    ) -> std::result::Result<Vec<f64>, String> {
        let format = self.options.format;
        let place = CallFolder::make()?;
        let file = |name: &str| place.file(&format!("{name}.{}", format.ending()));
        let (input, output) = (file("input"), file("output"));
        files::write(&input, format, x)
            .map_err(|e| format!("x could not be written to {}: {e}", input.display()))?;
        let put = |word: &String| {
            let shown = |path: &Path| path.display().to_string();
            word.replace("{input}", &shown(&input))
                .replace("{output}", &shown(&output))
        };
        let words: Vec<String> = words.iter().map(put).collect();
        let timeout = Duration::try_from_secs_f64(self.options.timeout).unwrap_or(Duration::MAX);
        process::run(&words, &place.file("printed"), timeout)?;
        files::read(&output, format, shape)
    }
}

impl Model for Runner {
    fn label(&self) -> String {
        self.command.label.clone()
    }
    fn jacobian_label(&self) -> String {
        let own = self.jacobian.as_ref();
        own.map_or_else(|| self.label(), |command| command.label.clone())
    }
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn offers(&self) -> Offers {
        Offers {
            jacobian: self.jacobian.is_some(),
            ..Offers::default()
        }
    }
    fn evaluate(&self, x: &[f64]) -> Result<Vec<f64>> {
        self.run(&self.command, x, &[self.options.outputs])
    }
    fn jacobian(&self, x: &[f64]) -> Result<Vec<f64>> {
        match &self.jacobian {
            Some(command) => self.run(command, x, &[self.options.outputs, self.options.inputs]),
            None => Err(failed(self, "it has no command for J")),
        }
    }
}
