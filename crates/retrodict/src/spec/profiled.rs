//! Of what a description asks for profile likelihoods.

use crate::compose::parameters::{Parameters, Role};
use crate::core::simulator::Simulator;
use crate::error::{Error, Result};
use crate::models::expression::Expression;
use crate::options::require;
use crate::uncertainty::derived::Quantity;
use crate::uncertainty::profile::Along;

/// Something that has a profile, by its name.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Profiled {
    /// What the description calls it.
    pub name: String,
    /// Its unit.
    pub unit: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    Unknown(usize),
    Quantity(Quantity),
}

/// All unknowns and all quantities, in place of their names.
const ALL: &str = "all";

impl Profiled {
    /// What the names mean: free parameters, tied ones, quantities; values of x, as in `x[0]`, where nothing has a name.
    ///
    /// # Errors
    /// If a name is unknown (with the nearest one), or that of a constant.
    pub fn named(
        names: &[String],
        parameters: Option<&Parameters>,
        derived: &[Quantity],
        simulator: &dyn Simulator,
    ) -> Result<Vec<Self>> {
        let Some(parameters) = parameters else {
            return of_places(names, simulator);
        };
        let free = parameters.free().enumerate();
        let free: Vec<Self> = free
            .map(|(i, parameter)| Self {
                name: parameter.name.clone(),
                unit: parameter.unit.clone(),
                what: What::Unknown(i),
            })
            .collect();
        let quantity = |quantity: &Quantity| Self {
            name: quantity.name.clone(),
            unit: quantity.unit.clone(),
            what: What::Quantity(quantity.clone()),
        };
        let mut quantities: Vec<Self> = derived.iter().map(quantity).collect();
        let constant = |name: &String| {
            let mut all = parameters.all().iter();
            all.any(|p| p.name == *name && matches!(p.role, Role::Fixed(_)))
        };
        if let Some(name) = names.iter().find(|name| constant(name)) {
            return require(
                false,
                "profile",
                format!("\"{name}\""),
                "it is fixed, and a constant has no profile; leave out fixed, or profile another",
            )
            .map(|()| Vec::new());
        }
        for parameter in parameters.all() {
            if matches!(parameter.role, Role::Tied(_)) {
                let own = Expression::parse(&format!("{{{}}}", parameter.name))?;
                let own = Quantity::new(&parameter.name, own, parameters)?;
                quantities.push(quantity(&own.with_unit(&parameter.unit)));
            }
        }
        if names.iter().any(|name| name == ALL) {
            let derived = quantities.into_iter().take(derived.len());
            return Ok(free.into_iter().chain(derived).collect());
        }
        let known: Vec<Self> = free.into_iter().chain(quantities).collect();
        let find = |name: &String| {
            let found = known.iter().find(|known| known.name == *name).cloned();
            let names = || known.iter().map(|known| known.name.as_str());
            found.ok_or_else(|| Error::unknown("parameter or derived quantity", name, names()))
        };
        names.iter().map(find).collect()
    }

    /// What the profile runs along.
    pub fn along<'a>(&'a self, parameters: Option<&'a Parameters>) -> Option<Along<'a>> {
        match &self.what {
            What::Unknown(i) => Some(Along::Unknown(*i)),
            What::Quantity(quantity) => Some(Along::Quantity(quantity, parameters?)),
        }
    }
}

/// Values of x by their places.
fn of_places(names: &[String], simulator: &dyn Simulator) -> Result<Vec<Profiled>> {
    let input = simulator.input();
    let n = input.len();
    let labels = simulator.describe().labels.unwrap_or_default();
    let place = |i: usize| Profiled {
        name: labels
            .get(i)
            .map_or_else(|| format!("x[{i}]"), |label| label.0.clone()),
        unit: labels
            .get(i)
            .map_or_else(|| input.unit.clone(), |label| label.1.clone()),
        what: What::Unknown(i),
    };
    if names.iter().any(|name| name == ALL) {
        return Ok((0..n).map(place).collect());
    }
    let find = |name: &String| {
        let index = name
            .strip_prefix("x[")
            .and_then(|name| name.strip_suffix(']'));
        let index = index.and_then(|index| index.trim().parse::<usize>().ok());
        let label = labels.iter().position(|label| label.0 == *name);
        let index = label.or(index);
        let allowed = format!(
            "give values of x by their places, as x[0] to x[{}], or name parameters",
            n.saturating_sub(1)
        );
        let index = index.filter(|index| *index < n);
        require(index.is_some(), "profile", format!("\"{name}\""), &allowed)?;
        Ok(place(index.unwrap_or(0)))
    };
    names.iter().map(find).collect()
}
