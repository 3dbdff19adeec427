//! What ends a command early, and with which exit code.

use std::path::Path;
use std::process::ExitCode;

use retrodict::interrupt::Interruption;

/// Done, but some method did not reach its goal (only with `--require-converged`), or what a training expects (only
/// with `--check`).
pub const NOT_CONVERGED: u8 = 1;

/// Ctrl-C or SIGTERM ended it before it was done; what was reached is kept.
pub const INTERRUPTED: u8 = 3;

/// The reader of standard output has gone, as in `… | head -1`: what shells report of a program that the signal of
/// a broken pipe ends, 128 + 13.
const NO_READER: u8 = 141;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The user asked for something that cannot be: exit code 2.
    #[error("{0}")]
    Misuse(String),
    /// Something broke on the way: exit code 3.
    #[error("{0}")]
    Broken(String),
    /// Nobody reads standard output any more, and no word is due: exit code 141.
    #[error("the reader of standard output has gone")]
    NoReader,
}

/// Shorthand for the results of commands.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// Ctrl-C or SIGTERM ended it before there was anything to keep.
    pub fn interrupted() -> Self {
        Self::Broken("interrupted before it was done; run it again".to_owned())
    }

    /// 2 for misuse, 3 for a failure, 141 where nobody reads on.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Misuse(_) => ExitCode::from(2),
            Self::Broken(_) => ExitCode::from(3),
            Self::NoReader => ExitCode::from(NO_READER),
        }
    }

    /// The same failure, with the place where it arose in front.
    pub fn within(self, place: &str) -> Self {
        match self {
            Self::Misuse(why) => Self::Misuse(format!("{place}: {why}")),
            Self::Broken(why) => Self::Broken(format!("{place}: {why}")),
            Self::NoReader => Self::NoReader,
        }
    }

    /// The same failure of a value in a description: where it stands, in front, and its key, unless the message or a flag
    /// says it.
    pub fn located(self, origin: &str, key: &str) -> Self {
        let message = self.to_string();
        let mut words = message.split(|c: char| !c.is_alphanumeric() && c != '_');
        match origin {
            "" => self,
            // A flag or a change says its key itself.
            origin
                if origin.starts_with("--")
                    || origin.contains(&format!("{key}="))
                    || words.any(|word| word == key) =>
            {
                self.within(origin)
            }
            origin => self.within(key).within(origin),
        }
    }

    /// The same failure, with what else may be done about it.
    pub fn and(self, hint: &str) -> Self {
        match self {
            Self::Misuse(why) => Self::Misuse(format!("{why}{hint}")),
            Self::Broken(why) => Self::Broken(format!("{why}{hint}")),
            Self::NoReader => Self::NoReader,
        }
    }

    /// A file that cannot be read as what it should be.
    pub fn unreadable(path: &Path, why: impl std::fmt::Display) -> Self {
        Self::Misuse(format!("cannot read {}: {why}", path.display()))
    }

    /// A file that cannot be written.
    pub fn unwritable(path: &Path, why: impl std::fmt::Display) -> Self {
        Self::Broken(format!(
            "cannot write {}: {why}; choose another place with --out or -o",
            path.display()
        ))
    }
}

/// A failed simulation or an interruption is a failure; everything else that the library refuses is misuse.
impl From<retrodict::Error> for Failure {
    fn from(error: retrodict::Error) -> Self {
        match error {
            retrodict::Error::Interrupted {
                why: Interruption::Cancelled,
            } => Self::interrupted(),
            error if !error.is_misuse() => Self::Broken(worded(&error)),
            error => Self::Misuse(worded(&error)),
        }
    }
}

/// An error of the library in the words of a command line: settings are flags.
fn worded(error: &retrodict::Error) -> String {
    let flag = |key: &str, value: &str| match key {
        "inverse" | "prior" | "search" => format!("--{key} {value}"),
        "start.count" => format!("--starts {value}"),
        _ => format!("--set {key}={value}"),
    };
    error.worded(&flag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use retrodict::Error;
    use retrodict::error::Remedy;

    #[test]
    fn what_to_try_is_said_in_flags() {
        let advised = |key, value| {
            let error = Error::simulation("heat", "no").advised(Remedy::Setting {
                key,
                value,
                what: "which helps",
            });
            Failure::from(error).to_string()
        };
        assert_eq!(
            advised("inverse", "path"),
            "heat failed: no; try --inverse path, which helps"
        );
        assert!(advised("start.count", "20").ends_with("try --starts 20, which helps"));
        assert!(advised("stop.steps", "9").ends_with("try --set stop.steps=9, which helps"));
    }
}
