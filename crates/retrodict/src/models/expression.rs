//! Formulas in named variables, such as `contact / recovery`: read once, differentiated exactly.

mod function;
mod graph;
mod lanes;
mod parser;
mod program;
mod tape;

use num_dual::Dual64;

use crate::core::number::Number;
use crate::error::{Error, Result};
pub(crate) use program::Programs;
use tape::Tape;

/// A formula in named variables.
///
/// Numbers (`2`, `1e-3`), names (letters, digits, `_` and `.`; any other name in braces, as `{initial prey}`), the
/// operators `+ - * / ^` (or `**`) with their usual precedence, so that −x² is −(x²) and powers group from the right, `pi`,
/// and functions: `exp expm1 exp2 log ln log1p log10 log2 sqrt cbrt abs sin cos tan asin acos atan sinh cosh tanh`, and of two
/// values `min max pow`. `log` is the natural logarithm.
///
/// It is translated once to a list of operations on a stack, which runs on numbers and on numbers that carry derivatives
/// ([`Number`]): derivatives are exact, of any order that these carry.
///
/// ```
/// use retrodict::models::expression::Expression;
/// let ratio = Expression::parse("contact / recovery")?;
/// assert_eq!(ratio.variables(), ["contact", "recovery"]);
/// assert_eq!(ratio.evaluate(&[0.5, 0.2]), 2.5);
/// assert_eq!(ratio.gradient(&[0.5, 0.2]), [5.0, -12.5]);
/// let message = Expression::parse("2 * (k").unwrap_err().to_string();
/// assert_eq!(message, "the expression '2 * (k': ')' is missing at column 7");
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// Values are those of [`variables`](Expression::variables), in that order: that of their first appearance.
///
/// # Cost
/// A few nanoseconds for each operation; nothing is allocated up to a depth of 16.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: String,
    variables: Vec<String>,
    tape: Tape,
}

impl Expression {
    /// Reads a formula.
    ///
    /// # Errors
    /// [`Error::Config`] with the column and what was expected there; the nearest function where a name in front of a
    /// parenthesis is none.
    pub fn parse(text: &str) -> Result<Self> {
        let (tape, variables) = parser::parse(text).map_err(|message| Error::Config {
            what: format!("the expression '{text}'"),
            message,
        })?;
        Ok(Self {
            text: text.to_owned(),
            variables,
            tape,
        })
    }

    /// 0, of no variable.
    pub(crate) fn zero() -> Self {
        Self {
            text: "0".to_owned(),
            variables: Vec::new(),
            tape: Tape::zero(),
        }
    }

    /// The formula as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names in it, each once, in the order of their first appearance.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The same formula with other names in place of its own, each in the place of one.
    pub(crate) fn renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        self.variables.iter_mut().for_each(|own| *own = name(own));
        self
    }

    /// The same formula of another list of names, which holds all of its own; values are then those of that list.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest name where one of its own is not there.
    pub fn among(&self, kind: &'static str, names: &[String]) -> Result<Self> {
        let place = |own: &String| {
            let place = names.iter().position(|name| name == own);
            place.ok_or_else(|| Error::unknown(kind, own, names.iter().map(String::as_str)))
        };
        let places: Vec<usize> = self.variables.iter().map(place).collect::<Result<_>>()?;
        Ok(Self {
            text: self.text.clone(),
            variables: names.to_vec(),
            tape: self.tape.renumbered(&places),
        })
    }

    /// Its value where the variables have these values; NaN or infinite where it has none.
    ///
    /// # Panics
    /// If there are fewer values than variables.
    pub fn evaluate<D: Number>(&self, values: &[D]) -> D {
        self.tape.run(values)
    }

    /// The formula and its derivatives, made ready for many sets of parameters at these places: each is given by as many
    /// of the variables, and the parameters are those after them.
    pub(crate) fn at_places(&self, variables: usize, parameters: usize, at: &[f64]) -> Programs {
        Programs::new(&self.tape, variables, parameters, at)
    }

    /// Its derivative by each variable.
    ///
    /// # Panics
    /// As [`evaluate`](Expression::evaluate).
    pub fn gradient(&self, values: &[f64]) -> Vec<f64> {
        let mut duals: Vec<Dual64> = values.iter().map(|v| Dual64::from(*v)).collect();
        let along = |i: usize| {
            duals[i].eps = 1.0;
            let slope = self.evaluate(&duals).eps;
            duals[i].eps = 0.0;
            slope
        };
        (0..values.len()).map(along).collect()
    }

    /// Whether the variable at this place stands in it.
    pub fn has(&self, variable: usize) -> bool {
        self.tape.uses(variable)
    }

    /// Whether it is a sum of multiples of its variables and a constant, as far as its form shows.
    pub fn is_affine(&self) -> bool {
        self.tape.is_affine()
    }
}
