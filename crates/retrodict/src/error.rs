//! The one error type of the library.
//!
//! An `Err` means misuse or a failed simulation. A solver that diverges, stalls or
//! runs out of time returns `Ok` with a [`Status`](crate::Status) and its best iterate.

use std::fmt;

mod names;
mod place;
mod remedy;
mod source;

pub use names::{nearest, suggestion, unknown};
pub(crate) use place::At;
pub use place::Place;
pub use remedy::Remedy;
pub use source::Source;

/// What went wrong: what, what was found, what is allowed, and what to try.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A slice does not have the length that a space requires.
    #[error("{what} has {found} values, expected {expected}: check the shape of the data")]
    Length {
        /// Which argument.
        what: String,
        /// The length that was passed.
        found: usize,
        /// The length that is required.
        expected: usize,
    },
    /// A value that must be finite is NaN or infinite.
    #[error(
        "{what} holds {value} at index {index}, but every value must be finite: clean or mask the data first"
    )]
    NotFinite {
        /// Which argument.
        what: String,
        /// Where the first such value stands.
        index: usize,
        /// The offending value, as text (NaN does not compare).
        value: String,
    },
    /// An option lies outside what it may be.
    #[error("{key} = {found} is not allowed: {allowed}")]
    Option {
        /// The key as the user writes it, for example `learning_rate`.
        key: String,
        /// The value found.
        found: String,
        /// What is allowed, and what to try.
        allowed: String,
    },
    /// The registry has no entry of that name.
    #[error("{}", names::sentence(kind, found, nearest.as_deref(), known))]
    UnknownName {
        /// `simulator`, `rule`, `loss` or `experiment`.
        kind: &'static str,
        /// The requested name.
        found: String,
        /// The nearest known name, if any is near.
        nearest: Option<String>,
        /// All known names, separated by commas.
        known: String,
    },
    /// A configuration does not parse; the message names the key.
    #[error("{what}: {message}")]
    Config {
        /// Which configuration, for example `simulator heat`.
        what: String,
        /// What is wrong with it and what is allowed.
        message: String,
    },
    /// Something is given in more than one way.
    #[error("the {what} is given more than once; keep one of {keys}")]
    GivenTwice {
        /// What: `noise` or `start`.
        what: String,
        /// The keys, of which one is to be kept.
        keys: String,
    },
    /// A change of a description that cannot be made.
    #[error("{text}: {message}")]
    Override {
        /// The change, as it was written.
        text: String,
        /// Why not, and what to try.
        message: String,
    },
    /// A file that a description names is not what is asked for; the message says why, and what to try.
    #[error("{message}")]
    File {
        /// The file, what is wrong with it, and what to try.
        message: String,
    },
    /// A rule needs something that this simulator or loss does not offer.
    #[error("{rule} needs {needs}, which {simulator} does not offer; try {}", remedy::joined(.instead, &remedy::toml))]
    Unsupported {
        /// The rule that needs it.
        rule: &'static str,
        /// What it needs.
        needs: &'static str,
        /// The simulator or loss.
        simulator: String,
        /// What works here.
        instead: Vec<Remedy>,
    },
    /// Another error of the library, and what to try.
    #[error("{error}; try {}", remedy::joined(.remedies, &remedy::toml))]
    Advised {
        /// What went wrong.
        #[source]
        error: Box<Error>,
        /// What to try.
        remedies: Vec<Remedy>,
    },
    /// The simulator could not be evaluated at this point.
    #[error("{simulator} failed: {message}")]
    Simulation {
        /// The simulator's name.
        simulator: String,
        /// What happened, and where.
        message: String,
        /// The error behind it, where there was one.
        source: Option<Source>,
    },
    /// A target lies outside the range of a simulator's inverse.
    #[error("{simulator} never reaches {found}: {allowed}")]
    OutsideRange {
        /// The simulator's name.
        simulator: String,
        /// The value that cannot be reached.
        found: String,
        /// The range, and what to try.
        allowed: String,
    },
    /// A local inverse stopped before it reached y.
    #[error(
        "the inverse of {simulator} covered {:.4} % of the distance to the requested y; \
         ‖P(x) − y‖ = {misfit:.3e} is left: {why}",
        100.0 * .reached
    )]
    InverseStopped {
        /// The simulator's name.
        simulator: String,
        /// The share of the way from P(x₀) to y that was covered.
        reached: f64,
        /// ‖P(x) − y‖ there.
        misfit: f64,
        /// Why it went no further, and what to try.
        why: String,
        /// The last x on the way.
        x: Vec<f64>,
    },
    /// The work was cancelled or its time limit was reached; see [`interrupt`](crate::interrupt).
    #[error("interrupted: {why}")]
    Interrupted {
        /// Which of the two.
        why: Interruption,
    },
    /// What is wrong with a part of a description, and where that stands.
    #[error("{}", place::sentence(place, source))]
    Within {
        /// The part.
        place: Place,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// A decomposition did not converge or met a matrix it cannot factor.
    #[error("{what} failed: {message}")]
    LinearAlgebra {
        /// Which decomposition.
        what: &'static str,
        /// Why, and what to try.
        message: String,
    },
}

/// Why work was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interruption {
    /// It was cancelled, for example by Ctrl-C.
    Cancelled,
    /// Its time limit was reached.
    TimeLimit,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "cancelled",
            Self::TimeLimit => "the time limit was reached",
        })
    }
}

impl Error {
    /// Whether the caller asked for something that cannot be; otherwise a simulation failed, a decomposition did, or the work was
    /// interrupted.
    pub fn is_misuse(&self) -> bool {
        !matches!(
            self.cause(),
            Self::Simulation { .. } | Self::LinearAlgebra { .. } | Self::Interrupted { .. }
        )
    }

    /// A simulation that failed: what a [`Simulator`](crate::Simulator) returns that cannot be evaluated here.
    pub fn simulation(simulator: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Simulation {
            simulator: simulator.into(),
            message: message.into(),
            source: None,
        }
    }

    /// A simulation that failed by another error, which [`source`](std::error::Error::source) returns.
    ///
    /// ```
    /// let number = "one".parse::<f64>();
    /// let failed = retrodict::Error::simulation_by("mine", number.unwrap_err());
    /// assert_eq!(failed.to_string(), "mine failed: invalid float literal");
    /// assert!(std::error::Error::source(&failed).is_some());
    /// ```
    pub fn simulation_by(
        simulator: impl Into<String>,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Simulation {
            simulator: simulator.into(),
            message: error.to_string(),
            source: Some(Source::new(error)),
        }
    }

    /// The same error, with something to try.
    #[must_use]
    pub fn advised(self, remedy: impl Into<Remedy>) -> Self {
        Self::Advised {
            error: Box::new(self),
            remedies: vec![remedy.into()],
        }
    }

    /// What to try.
    pub fn remedies(&self) -> &[Remedy] {
        match self {
            Self::Unsupported { instead, .. } => instead,
            Self::Advised { remedies, .. } => remedies,
            Self::Within { source, .. } => source.remedies(),
            _ => &[],
        }
    }

    /// The message, in which the settings that it advises are written as a door writes them: `write` makes
    /// `--inverse path` of `inverse` and `path`, and may add to the name of a change that was refused.
    pub fn worded(&self, write: &dyn Fn(&str, &str) -> String) -> String {
        let remedies = self.remedies();
        let message = self.to_string();
        if remedies.is_empty() {
            return message;
        }
        let ours = remedy::joined(remedies, &remedy::toml);
        let before = message.strip_suffix(&ours).unwrap_or(&message);
        format!("{before}{}", remedy::joined(remedies, write))
    }

    /// Whether work was interrupted: nothing is wrong with the point at which it was.
    pub fn is_interruption(&self) -> bool {
        matches!(self.cause(), Self::Interrupted { .. })
    }
}

/// Shorthand for results of this library.
pub type Result<T> = std::result::Result<T, Error>;

/// Checks a slice's length; `what` names it in the message.
///
/// # Errors
/// [`Error::Length`] if the lengths differ.
pub fn expect_length(what: &str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Length {
        what: what.to_owned(),
        found,
        expected,
    })
}

/// Checks that every value is finite; `what` names the slice in the message.
///
/// # Errors
/// [`Error::NotFinite`] with the first index that is not.
pub fn expect_finite(what: &str, values: &[f64]) -> Result<()> {
    // 0 · ∞ and 0 · NaN are NaN, and a sum takes no branch for each value.
    let sums = values.chunks(16).fold([0.0; 16], |mut sums, chunk| {
        for (sum, v) in sums.iter_mut().zip(chunk) {
            *sum += v * 0.0;
        }
        sums
    });
    if sums.iter().sum::<f64>() == 0.0 {
        return Ok(());
    }
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(index) => Err(Error::NotFinite {
            what: what.to_owned(),
            index,
            value: values[index].to_string(),
        }),
    }
}
