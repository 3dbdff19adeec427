//! What the theory says of each rule.

use std::fmt;

use crate::problem::Counts;

/// What is expected of a rule. Exponents are those of |Δx|.
///
/// # Source
/// Holl, Koltun & Thuerey, *Scale-invariant Learning by Physics Inversion*, section 2; Thuerey et
/// al., *Physics-based Deep Learning*, "Scale-invariance and inversion".
pub(super) struct Theory {
    rule: &'static str,
    /// Options with which the rule converges on the problem of the audit, as TOML.
    options: &'static str,
    pub(super) x_units: f64,
    pub(super) y_units: f64,
    pub(super) loss_units: f64,
    pub(super) convergence: Convergence,
    pub(super) composition: Composition,
    pub(super) singular_jacobian: SingularStep,
    pub(super) singular_hessian: SingularStep,
    pub(super) cost: Cost,
}

impl Theory {
    pub(super) fn options(&self) -> toml::Table {
        // The table is ours, and a test reads every line of it.
        self.options.parse().unwrap_or_default()
    }
}

/// How the error falls from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Convergence {
    /// It stays above a bound that the step size sets, or falls irregularly.
    Irregular,
    /// By a constant factor.
    Linear,
    /// By a factor that itself falls.
    Superlinear,
    /// The number of right digits doubles.
    Quadratic,
    /// To round-off, in one step.
    OneStep,
}

/// For L(P₂(P₁(x))): whether the update of z = P₁(x) depends on P₁.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Composition {
    /// P₁(x + Δx) − z is the same for every P₁.
    Exact,
    /// J₁ Δx is the same for every P₁.
    FirstOrder,
    /// It is the same for every linear P₁, but not for others.
    LinearOnly,
    /// It depends on P₁.
    Dependent,
}

/// What a rule does at a singular point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SingularStep {
    /// A finite step out of the singular direction.
    Moves,
    /// No step along the singular direction.
    Stays,
    /// A finite step that is not the rule's own formula, with a notice.
    FallsBack,
    /// A step that is not finite.
    Fails,
}

/// Evaluations of the simulator in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost(pub(super) Counts);

impl fmt::Display for Convergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Irregular => "irregular",
            Self::Linear => "linear",
            Self::Superlinear => "superlinear",
            Self::Quadratic => "quadratic",
            Self::OneStep => "in one step",
        })
    }
}

impl fmt::Display for Composition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "free of P1, exactly",
            Self::FirstOrder => "free of P1, to first order",
            Self::LinearOnly => "free of a linear P1",
            Self::Dependent => "depends on P1",
        })
    }
}

impl fmt::Display for SingularStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Moves => "moves",
            Self::Stays => "stays",
            Self::FallsBack => "falls back, and says so",
            Self::Fails => "not finite",
        })
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.0.forward, "forward"),
            (self.0.jvp, "jvp"),
            (self.0.vjp, "vjp"),
            (self.0.inverse, "inverse"),
            (self.0.second_order, "second-order"),
        ];
        let asked = counts.iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = asked
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        f.write_str(&words.join(" + "))
    }
}

/// What the theory says of the rule of that name, if anything.
pub(super) fn of(rule: &str) -> Option<&'static Theory> {
    THEORIES.iter().find(|theory| theory.rule == rule)
}

const fn cost(forward: u64, jvp: u64, vjp: u64) -> Counts {
    Counts {
        forward,
        jvp,
        vjp,
        inverse: 0,
        second_order: 0,
    }
}

/// A plain gradient: Δx = −η Jᵀg. J is in [y]/[x] and g in [L]/[y].
const GRADIENT: Theory = Theory {
    rule: "gradient-descent",
    options: "learning_rate = 0.5",
    x_units: -1.0,
    y_units: 2.0,
    loss_units: 1.0,
    convergence: Convergence::Linear,
    composition: Composition::Dependent,
    singular_jacobian: SingularStep::Stays,
    singular_hessian: SingularStep::Moves,
    cost: Cost(cost(1, 0, 1)),
};

/// A rule that inverts J or the Hessian: Δx is in [x], whatever the units.
const INVERTING: Theory = Theory {
    rule: "inverse-jacobian",
    options: "",
    x_units: 1.0,
    y_units: 0.0,
    loss_units: 0.0,
    convergence: Convergence::Quadratic,
    composition: Composition::FirstOrder,
    // Minimum-norm: nothing along a direction that J does not see.
    singular_jacobian: SingularStep::Stays,
    singular_hessian: SingularStep::Moves,
    // J by columns, one product for each input.
    cost: Cost(cost(1, 2, 0)),
};

/// A quasi-Newton rule that has learned: units as Newton, but the first guess of the inverse
/// Hessian is a multiple of the identity, which is no map from gradients to x.
const LEARNING: Theory = Theory {
    rule: "bfgs",
    convergence: Convergence::Superlinear,
    composition: Composition::Dependent,
    cost: Cost(cost(1, 0, 1)),
    ..INVERTING
};

/// A rule that divides the gradient by its own mean size: the unit of g cancels, so Δx is as
/// large as η says.
const NORMALISED: Theory = Theory {
    rule: "adam",
    options: "learning_rate = 0.01",
    x_units: 0.0,
    y_units: 0.0,
    loss_units: 0.0,
    convergence: Convergence::Irregular,
    ..GRADIENT
};

const THEORIES: [Theory; 14] = [
    GRADIENT,
    NORMALISED,
    Theory {
        rule: "adamw",
        // The decay −ηλx grows with x, the rest does not: together they follow no power of the
        // units of x, so Δx is measured without it.
        options: "learning_rate = 0.01\nweight_decay = 0.0",
        ..NORMALISED
    },
    Theory {
        rule: "rmsprop",
        // Shorter steps may run into the optimum faster and faster, since v forgets the gradients
        // that were larger; then v forgets that too, and they leave it again.
        options: "learning_rate = 0.05",
        ..NORMALISED
    },
    Theory {
        rule: "adagrad",
        options: "learning_rate = 0.05",
        // Σg² comes to rest, and then it is gradient descent.
        convergence: Convergence::Linear,
        ..NORMALISED
    },
    Theory {
        rule: "adadelta",
        // A √ε that the gradients of the audit stand clear of, however it is scaled. Where they
        // fall below it, it is gradient descent.
        options: "epsilon = 1e-7",
        convergence: Convergence::Linear,
        ..NORMALISED
    },
    Theory {
        rule: "newton",
        // The Hessian of P₁ enters H, so a nonlinear P₁ shows.
        composition: Composition::LinearOnly,
        singular_hessian: SingularStep::FallsBack,
        cost: Cost(Counts {
            forward: 1,
            jvp: 2,
            vjp: 3,
            inverse: 0,
            second_order: 2,
        }),
        ..INVERTING
    },
    LEARNING,
    Theory {
        rule: "limited-memory-bfgs",
        ..LEARNING
    },
    Theory {
        rule: "gauss-newton",
        ..INVERTING
    },
    Theory {
        rule: "levenberg-marquardt",
        // The full Gauss–Newton step, as long as the trust region holds it.
        ..INVERTING
    },
    INVERTING,
    Theory {
        rule: "inverse-simulator",
        convergence: Convergence::OneStep,
        composition: Composition::Exact,
        // J is not asked: the inverse knows where y* lies.
        singular_jacobian: SingularStep::Moves,
        cost: Cost(Counts {
            inverse: 1,
            ..cost(1, 0, 0)
        }),
        ..INVERTING
    },
    Theory {
        rule: "half-inverse",
        options: "learning_rate = 0.5\nkappa = 0.5",
        // J^(−κ) g: [x]^κ [y]^(−κ) [L]/[y].
        x_units: 0.5,
        y_units: 0.5,
        loss_units: 1.0,
        convergence: Convergence::Linear,
        composition: Composition::Dependent,
        cost: Cost(cost(1, 2, 0)),
        ..INVERTING
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_options_can_be_read() {
        for theory in &THEORIES {
            assert!(
                theory.options.parse::<toml::Table>().is_ok(),
                "{}",
                theory.rule
            );
        }
    }
}
