//! Linear constraints as a description says them: formulas in named parameters.

use crate::compose::parameters::Parameters;
use crate::compose::{LinearConstraint, LinearConstraints, Relation};
use crate::error::{Error, Result};
use crate::models::expression::Expression;

/// How the sides of a constraint may relate; the longer signs first.
const SIGNS: [(&str, Relation); 6] = [
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("≤", Relation::AtMost),
    ("≥", Relation::AtLeast),
    ("==", Relation::Equal),
    ("=", Relation::Equal),
];

/// The two sides of a constraint.
pub(super) struct Sides {
    left: Expression,
    right: Expression,
    relation: Relation,
}

fn refused(text: &str, why: &str) -> Error {
    Error::Option {
        key: "constraint".to_owned(),
        found: format!("\"{text}\""),
        allowed: why.to_owned(),
    }
}

impl Sides {
    /// Reads `a + 2 * b <= 3`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let found = SIGNS.iter().find_map(|(sign, relation)| {
            let (left, right) = text.split_once(sign)?;
            Some((left, right, *relation))
        });
        let Some((left, right, relation)) = found else {
            return Err(refused(
                text,
                "it needs a <=, >= or = between its sides, as in \"a + 2 * b <= 3\"",
            ));
        };
        Ok(Self {
            left: Expression::parse(left.trim())?,
            right: Expression::parse(right.trim())?,
            relation,
        })
    }

    /// The names in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.left.variables().iter().chain(self.right.variables())
    }

    /// The same as a row in the free parameters of a table.
    fn row(&self, text: &str, parameters: &Parameters) -> Result<LinearConstraint> {
        let names = parameters.names();
        let left = self.left.among("parameter", &names)?;
        let right = self.right.among("parameter", &names)?;
        if !left.is_affine() || !right.is_affine() || !parameters.is_affine_in(&[&left, &right]) {
            return Err(refused(
                text,
                "it must be linear in the parameters that are free, a sum of multiples of them; name a product as a \
                 parameter of its own, or use bounds",
            ));
        }
        // Affine: what it is at 0, and by how much it changes with each.
        let excess = |p: &[f64]| {
            let values = parameters.values(p);
            left.evaluate(&values) - right.evaluate(&values)
        };
        let mut p = vec![0.0; parameters.unknowns()];
        let constant = excess(&p);
        let slope = |i: usize| {
            p[i] = 1.0;
            let slope = excess(&p) - constant;
            p[i] = 0.0;
            slope
        };
        let coefficients: Vec<f64> = (0..parameters.unknowns()).map(slope).collect();
        if coefficients.iter().all(|a| *a == 0.0) {
            return Err(refused(text, "no free parameter stands in it"));
        }
        Ok(LinearConstraint::new(
            text,
            coefficients,
            self.relation,
            0.0 - constant,
        ))
    }
}

/// The constraints of a description in the free parameters of its table.
pub(super) fn constraints(texts: &[String], parameters: &Parameters) -> Result<LinearConstraints> {
    let row = |text: &String| Sides::parse(text)?.row(text, parameters);
    let rows: Vec<LinearConstraint> = texts.iter().map(row).collect::<Result<_>>()?;
    Ok(LinearConstraints::new(rows))
}
