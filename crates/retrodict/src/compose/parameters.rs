//! Named parameters: free, fixed, or tied to others by a formula.

mod parameterised;

use std::collections::BTreeSet;

use num_dual::Dual64;

use crate::core::number::Number;
use crate::error::{Error, Result, expect_length};
use crate::linalg::Matrix;
use crate::models::expression::Expression;
use crate::options::require;

pub use parameterised::Parameterised;

/// How a parameter gets its value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Role {
    /// It is an unknown of the fit.
    Free,
    /// It is a constant.
    Fixed(f64),
    /// It follows from other parameters, by their names.
    Tied(Expression),
}

/// A parameter: its name, its unit, and how it gets its value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Parameter {
    /// What formulas and results call it.
    pub name: String,
    /// Its unit; `1` where it has none.
    pub unit: String,
    /// How it gets its value.
    pub role: Role,
}

impl Parameter {
    /// A free parameter without a unit.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            unit: "1".to_owned(),
            role: Role::Free,
        }
    }

    /// The same with another role.
    #[must_use]
    pub fn with_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// The same with a unit.
    #[must_use]
    pub fn with_unit(self, unit: impl Into<String>) -> Self {
        Self {
            unit: unit.into(),
            ..self
        }
    }
}

/// A table of parameters: which are unknowns, and how the others follow from them.
///
/// ```
/// use retrodict::compose::parameters::{Parameter, Parameters, Role};
/// use retrodict::models::expression::Expression;
/// let tied = Role::Tied(Expression::parse("2 * k_on")?);
/// let table = Parameters::new(vec![
///     Parameter::new("k_on").with_unit("1/s"),
///     Parameter::new("k_off").with_unit("1/s").with_role(tied),
///     Parameter::new("volume").with_role(Role::Fixed(3.0)),
/// ])?;
/// assert_eq!(table.unknowns(), 1);
/// assert_eq!(table.values(&[0.5]), [0.5, 1.0, 3.0]);
/// # Ok::<(), retrodict::Error>(())
/// ```
///
/// # Shapes
/// p: the values of the free parameters, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    all: Vec<Parameter>,
    /// The places of those that are free.
    free: Vec<usize>,
    /// Those that are tied, each after those of which its formula speaks; the formulas are of all parameters.
    ties: Vec<(usize, Expression)>,
}

impl Parameters {
    /// A table of parameters.
    ///
    /// # Errors
    /// If a name is given twice or empty, a formula names a parameter that is not there (with the nearest one), ties lead in
    /// a circle, or a constant is not finite.
    pub fn new(all: Vec<Parameter>) -> Result<Self> {
        let mut seen = BTreeSet::new();
        for Parameter { name, role, .. } in &all {
            require(
                !name.trim().is_empty(),
                "name",
                format!("\"{name}\""),
                "a parameter needs a name",
            )?;
            if !seen.insert(name) {
                return Err(Error::GivenTwice {
                    what: format!("parameter '{name}'"),
                    keys: "its entries".to_owned(),
                });
            }
            if let Role::Fixed(value) = role {
                require(value.is_finite(), "fixed", value, "it must be finite")
                    .map_err(|error| error.at("parameter", name, "fixed"))?;
            }
        }
        let names: Vec<String> = all.iter().map(|p| p.name.clone()).collect();
        let mut waiting = Vec::new();
        for (i, Parameter { name, role, .. }) in all.iter().enumerate() {
            if let Role::Tied(formula) = role {
                let among = formula.among("parameter", &names);
                waiting.push((i, among.map_err(|e| e.at("parameter", name, "tied"))?));
            }
        }
        let is_free = |i: &usize| all[*i].role == Role::Free;
        Ok(Self {
            free: (0..all.len()).filter(is_free).collect(),
            ties: in_order(waiting, &names)?,
            all,
        })
    }

    /// All parameters.
    pub fn all(&self) -> &[Parameter] {
        &self.all
    }

    /// The names of all.
    pub fn names(&self) -> Vec<String> {
        self.all.iter().map(|p| p.name.clone()).collect()
    }

    /// Those that are free, in the order of p.
    pub fn free(&self) -> impl ExactSizeIterator<Item = &Parameter> {
        self.free.iter().map(|i| &self.all[*i])
    }

    /// The number of free ones: the length of p.
    pub fn unknowns(&self) -> usize {
        self.free.len()
    }

    /// The place of a parameter among all.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest name.
    pub fn place(&self, name: &str) -> Result<usize> {
        let place = self.all.iter().position(|p| p.name == name);
        place.ok_or_else(|| {
            Error::unknown("parameter", name, self.all.iter().map(|p| p.name.as_str()))
        })
    }

    /// The values of all parameters.
    ///
    /// # Panics
    /// If p has another length than [`unknowns`](Parameters::unknowns).
    pub fn values<D: Number>(&self, p: &[D]) -> Vec<D> {
        let constant = |parameter: &Parameter| match parameter.role {
            Role::Fixed(value) => D::from(value),
            _ => D::from(0.0),
        };
        let mut values: Vec<D> = self.all.iter().map(constant).collect();
        for (i, p) in self.free.iter().zip(p) {
            values[*i] = *p;
        }
        for (i, formula) in &self.ties {
            values[*i] = formula.evaluate(&values);
        }
        values
    }

    /// How the values of all parameters change with p: a row for each of all, a column for each of the free ones.
    ///
    /// # Errors
    /// If p has another length.
    pub fn jacobian(&self, p: &[f64]) -> Result<Matrix> {
        expect_length("p", p.len(), self.free.len())?;
        let mut whole = Matrix::zeros(self.all.len(), p.len());
        let mut duals: Vec<Dual64> = p.iter().map(|p| Dual64::from(*p)).collect();
        for j in 0..p.len() {
            duals[j].eps = 1.0;
            for (i, value) in self.values(&duals).into_iter().enumerate() {
                whole[(i, j)] = value.eps;
            }
            duals[j].eps = 0.0;
        }
        Ok(whole)
    }

    /// Whether the parameters in formulas, which are of all parameters, change in proportion to p.
    pub(crate) fn is_affine_in(&self, formulas: &[&Expression]) -> bool {
        let mut wanted: Vec<bool> = (0..self.all.len())
            .map(|i| formulas.iter().any(|formula| formula.has(i)))
            .collect();
        // From the last tie back: what it needs is wanted too.
        self.ties.iter().rev().all(|(tied, formula)| {
            if !wanted[*tied] {
                return true;
            }
            (0..wanted.len()).for_each(|i| wanted[i] |= formula.has(i));
            formula.is_affine()
        })
    }

    /// Whether all values change in proportion to p, as far as the form of the formulas shows.
    pub fn is_affine(&self) -> bool {
        self.ties.iter().all(|(_, formula)| formula.is_affine())
    }
}

/// Ties in an order in which each follows those that it needs.
fn in_order(
    mut waiting: Vec<(usize, Expression)>,
    names: &[String],
) -> Result<Vec<(usize, Expression)>> {
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let later: Vec<usize> = waiting.iter().map(|(i, _)| *i).collect();
        let needs = |formula: &Expression, i: &usize| formula.has(*i);
        let ready = |(_, formula): &(usize, Expression)| !later.iter().any(|i| needs(formula, i));
        let (now, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(ready);
        if now.is_empty() {
            let circle = circle(&rest, names);
            let name = circle.first().cloned().unwrap_or_default();
            let formula = rest.iter().find(|(i, _)| names[*i] == name);
            let formula = formula.map_or("", |(_, formula)| formula.text());
            let error = Error::Option {
                key: "tied".to_owned(),
                found: format!("\"{formula}\""),
                allowed: format!(
                    "ties must not lead in a circle: {}; leave one of them free or fixed",
                    circle.join(" → ")
                ),
            };
            return Err(error.at("parameter", &name, "tied"));
        }
        ordered.extend(now);
        waiting = rest;
    }
    Ok(ordered)
}

/// A circle of names, from one to itself, among ties each of which needs another of them.
fn circle(ties: &[(usize, Expression)], names: &[String]) -> Vec<String> {
    let mut path: Vec<usize> = Vec::new();
    let mut now = ties.first().map(|(i, _)| *i);
    while let Some(i) = now {
        if let Some(from) = path.iter().position(|seen| *seen == i) {
            let mut circle: Vec<String> = path[from..].iter().map(|i| names[*i].clone()).collect();
            circle.push(names[i].clone());
            return circle;
        }
        path.push(i);
        let formula = ties.iter().find(|(tied, _)| *tied == i);
        now = formula.and_then(|(_, formula)| {
            let mut others = ties.iter().map(|(other, _)| *other);
            others.find(|other| formula.has(*other))
        });
    }
    Vec::new()
}
