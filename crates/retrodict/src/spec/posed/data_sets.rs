//! Several data sets with shared parameters, as one problem.

use std::sync::Arc;

use super::Posed;
use super::observed::{DataSet, Observed};
use super::parameters::in_parameters;
use super::part::Part;
use crate::compose::stacked::Stacked;
use crate::core::simulator::Simulator;
use crate::error::{At, Error, Result, expect_length};
use crate::options::require;
use crate::registry::Registry;
use crate::spec::InversionSpec;
use crate::spec::parameter::Known;
use crate::spec::values::Files;

impl InversionSpec {
    /// Poses the inversion of all data sets, of simulators that they name.
    pub(super) fn pose_data_sets(&self, registry: &Registry, files: &dyn Files) -> Result<Posed> {
        let named = self.data_sets()?;
        let mut read = Vec::new();
        for (name, inversion) in named {
            let within = |error: Error| error.needed_by("observation", name);
            let inversion = inversion
                .with_option_files(registry, files)
                .map_err(within)?;
            let simulator = inversion.simulator(registry).map_err(within)?;
            let mut targets = inversion.targets(&*simulator, files).map_err(within)?;
            let allowed = "a data set has one field of data; make each of them a data set";
            let found = format!("{} fields", targets.len());
            require(targets.len() == 1, "target", found, allowed)
                .map_err(|error| error.at("observation", name, "target"))?;
            read.push((name, inversion, simulator, targets.remove(0)));
        }
        let mut sets = Vec::new();
        for (name, inversion, simulator, target) in &read {
            let subject = inversion.subject(Arc::clone(simulator), registry);
            let subject = subject.map_err(|error| error.needed_by("observation", name))?;
            sets.push(DataSet::new(name, inversion, subject, target.clone()));
        }
        self.pose_sets(&sets, registry, files)
    }

    /// Poses the inversion of data sets that are at hand, with their simulators; its own `observations` are not looked at.
    ///
    /// # Errors
    /// As [`pose_with`](InversionSpec::pose_with), with the data set; if the noise level of some is known and of others not.
    pub fn pose_sets(
        &self,
        sets: &[DataSet<'_>],
        registry: &Registry,
        files: &dyn Files,
    ) -> Result<Posed> {
        let known: Vec<Known<'_>> = sets
            .iter()
            .map(|set| Known {
                name: Some(set.name),
                simulator: &*set.subject.simulator,
                noise: &set.inversion.noise.parameter,
            })
            .collect();
        let table = self.table(&known)?;
        let (mut parts, mut simulators) = (Vec::new(), Vec::new());
        for (i, set) in sets.iter().enumerate() {
            let within = |error: Error| error.needed_by("observation", set.name);
            let simulator = in_parameters(table.as_ref(), i, Arc::clone(&set.subject.simulator))?;
            let output = simulator.output();
            expect_length("the target", set.target.len(), output.len())
                .inside("target")
                .map_err(within)?;
            let target = &set.target[..];
            let noises = set
                .inversion
                .noises(&[target], &output.shape, registry, files);
            let noise = noises.map_err(within)?.swap_remove(0);
            simulators.push(simulator);
            parts.push(Part {
                subject: &set.subject,
                target,
                noise,
                missing: set.inversion.noise.missing,
            });
        }
        alike(sets, &parts)?;
        let whole: Arc<dyn Simulator> = Arc::new(Stacked::new(simulators.clone())?);
        let kept = table.clone().map(Arc::new);
        let mut posed = self.posed(whole, table, vec![parts], registry, files)?;
        let problems = posed
            .fields
            .iter_mut()
            .flat_map(|field| std::mem::take(&mut field.parts));
        let mut from = 0;
        let all = sets.iter().zip(simulators).zip(problems).enumerate();
        for (place, ((set, simulator), problem)) in all {
            let rows = from..from + problem.data_outputs();
            from = rows.end;
            posed.observations.push(Observed {
                name: set.name.to_owned(),
                simulator,
                target: set.target.clone(),
                rows,
                problem,
                table: kept.clone(),
                set: place,
            });
        }
        Ok(posed)
    }
}

/// That the data sets can be weighed against each other: that of all of them something is known of the noise, or of none.
fn alike(sets: &[DataSet<'_>], parts: &[Part<'_, '_>]) -> Result<()> {
    let unknown = parts.iter().position(|part| !part.noise.is_weighed());
    let known = parts.iter().position(|part| part.noise.is_weighed());
    let (Some(unknown), Some(known)) = (unknown, known) else {
        return Ok(());
    };
    let error = Error::Config {
        what: "noise".to_owned(),
        message: format!(
            "the noise level of '{}' is known, and that of '{}' is not, so that they cannot be weighed against each other: give \
             noise.std, or a name for the level, to be fitted, as noise.parameter",
            sets[known].name, sets[unknown].name
        ),
    };
    Err(error.at("observation", sets[unknown].name, "noise"))
}
