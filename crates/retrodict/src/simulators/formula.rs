//! A curve that a formula describes.

use derive_setters::Setters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::description::{Description, Series, Typical};
use crate::core::number::Number;
use crate::core::simulator::{SecondOrder, Simulator};
use crate::core::space::Space;
use crate::error::{Error, Result, expect_finite, expect_length};
use crate::linalg::{LinearMap, Matrix};
use crate::models::curve::{Curve, CurveOptions, Model};
use crate::models::expression::{Expression, Programs};
use crate::options::{Build, Checked, Validate, require};

/// A curve that a formula describes: y = f(t; p), with exact first and second derivatives.
///
/// The parameters p are the names in the formula that are no variables, in the order of their first appearance.
///
/// ```
/// use retrodict::prelude::*;
/// use retrodict::simulators::FormulaOptions;
/// let decay = FormulaOptions::default()
///     .with_formula("a * exp(-k * t) + c")
///     .with_times([0.0, 1.0])
///     .build()?;
/// assert_eq!(decay.parameters(), ["a", "k", "c"]);
/// let mut y = [0.0; 2];
/// decay.forward(&[2.0, 0.5, 1.0], &mut y)?;
/// assert_eq!(y, [3.0, 2.0 * f64::exp(-0.5) + 1.0]);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// x: the parameters. y: one value for each place; a column where one variable rises from place to place.
///
/// # Units
/// Those of the formula.
///
/// # Errors
/// If the formula does not parse, or has no parameter; where a value is not finite, with its place.
///
/// # Cost
/// It is computed in blocks of places: less than a nanosecond for each elementary operation and place, two for an exponential,
/// ten or more for other functions; y and J together about twice the cost of y. What depends on the place alone is computed
/// once, what depends on parameters alone once for each set of them. Second derivatives are those of a [`Curve`].
///
/// # Source
/// Seber & Wild, *Nonlinear Regression*, chapter 1.
#[derive(Debug, Clone)]
pub struct Formula {
    options: Checked<FormulaOptions>,
    /// What gives second derivatives, and describes it.
    curve: Curve<FormulaModel>,
    programs: Programs,
    parameters: Vec<String>,
    input: Space,
    output: Space,
}

/// The options of [`Formula`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Setters)]
#[serde(default, deny_unknown_fields)]
#[setters(prefix = "with_")]
#[non_exhaustive]
pub struct FormulaOptions {
    /// The formula, such as `a * exp(-k * t) + c`: numbers, names, + - * / ^, and functions such as exp, log, sqrt, sin.
    #[setters(into)]
    pub formula: String,
    /// The names of the variables in it; all others are parameters.
    #[setters(into)]
    pub variables: Vec<String>,
    /// Where it is evaluated: the values of the variable, or of several variables place by place.
    #[setters(into)]
    pub times: Vec<f64>,
}

impl Default for FormulaOptions {
    fn default() -> Self {
        Self {
            formula: "amplitude * exp(-rate * t)".to_owned(),
            variables: vec!["t".to_owned()],
            times: (0..10).map(|i| 0.5 * f64::from(i)).collect(),
        }
    }
}

impl FormulaOptions {
    /// Whether y is a series in its one variable.
    fn is_series(&self) -> bool {
        self.variables.len() == 1 && self.times.is_sorted_by(|a, b| a < b)
    }

    /// The formula, and its parameters.
    fn parsed(&self) -> Result<(Expression, Vec<String>)> {
        let formula = Expression::parse(&self.formula)?;
        let is_parameter = |name: &&String| !self.variables.contains(name);
        let parameters: Vec<String> = formula
            .variables()
            .iter()
            .filter(is_parameter)
            .cloned()
            .collect();
        let all = [&self.variables[..], &parameters].concat();
        Ok((formula.among("name", &all)?, parameters))
    }
}

impl Validate for FormulaOptions {
    fn validate(&self) -> Result<()> {
        let variables = self.variables.len();
        require(variables > 0, "variables", "[]", "it needs at least one")?;
        for (i, name) in self.variables.iter().enumerate() {
            let twice = self.variables[..i].contains(name);
            let allowed = "each variable needs a name of its own";
            require(
                !twice && !name.trim().is_empty(),
                "variables",
                format!("\"{name}\""),
                allowed,
            )?;
        }
        require(
            !self.times.is_empty() && self.times.len().is_multiple_of(variables),
            "times",
            format!("{} values", self.times.len()),
            &format!("it needs {variables} for each place, and at least one place"),
        )?;
        expect_finite("times", &self.times)?;
        let (_, parameters) = self.parsed().map_err(|error| match error {
            Error::Config { message, .. } => Error::Option {
                key: "formula".to_owned(),
                found: format!("\"{}\"", self.formula),
                allowed: message,
            },
            other => other,
        })?;
        require(
            !parameters.is_empty(),
            "formula",
            format!("\"{}\"", self.formula),
            "it has no parameter: each name in it is a variable",
        )
    }
}

impl Build for FormulaOptions {
    type Built = Formula;

    fn make(options: Checked<Self>) -> Result<Formula> {
        let (formula, parameters) = options.parsed()?;
        let variables = options.variables.len();
        let programs = formula.at_places(variables, parameters.len(), &options.times);
        let model = FormulaModel {
            formula,
            variables,
            parameters: parameters.len(),
        };
        let count = options.times.len() / variables;
        let shape = match options.is_series() {
            true => vec![count, 1],
            false => vec![count],
        };
        let places = CurveOptions::default().with_at(options.times.clone());
        Ok(Formula {
            curve: places.with_model(model).build()?,
            programs,
            input: Space::new("parameters", &[parameters.len()], "1"),
            output: Space::new("y", &shape, "1"),
            parameters,
            options,
        })
    }
}

impl Formula {
    /// What it was made of.
    pub fn options(&self) -> &FormulaOptions {
        &self.options
    }

    /// The names of x.
    pub fn parameters(&self) -> &[String] {
        &self.parameters
    }

    fn expect_values(&self, y: &[f64]) -> Result<()> {
        match y.iter().position(|y| !y.is_finite()) {
            None => Ok(()),
            Some(place) => Err(self.curve.failed(place)),
        }
    }

    fn values_and_jacobian(&self, x: &[f64], y: &mut [f64]) -> Result<Matrix> {
        expect_length("x", x.len(), self.parameters.len())?;
        let mut jacobian = Matrix::zeros(y.len(), x.len());
        self.programs.derivatives(x, y, jacobian.as_mut_slice());
        self.expect_values(y)?;
        Ok(jacobian)
    }
}

/// A formula of variables and, after them, parameters.
#[derive(Debug, Clone, PartialEq)]
struct FormulaModel {
    formula: Expression,
    variables: usize,
    parameters: usize,
}

/// A curve is made of options that have a default; a formula that is nothing but its parameter is one.
impl Default for FormulaModel {
    fn default() -> Self {
        Self {
            formula: Expression::zero(),
            variables: 1,
            parameters: 0,
        }
    }
}

/// Variables and parameters up to which they take no memory of their own.
const FEW: usize = 16;

impl Model for FormulaModel {
    fn name(&self) -> &'static str {
        "formula"
    }
    fn parameters(&self) -> usize {
        self.parameters
    }
    fn variables(&self) -> usize {
        self.variables
    }
    fn value<D: Number>(&self, t: &[f64], p: &[D]) -> D {
        let count = self.variables + p.len();
        let fill = |values: &mut [D]| {
            let (variables, parameters) = values.split_at_mut(self.variables);
            variables
                .iter_mut()
                .zip(t)
                .for_each(|(v, t)| *v = D::from(*t));
            parameters.iter_mut().zip(p).for_each(|(v, p)| *v = *p);
        };
        if count <= FEW {
            let mut values = [D::from(0.0); FEW];
            fill(&mut values[..count]);
            self.formula.evaluate(&values[..count])
        } else {
            let mut values = vec![D::from(0.0); count];
            fill(&mut values);
            self.formula.evaluate(&values)
        }
    }
}

impl Simulator for Formula {
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn forward(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        expect_length("x", x.len(), self.parameters.len())?;
        self.programs.values(x, y);
        self.expect_values(y)
    }
    fn jvp(&self, x: &[f64], dx: &[f64], dy: &mut [f64]) -> Result<()> {
        let mut y = vec![0.0; dy.len()];
        self.values_and_jacobian(x, &mut y)?.apply(dx, dy);
        Ok(())
    }
    fn vjp(&self, x: &[f64], dy: &[f64], dx: &mut [f64]) -> Result<()> {
        let mut y = vec![0.0; dy.len()];
        self.values_and_jacobian(x, &mut y)?.apply_transpose(dy, dx);
        Ok(())
    }
    fn linearize<'a>(&'a self, x: &[f64], y: &mut [f64]) -> Result<Box<dyn LinearMap + Send + 'a>> {
        Ok(Box::new(self.values_and_jacobian(x, y)?))
    }
    fn second_order(&self) -> Option<&dyn SecondOrder> {
        self.curve.second_order()
    }
    fn describe(&self) -> Description {
        // Their units are those of the formula, which does not say them.
        let label = |name: &String| (name.clone(), String::new());
        let labels: Vec<(String, String)> = self.parameters.iter().map(label).collect();
        let series = self.options.is_series().then(|| {
            let column = ("y".to_owned(), "1".to_owned());
            Series::new(self.options.times.clone(), "1", [column])
        });
        self.curve
            .describe()
            .with_typical(Typical::new(1.0, 0.3))
            .with_labels(labels)
            .with_series(series)
    }
}
