//! A program as a simulator: run for each call, with x in one file and y in another, or kept running.

use std::path::Path;
use std::time::Duration;

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plain::plain_line;
use super::shape::{fitted, stated};
use super::{Differences, External, MOST_VALUES, Model, Offers, failed, failed_as};
use crate::core::space::Space;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::options::{Build, Checked, Validate, positive, require};

mod files;
mod kept;
mod numbers;
mod place;
mod process;

pub use files::Format;
pub use process::end_programs;

use kept::{Recipe, Resident};
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
/// With [`keep`](Self::keep) the program is started once for each call at the same time, and stays: it reads requests from
/// its standard input and answers on its standard output, a JSON object a line.
///
/// ```text
/// {"id":0,"call":"describe","version":1}      {"id": 0, "offers": ["forward", "jvp"], "names": ["a", "r"]}
/// {"id":1,"call":"forward","x":[1.0,0.5]}     {"id": 1, "value": [0.78, 0.61, 0.37]}
/// {"id":2,"call":"jvp","x":[…],"dx":[…]}      {"id": 2, "error": "the mesh is empty"}
/// ```
///
/// The answer to `describe` says, as far as it likes, `offers` (`forward`, `jacobian`, `jvp` and `vjp`; else `forward`
/// alone), `input_shape`, `output_shape`, and `names` and `units` of the unknowns. A program that ended is started again
/// once; one that answers anything else is ended. Building it starts one.
///
/// # Shapes
/// x and y are vectors, or fields of [`input_shape`](Self::input_shape) and [`output_shape`](Self::output_shape). The program
/// sees them flat, in row order: in `npy` x has the shape `[inputs]` and y any shape of as many values; in `npz` they are
/// the arrays `x` and `y`; in `json` they are lists of numbers. J is m × n, in row order.
///
/// # Units
/// Times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct ProgramOptions {
    /// The command, such as `python my_model.py {input} {output}`; without the braces if it stays.
    #[setters(into)]
    pub command: String,
    /// A command that writes J instead of y, m × n in row order, if there is one; a constant J needs no `{input}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[setters(into)]
    pub jacobian: Option<String>,
    /// Whether the program stays, and answers line by line instead of reading and writing files.
    pub keep: bool,
    /// How many values x has; may be left out where there is an `input_shape`.
    pub inputs: usize,
    /// How many values y has; may be left out where there is an `output_shape`.
    pub outputs: usize,
    /// The shape of x, such as `[64, 64]`, if it is a field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[setters(into)]
    pub input_shape: Vec<usize>,
    /// The shape of y, if it is a field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[setters(into)]
    pub output_shape: Vec<usize>,
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
            keep: false,
            inputs: 0,
            outputs: 0,
            input_shape: Vec::new(),
            output_shape: Vec::new(),
            format: Format::Npy,
            timeout: 300.0,
            at_once: None,
            differences: Differences::default(),
        }
    }
}

impl Validate for ProgramOptions {
    fn validate(&self) -> Result<()> {
        match self.keep {
            true => self.validate_kept()?,
            false => {
                words("command", &self.command, &["{input}", "{output}"])?;
                if let Some(command) = &self.jacobian {
                    words("jacobian", command, &["{output}"])?;
                }
            }
        }
        for (what, shape) in [("input", self.input()?), ("output", self.output()?)] {
            let allowed = format!("say how many values it is: 1 to {MOST_VALUES}");
            // A program that stays may tell.
            let known = self.keep || shape.is_some();
            require(known, &format!("{what}s"), 0, &allowed)?;
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

impl ProgramOptions {
    fn input(&self) -> Result<Option<Vec<usize>>> {
        stated("input", self.inputs, &self.input_shape)
    }

    fn output(&self) -> Result<Option<Vec<usize>>> {
        stated("output", self.outputs, &self.output_shape)
    }

    /// What a program that stays is told by files otherwise.
    fn validate_kept(&self) -> Result<()> {
        let words = words("command", &self.command, &[])?;
        let has_hole = |word: &String| word.contains("{input}") || word.contains("{output}");
        require(
            !words.iter().any(has_hole),
            "command",
            format!("'{}'", self.command),
            "with keep the program reads x from its standard input, line by line: leave {input} and {output} out, or \
             set keep = false to run it for each call",
        )?;
        if let Some(jacobian) = &self.jacobian {
            let allowed = "with keep the program itself offers 'jacobian': leave this out";
            require(false, "jacobian", format!("'{jacobian}'"), allowed)?;
        }
        let allowed = "with keep there are no files: leave format out";
        let format = self.format.ending();
        require(self.format == Format::Npy, "format", format, allowed)
    }
}

impl Build for ProgramOptions {
    type Built = External;

    /// Nothing is run yet, unless the program stays: then it is started, and says what it is.
    ///
    /// # Errors
    /// If a program that stays cannot be started, or says nothing of use.
    fn make(options: Checked<Self>) -> Result<External> {
        let words = words("command", &options.command, &[])?;
        let name = plain_line(words.first().map_or("", String::as_str));
        let label = format!("program '{name}'");
        let timeout = Duration::try_from_secs_f64(options.timeout).unwrap_or(Duration::MAX);
        let (differences, at_once) = (options.differences.clone(), options.at_once);
        if options.keep {
            let program = Recipe {
                command: words,
                label,
                timeout,
            };
            let resident = Resident::start(program, options.input()?, options.output()?)?;
            return Ok(External::new(resident, differences, at_once));
        }
        let for_j = |whole: &String| {
            let words = self::words("jacobian", whole, &[])?;
            let label = format!("the command for J, '{}',", plain_line(whole));
            Ok(Command { words, label })
        };
        let jacobian = options.jacobian.as_ref().map(for_j).transpose()?;
        let input = fitted("input", options.input()?, None, &label)?;
        let output = fitted("output", options.output()?, None, &label)?;
        let runner = Runner {
            command: Command { words, label },
            jacobian,
            input: Space::new("x", &input, "1"),
            output: Space::new("y", &output, "1"),
            format: options.format,
            timeout,
        };
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
    format: Format,
    timeout: Duration,
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
        let format = self.format;
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
        process::run(&words, &place.file("printed"), self.timeout)?;
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
        self.run(&self.command, x, &[self.output.len()])
    }
    fn jacobian(&self, x: &[f64]) -> Result<Vec<f64>> {
        match &self.jacobian {
            Some(command) => self.run(command, x, &[self.output.len(), self.input.len()]),
            None => Err(failed(self, "it has no command for J")),
        }
    }
}
