//! The unknowns of an inversion: names, starts, bounds, units, transforms; and what hangs on them.

use retrodict::Transform;
use retrodict::compose::parameters::Role;
use retrodict::spec::{ParameterPriorSpec, ParameterSpec};
use serde::Serialize;

use super::data::Range;
use crate::inversion::Plan;
use crate::inversion::answer::statistics::labels;
use crate::results::own_units::own_units;

/// Unknowns up to which each has a line.
const LISTED: usize = 20;

/// x: what it is, and its values where they are few.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnknownFacts {
    /// How many there are.
    pub count: usize,
    /// What x is.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its unit.
    pub unit: String,
    /// The smallest and the greatest value of the first start.
    pub start: Option<Range>,
    /// The lower bounds, from the least to the greatest; `null` where there is none.
    pub lower: Option<Range>,
    /// The upper bounds likewise.
    pub upper: Option<Range>,
    /// The transform that all unknowns share, if they do.
    pub transform: Option<Transform>,
    /// Each of them, up to 20; then parameters that are fixed or tied.
    pub parameters: Vec<ParameterFacts>,
}

/// One unknown, or a parameter that is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParameterFacts {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Free, fixed or tied.
    pub role: &'static str,
    /// Where the fit begins, or the value of a constant.
    pub start: Option<f64>,
    /// Its lower bound.
    pub lower: Option<f64>,
    /// Its upper bound.
    pub upper: Option<f64>,
    /// What rules see in its place, if that is another number.
    pub transform: Option<Transform>,
    /// The formula of a tied one.
    pub formula: Option<String>,
    /// What is known of it before the data.
    pub prior: Option<ParameterPriorSpec>,
    /// The same start in its own unit, where x holds a logarithm or the like.
    pub own: Option<OwnStart>,
}

/// What a value of x stands for, at the start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OwnStart {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Its value.
    pub start: f64,
}

/// From how many points the problem is solved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StartFacts {
    /// How many for each field.
    pub count: usize,
    /// How far around the first one the others lie; nothing means each value's own size.
    pub spread: Option<f64>,
    /// The seed of their draw.
    pub seed: u64,
}

/// A quantity that follows from parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DerivedFacts {
    /// Its name.
    pub name: String,
    /// Its formula.
    pub formula: String,
    /// Its unit.
    pub unit: String,
}

/// Linear constraints, as formulas.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ConstraintFacts(pub Vec<String>);

impl UnknownFacts {
    /// Those of a plan, as its first field has them.
    pub fn of(plan: &Plan) -> Self {
        let space = plan.simulator.input();
        let field = plan.fields.first();
        let n = field.map_or(space.len(), |field| field.problem.inputs());
        let start = field.and_then(|field| field.starts.first());
        let bounds = field.and_then(|field| field.problem.bounds());
        let transforms = field.map_or(&[][..], |field| field.problem.transforms());
        let shared = transforms
            .first()
            .filter(|first| transforms.iter().all(|other| other == *first));
        let side = |values: Option<&Vec<f64>>| {
            let given = values.into_iter().flatten().copied();
            Range::of(given.filter(|value| value.is_finite()))
        };
        Self {
            count: n,
            name: space.name.clone(),
            shape: space.shape.clone(),
            unit: space.unit.clone(),
            start: Range::of(start.into_iter().flatten().copied()),
            lower: side(bounds.map(|bounds| &bounds.lower)),
            upper: side(bounds.map(|bounds| &bounds.upper)),
            transform: shared.copied().filter(|t| *t != Transform::None),
            parameters: parameters(plan, n),
        }
    }
}

fn parameters(plan: &Plan, n: usize) -> Vec<ParameterFacts> {
    let Some(field) = plan.fields.first().filter(|_| n <= LISTED) else {
        return not_free(plan);
    };
    let (bounds, transforms) = (field.problem.bounds(), field.problem.transforms());
    let own_units = own_units(&*plan.simulator);
    let names = labels(&*plan.simulator);
    let specs = &plan.inversion.parameters;
    let line = |(i, (name, unit)): (usize, &(String, String))| {
        let start = field.starts.first().and_then(|start| start.get(i)).copied();
        let side = |values: &[f64]| values.get(i).copied().filter(|value| value.is_finite());
        let own = own_units.get(i).and_then(Option::as_ref);
        ParameterFacts {
            name: name.clone(),
            unit: unit.clone(),
            role: "free",
            start,
            lower: bounds.and_then(|bounds| side(&bounds.lower)),
            upper: bounds.and_then(|bounds| side(&bounds.upper)),
            transform: match transforms {
                [one] => Some(*one),
                each => each.get(i).copied(),
            }
            .filter(|transform| *transform != Transform::None),
            formula: None,
            prior: spec(specs, name).and_then(|spec| spec.prior),
            own: own.zip(start).map(|(own, x)| OwnStart {
                name: own.name.clone(),
                unit: own.unit.clone(),
                start: own.of(x),
            }),
        }
    };
    let free = names.iter().enumerate().map(line);
    free.chain(not_free(plan)).collect()
}

fn spec<'a>(specs: &'a [ParameterSpec], name: &str) -> Option<&'a ParameterSpec> {
    specs.iter().find(|spec| spec.name == name)
}

/// Parameters that are constants, or follow from others.
fn not_free(plan: &Plan) -> Vec<ParameterFacts> {
    let all = plan.parameters().map_or(&[][..], |table| table.all());
    let line = |parameter: &retrodict::compose::parameters::Parameter| {
        let (role, start, formula) = match &parameter.role {
            Role::Fixed(value) => ("fixed", Some(*value), None),
            Role::Tied(formula) => ("tied", None, Some(formula.text().to_owned())),
            _ => return None,
        };
        Some(ParameterFacts {
            name: parameter.name.clone(),
            unit: parameter.unit.clone(),
            role,
            start,
            lower: None,
            upper: None,
            transform: None,
            formula,
            prior: None,
            own: None,
        })
    };
    all.iter().filter_map(line).collect()
}

impl StartFacts {
    /// Those of a plan.
    pub fn of(plan: &Plan) -> Self {
        let start = &plan.inversion.start;
        Self {
            count: plan.fields.first().map_or(0, |field| field.starts.len()),
            spread: start.spread,
            seed: start.seed,
        }
    }
}

impl ConstraintFacts {
    /// Those of a plan.
    pub fn of(plan: &Plan) -> Self {
        let problem = plan.fields.first().map(|field| &field.problem);
        let held = problem.is_some_and(|problem| problem.constraints().is_some());
        Self(match held {
            true => plan.inversion.constraint.clone(),
            false => Vec::new(),
        })
    }
}

/// Quantities that follow from parameters.
pub fn derived(plan: &Plan) -> Vec<DerivedFacts> {
    let one = |quantity: &retrodict::uncertainty::derived::Quantity| DerivedFacts {
        name: quantity.name.clone(),
        formula: quantity.formula().text().to_owned(),
        unit: quantity.unit.clone(),
    };
    plan.derived().iter().map(one).collect()
}
