//! Each data set of an inversion as an inversion of its own.

use super::Named;
use super::inversion::InversionSpec;
use super::observation::{EACH, ObservationSpec};
use super::parameter::ParameterSpec;
use super::start::StartSpec;
use crate::error::{Error, Result};
use crate::options::require;

impl InversionSpec {
    /// Each data set as an inversion of its own, with its name; nothing where there is one target.
    ///
    /// # Errors
    /// If two have one name, a name is none, a data set has no simulator, or the inversion has a target, or something else that
    /// belongs to one simulator alone, beside them.
    pub fn data_sets(&self) -> Result<Vec<(&str, Self)>> {
        self.data_sets_fit()?;
        let each = self.observations.iter();
        each.map(|observation| Ok((observation.name.as_str(), self.alone(observation)?)))
            .collect()
    }

    /// Checks that its data sets have names of their own, and that nothing beside them belongs to one simulator alone.
    ///
    /// # Errors
    /// If not so.
    pub fn data_sets_fit(&self) -> Result<()> {
        if self.observations.is_empty() {
            return Ok(());
        }
        let alone = [
            ("target", !self.target.is_none()),
            ("inverse", self.inverse.is_some()),
            ("prior", !self.priors.is_empty()),
            ("posterior", self.posterior.is_some()),
        ];
        if let Some((key, _)) = alone.iter().find(|(_, given)| *given) {
            return Err(Error::Config {
                what: (*key).to_owned(),
                message: match *key {
                    "target" => "each [[observation]] has a target of its own; leave this one out, or make it one of them",
                    "inverse" => "a local inverse is that of one simulator, and there are several data sets; leave it out",
                    _ => "it is that of a field x, and several data sets share named parameters; give each parameter a prior in \
                          its [[parameter]]",
                }
                .to_owned(),
            });
        }
        let names: Vec<&str> = self.observations.iter().map(|o| o.name.as_str()).collect();
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                let error = Error::GivenTwice {
                    what: format!("data set '{name}'"),
                    keys: "its [[observation]] entries, or give each a name of its own".to_owned(),
                };
                return Err(error.at("observation", name, "name"));
            }
            let good = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            let fine = !name.is_empty() && *name != EACH && name.chars().all(good);
            let allowed = "a data set is named by letters, digits, _ and -, and not each, which means all of them";
            require(fine, "name", format!("\"{name}\""), allowed)
                .map_err(|error| error.at("observation", name, "name"))?;
        }
        Ok(())
    }

    /// How many parameters are described that a data set of this name may have, among data sets of these names, but for levels
    /// of its noise: the values of a model that has no names for them.
    pub fn parameters_of(&self, name: &str, names: &[String], noise: &[String]) -> usize {
        let own = |spec: &&ParameterSpec| {
            let scope = spec.scope.as_deref().filter(|scope| *scope != EACH);
            let by_name = spec.name.split_once('.').map(|(scope, _)| scope);
            let by_name = by_name.filter(|scope| names.iter().any(|name| name == scope));
            scope.or(by_name).is_none_or(|scope| scope == name) && !noise.contains(&spec.name)
        };
        self.parameters.iter().filter(own).count()
    }

    /// One data set without the others: simulator, target and noise.
    fn alone(&self, observation: &ObservationSpec) -> Result<Self> {
        let ObservationSpec {
            name,
            target,
            simulator,
            noise,
        } = observation;
        let simulator = self.over(simulator.as_ref());
        if simulator.name.is_empty() {
            let allowed = "name one in it, or for all data sets outside of them";
            return require(false, "simulator", "none", allowed)
                .map(|()| self.clone())
                .map_err(|error| error.at("observation", name, "simulator"));
        }
        Ok(Self {
            noise: noise.as_ref().unwrap_or(&self.noise).clone(),
            start: StartSpec::default(),
            ..Self::new(simulator, target.clone())
        })
    }

    /// A simulator of a data set, over that of the inversion.
    fn over(&self, own: Option<&Named>) -> Named {
        match own {
            None => self.simulator.clone(),
            Some(own) if own.name.is_empty() || own.name == self.simulator.name => {
                let mut both = self.simulator.clone();
                both.options.extend(own.options.clone());
                both
            }
            Some(own) => own.clone(),
        }
    }

    /// All simulators that it names with options, to be changed; those of data sets with the name that they inherit.
    ///
    /// # Errors
    /// What a change says.
    pub fn each_simulator<E>(
        &mut self,
        mut change: impl FnMut(&mut Named) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        change(&mut self.simulator)?;
        let owns = self.observations.iter_mut();
        for own in owns.filter_map(|observation| observation.simulator.as_mut()) {
            let inherits = own.name.is_empty();
            if inherits {
                own.name.clone_from(&self.simulator.name);
            }
            let done = change(own);
            if inherits {
                own.name.clear();
            }
            done?;
        }
        Ok(())
    }
}
