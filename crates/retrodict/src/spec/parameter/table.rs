//! The parameters of a description, joined to the values that the simulator takes.

use std::sync::Arc;

use super::inputs::{Known, NamedInput, at, inputs_of, join, unit};
use super::scope::{scoped, within};
use super::{Constant, ParameterSpec};
use crate::compose::Bounds;
use crate::compose::parameters::{Parameter, Parameterised, Parameters, Role};
use crate::core::simulator::Simulator;
use crate::core::space::Space;
use crate::core::transform::Transform;
use crate::error::{Error, Result, expect_length};
use crate::models::expression::Expression;
use crate::options::require;
use crate::priors::{Marginal, Readings, Single};

/// Named parameters, joined to the values of x.
#[derive(Clone)]
pub(in crate::spec) struct ParameterTable {
    pub(in crate::spec) parameters: Arc<Parameters>,
    /// What each data set has of them; one entry where there is one target.
    sets: Vec<OwnNames>,
    /// The free ones.
    free: Vec<FreeParameter>,
}

/// The parameters of one data set, by their full names.
#[derive(Debug, Clone, PartialEq)]
struct OwnNames {
    /// The parameter that each value of x is.
    inputs: Vec<String>,
    /// The levels of the noise.
    noise: Vec<String>,
}

/// What is said of a free parameter.
#[derive(Debug, Clone, PartialEq)]
struct FreeParameter {
    name: String,
    start: Option<f64>,
    lower: f64,
    upper: f64,
    transform: Transform,
    /// Whether it is seen relative to its start: a level of the noise, whose logarithm has no size of its own.
    relative: bool,
    /// Whether it is a level of the noise that the simulator does not know.
    level: bool,
    prior: Option<Marginal>,
}

impl ParameterTable {
    /// The table of the parameters that are described, and of the simulators' others, which are free; `used` is what else is
    /// spoken of.
    ///
    /// # Errors
    /// If a name is unknown or there are too few, or what is said of one cannot be.
    pub(in crate::spec) fn new(
        specs: &[ParameterSpec],
        known: &[Known<'_>],
        used: &[String],
    ) -> Result<Self> {
        let sets: Vec<&str> = known.iter().filter_map(|set| set.name).collect();
        let described = scoped(specs, &sets)?;
        for (i, one) in described.iter().enumerate() {
            if described[..i]
                .iter()
                .any(|other| other.spec.name == one.spec.name)
            {
                return Err(Error::GivenTwice {
                    what: format!("parameter '{}'", one.spec.name),
                    keys: "its entries".to_owned(),
                })
                .map_err(at(&one.entry, "name"));
            }
        }
        let mut inputs: Vec<NamedInput> = Vec::new();
        let mut sets = Vec::new();
        let mut levels: Vec<String> = Vec::new();
        for set in known {
            let own = inputs_of(&described, set)?;
            let full = |name: &String| {
                within(
                    set.name,
                    name,
                    described.iter().map(|one| one.spec.name.as_str()),
                )
            };
            let noise: Vec<String> = set.noise.iter().map(full).collect();
            sets.push(OwnNames {
                inputs: own.iter().map(|input| input.name.clone()).collect(),
                noise: noise.clone(),
            });
            for input in own {
                join(&mut inputs, input)?;
            }
            levels.extend(noise);
        }
        let is_input = |name: &str| inputs.iter().any(|input| input.name == name);
        let speaks_of = |name: &String| {
            let mut formulas = described.iter().filter_map(|one| one.formula.as_ref());
            levels.contains(name)
                || used.contains(name)
                || formulas.any(|formula| formula.variables().contains(name))
        };
        let further = described.iter().filter(|one| !is_input(&one.spec.name));
        for one in further.clone() {
            if !speaks_of(&one.spec.name) {
                let known = inputs.iter().map(|input| input.name.as_str());
                return Err(Error::unknown("parameter", &one.entry, known))
                    .map_err(at(&one.entry, "name"));
            }
        }
        let names = inputs.iter().map(|input| input.name.clone());
        let mut names: Vec<String> = names
            .chain(further.map(|one| one.spec.name.clone()))
            .collect();
        for level in &levels {
            if !names.contains(level) {
                names.push(level.clone());
            }
        }
        let (mut all, mut free) = (Vec::new(), Vec::new());
        for name in names {
            let found = described.iter().find(|one| one.spec.name == name);
            let nothing = ParameterSpec::new(&name);
            let spec = found.map_or(&nothing, |one| &one.spec);
            let entry = found.map_or(&name, |one| &one.entry);
            let formula = found.and_then(|one| one.formula.clone());
            let input = inputs.iter().find(|input| input.name == name);
            let parameter = Parameter::new(&name).with_unit(unit(spec, entry, input)?);
            let role = role(spec, entry, formula)?;
            if role == Role::Free {
                let level = input.is_none() && levels.contains(&name);
                let own = match input {
                    Some(input) => input.transform,
                    None if level => Transform::Log,
                    None => Transform::None,
                };
                let parameter = FreeParameter::new(spec, entry, own)?;
                free.push(FreeParameter {
                    relative: level && spec.transform.is_none(),
                    level,
                    ..parameter
                });
            }
            all.push(parameter.with_role(role));
        }
        let parameters = Arc::new(Parameters::new(all)?);
        Ok(Self {
            parameters,
            sets,
            free,
        })
    }

    /// The simulator of a data set in these parameters.
    ///
    /// # Errors
    /// If all of them are fixed or tied.
    pub(in crate::spec) fn of(
        &self,
        set: usize,
        simulator: Arc<dyn Simulator>,
    ) -> Result<Arc<dyn Simulator>> {
        let parameters = Arc::clone(&self.parameters);
        Ok(Arc::new(Parameterised::new(
            simulator,
            parameters,
            &self.sets[set].inputs,
        )?))
    }

    /// ln σ of the noise levels of a data set, as a simulator of p.
    ///
    /// # Errors
    /// If one is no parameter.
    pub(in crate::spec) fn levels(&self, set: usize) -> Result<Arc<dyn Simulator>> {
        let noise = &self.sets[set].noise;
        let space = Space::new("noise levels", &[noise.len()], "1");
        let rows = (0..noise.len()).map(|i| (i, true)).collect();
        let readings = Readings::new(&space, rows);
        let parameters = Arc::clone(&self.parameters);
        Ok(Arc::new(Parameterised::new(readings, parameters, noise)?))
    }

    /// The places in p of noise levels of a data set of which no start is said, each with its place among the levels.
    pub(in crate::spec) fn unstarted(&self, set: usize) -> Vec<(usize, usize)> {
        let place = |(group, name): (usize, &String)| {
            let free = |free: &FreeParameter| {
                free.name == *name && free.start.is_none() && free.prior.is_none()
            };
            Some((self.free.iter().position(free)?, group))
        };
        let noise = self.sets[set].noise.iter().enumerate();
        noise.filter_map(place).collect()
    }

    /// p₀: the start of each, or what else is given for those without one.
    ///
    /// # Errors
    /// If one has no start, and 0 is none.
    pub(in crate::spec) fn start(&self, others: Option<&[f64]>) -> Result<Vec<f64>> {
        let mut others = others.map(|others| others.iter().copied());
        if let Some(others) = &others {
            // Levels of the noise may be left out: what else is free comes first.
            let levels = self.free.iter().filter(|free| free.level).count();
            let without = self.free.len() - levels;
            if others.len() != without {
                expect_length("start.values", others.len(), self.free.len())?;
            }
        }
        let mut start = |free: &FreeParameter| {
            let other = others.as_mut().and_then(Iterator::next);
            match free.start.or(other) {
                Some(start) => Ok(start),
                None => free.middle(),
            }
        };
        self.free.iter().map(&mut start).collect()
    }

    /// Whether p is x, and nothing is said of any of it.
    pub(in crate::spec) fn is_plain(&self) -> bool {
        let plain = |free: &FreeParameter| free.transform == Transform::None && !free.level;
        let [set] = &self.sets[..] else {
            return false;
        };
        self.free.len() == set.inputs.len()
            && self.parameters.all().len() == set.inputs.len()
            && self.free.iter().all(plain)
    }

    /// Where values of p make sense: within their bounds, and where their transforms reach.
    pub(in crate::spec) fn domain(&self) -> Bounds {
        let side = |free: &FreeParameter| match free.transform {
            Transform::Log | Transform::Log10 | Transform::Relative(_) => {
                (free.lower.max(0.0), free.upper)
            }
            Transform::Bounds(low, high) => (free.lower.max(low), free.upper.min(high)),
            Transform::None | Transform::Scale(_) => (free.lower, free.upper),
        };
        let (lower, upper) = self.free.iter().map(side).unzip();
        Bounds { lower, upper }
    }

    /// The bounds of p, if there are any.
    pub(in crate::spec) fn bounds(&self) -> Option<Bounds> {
        let bounded = |free: &FreeParameter| free.lower.is_finite() || free.upper.is_finite();
        self.free.iter().any(bounded).then(|| Bounds {
            lower: self.free.iter().map(|free| free.lower).collect(),
            upper: self.free.iter().map(|free| free.upper).collect(),
        })
    }

    /// What rules see in place of p from this start; nothing where that is p itself.
    pub(in crate::spec) fn transforms(&self, start: &[f64]) -> Vec<Transform> {
        match self
            .free
            .iter()
            .all(|free| free.transform == Transform::None)
        {
            true => Vec::new(),
            false => {
                let each = self.free.iter().zip(start);
                let seen = |(free, start): (&FreeParameter, &f64)| match free.relative {
                    true => Transform::Relative(*start),
                    false => free.transform,
                };
                each.map(seen).collect()
            }
        }
    }

    /// What is known of p before the data, if anything, with the name of the first of which something is.
    pub(in crate::spec) fn prior(&self) -> Option<(Single, &str)> {
        let known = |(i, free): (usize, &FreeParameter)| Some((i, free.prior?));
        let entries: Vec<(usize, Marginal)> =
            self.free.iter().enumerate().filter_map(known).collect();
        let first = &self.free.get(entries.first()?.0)?.name;
        Some((Single::new(entries), first))
    }
}

/// How the parameter gets its value; what cannot be together is refused.
fn role(spec: &ParameterSpec, entry: &str, formula: Option<Expression>) -> Result<Role> {
    let ParameterSpec {
        name: _,
        scope: _,
        start,
        lower,
        upper,
        unit: _,
        transform,
        fixed,
        tied,
        prior,
    } = spec;
    let others = [
        ("start", start.is_some()),
        ("lower", lower.is_some()),
        ("upper", upper.is_some()),
        ("transform", transform.is_some()),
        (
            "fixed",
            !matches!(fixed, None | Some(Constant::Flag(false))),
        ),
        ("prior", prior.is_some()),
    ];
    if let (Some(formula), Some(text)) = (formula, tied) {
        let other = others.iter().find(|(_, given)| *given);
        return match other {
            None => Ok(Role::Tied(formula)),
            Some((key, _)) => Err(Error::Option {
                key: "tied".to_owned(),
                found: format!("\"{text}\""),
                allowed: format!("a tied parameter follows from others and has no {key} of its own; leave one of the two out"),
            })
            .map_err(at(entry, "tied")),
        };
    }
    let value = match fixed {
        None | Some(Constant::Flag(false)) => return Ok(Role::Free),
        Some(Constant::At(value)) => *value,
        Some(Constant::Flag(true)) => match start {
            Some(start) => *start,
            None => {
                return require(
                    false,
                    "fixed",
                    "true",
                    "a constant needs its value: give start, or the value itself, as in fixed = 1.5",
                )
                .map(|()| Role::Free)
                .map_err(at(entry, "fixed"));
            }
        },
    };
    let (low, high) = ends(spec);
    require(
        low <= value && value <= high,
        "fixed",
        value,
        &format!("it must lie within its bounds, [{low}, {high}]"),
    )
    .map_err(at(entry, "fixed"))?;
    require(
        prior.is_none(),
        "prior",
        "of a constant",
        "what is fixed needs none; leave out fixed or prior",
    )
    .map_err(at(entry, "prior"))?;
    Ok(Role::Fixed(value))
}

fn ends(spec: &ParameterSpec) -> (f64, f64) {
    (
        spec.lower.unwrap_or(f64::NEG_INFINITY),
        spec.upper.unwrap_or(f64::INFINITY),
    )
}

impl FreeParameter {
    fn new(spec: &ParameterSpec, entry: &str, own: Transform) -> Result<Self> {
        let (lower, upper) = ends(spec);
        let ordered = lower <= upper && lower < f64::INFINITY && upper > f64::NEG_INFINITY;
        let allowed = format!("it must not exceed upper = {upper}");
        require(ordered, "lower", lower, &allowed).map_err(at(entry, "lower"))?;
        let transform = match spec.transform {
            Some(transform) => transform.of(spec.start, spec.lower, spec.upper),
            None => Ok(own),
        };
        let transform = transform.map_err(at(entry, "transform"))?;
        if let Some(start) = spec.start {
            let within = lower <= start && start <= upper;
            let allowed = format!("it must lie within its bounds, [{lower}, {upper}]");
            require(within, "start", start, &allowed).map_err(at(entry, "start"))?;
            transform
                .undo_named("start", start)
                .map_err(at(entry, "start"))?;
        }
        let prior = spec.prior.map(|prior| prior.marginal()).transpose();
        Ok(Self {
            name: spec.name.clone(),
            start: spec.start,
            lower,
            upper,
            transform,
            relative: false,
            level: false,
            prior: prior.map_err(at(entry, "prior"))?,
        })
    }

    /// Where the fit begins if nothing is said: in the middle of what the transform, the prior or the bounds say.
    fn middle(&self) -> Result<f64> {
        let value = match (self.prior, self.transform) {
            (Some(Marginal::Gaussian { mean, .. }), _) => mean,
            (Some(Marginal::LogNormal { median, .. }), _) => median,
            (None, Transform::None) if self.lower.is_finite() && self.upper.is_finite() => {
                0.5 * (self.lower + self.upper)
            }
            (None, transform) => transform.apply(0.0),
        };
        let inside = self.lower <= value && value <= self.upper;
        let allowed = format!(
            "it must lie within its bounds, [{}, {}]: give it a start",
            self.lower, self.upper
        );
        require(inside, "start", value, &allowed)
            .map(|()| value)
            .map_err(at(&self.name, "start"))
    }
}
