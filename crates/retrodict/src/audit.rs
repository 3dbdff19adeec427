//! The theory of the update rules, measured: units, convergence, composition, singular points
//! and cost, for every registered rule, beside what the theory says.
//!
//! The figures come from one nonlinear problem in two unknowns whose maps, derivatives and
//! inverses are known in closed form, so they are exact up to round-off and take no time. Where
//! units are changed, a rule that learns has seen the same three points before.

use std::fmt::Display;

use crate::error::Result;
use crate::registry::{Entry, RULES};
use crate::updates::UpdateRule;

mod maps;
mod measure;
mod theory;

use theory::{Convergence, Theory};

/// One property of one rule: what the theory says, and what was found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AuditRow {
    /// The rule's name in the registry.
    pub rule: &'static str,
    /// The property, for example `x-units`; see [`PROPERTIES`].
    pub property: &'static str,
    /// What the theory says.
    pub expected: String,
    /// What was measured, or why it could not be.
    pub measured: String,
    /// Whether the two agree.
    pub passed: bool,
}

/// The properties that [`audit`] measures, in order, and what each of them means.
pub const PROPERTIES: [(&str, &str); 8] = [
    (
        "x-units",
        "p in |Δx| ∝ a^p when x is counted in units a times smaller; 1 keeps the step's meaning",
    ),
    (
        "y-units",
        "p in |Δx| ∝ a^p when y and y* are counted in units a times smaller; 0 ignores them",
    ),
    (
        "L-units",
        "p in |Δx| ∝ a^p when the loss is multiplied by a; 0 ignores it",
    ),
    (
        "convergence",
        "how the error falls near an optimum that reaches the target",
    ),
    (
        "composition",
        "for P = P2(P1(x)), whether the update of z = P1(x) is free of what P1 is",
    ),
    (
        "singular J",
        "whether a step leaves a point at which J has no slope towards the target",
    ),
    (
        "singular H",
        "the step at a point at which the Hessian vanishes but the gradient does not",
    ),
    (
        "cost",
        "what a step evaluates of a simulator with two inputs and two outputs",
    ),
];

/// Measures every property of every registered rule.
///
/// A rule without an entry in the table of the theory gets a single row that fails.
pub fn audit() -> Vec<AuditRow> {
    let rules = RULES.entries.iter();
    rules
        .flat_map(|entry| rows(entry, theory::of(entry.name)))
        .collect()
}

fn rows(entry: &Entry<Box<dyn UpdateRule>>, theory: Option<&Theory>) -> Vec<AuditRow> {
    let Some(theory) = theory else {
        return vec![AuditRow {
            rule: entry.name,
            property: "theory",
            expected: "an entry in audit/theory.rs".to_owned(),
            measured: "none".to_owned(),
            passed: false,
        }];
    };
    let make = || entry.build(&theory.options());
    let findings = [
        exponent(theory.x_units, measure::x_units(&make)),
        exponent(theory.y_units, measure::y_units(&make)),
        exponent(theory.loss_units, measure::loss_units(&make)),
        order(theory.convergence, measure::convergence(&make)),
        kind(theory.composition, measure::composition(&make)),
        kind(theory.singular_jacobian, measure::singular_jacobian(&make)),
        kind(theory.singular_hessian, measure::singular_hessian(&make)),
        kind(theory.cost, measure::cost(&make)),
    ];
    let named = PROPERTIES.iter().zip(findings);
    named
        .map(|((property, _), finding)| AuditRow {
            rule: entry.name,
            property,
            expected: finding.expected,
            passed: finding.agrees,
            measured: finding.measured.unwrap_or_else(|error| error.to_string()),
        })
        .collect()
}

struct Finding {
    expected: String,
    measured: Result<String>,
    agrees: bool,
}

/// Exponents agree if they do to three decimals.
fn exponent(expected: f64, measured: Result<f64>) -> Finding {
    // Adding 0 turns −0 into 0.
    let show = |p: f64| format!("{:.3}", (p * 1e3).round() / 1e3 + 0.0);
    Finding {
        expected: show(expected),
        agrees: measured.as_ref().is_ok_and(|p| (p - expected).abs() < 5e-4),
        measured: measured.map(show),
    }
}

/// A kind of convergence, shown with the order that was measured.
fn order(expected: Convergence, measured: Result<(Convergence, f64)>) -> Finding {
    let show = |(kind, order): (Convergence, f64)| {
        if order.is_finite() {
            format!("{kind}, order {order:.2}")
        } else {
            kind.to_string()
        }
    };
    Finding {
        expected: expected.to_string(),
        agrees: measured.as_ref().is_ok_and(|(kind, _)| *kind == expected),
        measured: measured.map(show),
    }
}

fn kind<T: Display + PartialEq>(expected: T, measured: Result<T>) -> Finding {
    Finding {
        expected: expected.to_string(),
        agrees: measured.as_ref().is_ok_and(|found| *found == expected),
        measured: measured.map(|found| found.to_string()),
    }
}
