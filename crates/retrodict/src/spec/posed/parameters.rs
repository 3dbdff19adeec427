//! The table of parameters of an inversion, and what it makes of simulator and problem.

use std::sync::Arc;

use crate::core::simulator::Simulator;
use crate::error::{At, Error, Result};
use crate::problem::Problem;
use crate::spec::InversionSpec;
use crate::spec::bounds::BoundsSpec;
use crate::spec::constraint::{Sides, constraints};
use crate::spec::parameter::{Known, ParameterTable};
use crate::spec::start::StartSpec;
use crate::spec::values::Files;
use crate::uncertainty::statistics::Noise;

impl InversionSpec {
    /// A simulator in the parameters of the description, if it has any.
    ///
    /// # Errors
    /// If a name is unknown, or what is said of a parameter cannot be.
    pub fn parameterised(&self, simulator: Arc<dyn Simulator>) -> Result<Arc<dyn Simulator>> {
        let noise = &self.noise.parameter;
        let known = Known {
            name: None,
            simulator: &*simulator,
            noise,
        };
        in_parameters(self.table(&[known])?.as_ref(), 0, simulator)
    }

    /// The table of parameters; nothing where none is named.
    pub(super) fn table(&self, sets: &[Known<'_>]) -> Result<Option<ParameterTable>> {
        let noise = sets.iter().any(|set| !set.noise.is_empty());
        // A profile is that of a parameter in its own unit, where the simulator says what x stands for.
        let described = || {
            let says = |set: &Known<'_>| {
                let description = set.simulator.describe();
                description.stands_for.is_some() || description.labels.is_some()
            };
            sets.iter().all(says)
        };
        let profiled = !self.profile.is_empty() && self.transforms.is_empty() && described();
        let named = !self.parameters.is_empty()
            || noise
            || !self.derived.is_empty()
            || !self.constraint.is_empty()
            // Data sets share parameters by their names.
            || !self.observations.is_empty();
        if !named && !profiled {
            return Ok(None);
        }
        let mut used = Vec::new();
        for derived in &self.derived {
            used.extend_from_slice(derived.formula()?.variables());
        }
        for text in &self.constraint {
            used.extend(Sides::parse(text).inside("constraint")?.names().cloned());
        }
        let table = ParameterTable::new(&self.parameters, sets, &used)?;
        let both = [
            ("bounds", self.bounds != BoundsSpec::default()),
            ("transform", !self.transforms.is_empty()),
        ];
        for (key, given) in both {
            if given && (!self.parameters.is_empty() || noise || !table.is_plain()) {
                return Err(Error::GivenTwice {
                    what: key.to_owned(),
                    keys: format!("{key} for all of x, and those of single parameters"),
                });
            }
        }
        Ok(Some(table))
    }

    /// Where each field starts.
    pub(super) fn points(
        &self,
        table: Option<&ParameterTable>,
        fields: usize,
        shape: &[usize],
        files: &dyn Files,
    ) -> Result<Vec<Vec<f64>>> {
        let start = &self.start;
        let said = start.file.is_some() || start.values.is_some() || start.value.is_some();
        if let (Some(table), Some(values), None, None) =
            (table, &start.values, &start.file, start.value)
        {
            // Levels of the noise may be left out of them.
            let counted = StartSpec {
                values: None,
                ..start.clone()
            };
            counted.points(fields, shape, files).inside("start")?;
            let point = table.start(Some(values)).inside("start")?;
            return Ok(vec![point; fields]);
        }
        let points = start.points(fields, shape, files).inside("start")?;
        match table {
            None => Ok(points),
            Some(table) if said => {
                let point = |point: &Vec<f64>| table.start(Some(point));
                points.iter().map(point).collect()
            }
            Some(table) => Ok(vec![table.start(None)?; fields]),
        }
    }
}

/// The simulator of a data set in the parameters of a table, if there is one.
pub(super) fn in_parameters(
    table: Option<&ParameterTable>,
    set: usize,
    simulator: Arc<dyn Simulator>,
) -> Result<Arc<dyn Simulator>> {
    match table {
        None => Ok(simulator),
        Some(table) => table.of(set, simulator),
    }
}

/// A problem with what the table says of its parameters.
pub(super) fn with_table(
    problem: &Problem,
    table: &ParameterTable,
    constraint: &[String],
    start: &[f64],
) -> Result<Problem> {
    let mut problem = problem.clone();
    if let Some((prior, first)) = table.prior() {
        if Noise::of(&problem) == Noise::Estimated {
            let error = Error::Option {
                key: "prior".to_owned(),
                found: "of a parameter".to_owned(),
                allowed: "it is weighed against the noise, of which nothing is known: give noise.std, or a name for the level, \
                          to be fitted, as noise.parameter"
                    .to_owned(),
            };
            return Err(error.at("parameter", first, "prior"));
        }
        problem = problem.with_prior(&prior, 1.0)?;
    }
    if let Some(bounds) = table.bounds() {
        problem = problem.within(&bounds)?;
    }
    if !constraint.is_empty() {
        let constraints = constraints(constraint, &table.parameters);
        let constrained = constraints.and_then(|all| problem.constrained_by(&all));
        problem = constrained.inside("constraint")?;
    }
    match &table.transforms(start)[..] {
        [] => Ok(problem),
        transforms => problem
            .transformed(transforms)
            .map_err(|error| match constraint {
                [] => error,
                _ => error.inside("constraint"),
            }),
    }
}
