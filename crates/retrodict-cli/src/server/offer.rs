//! A simulator that a server offers, in whatever configuration is asked for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use retrodict::registry::{Entry, SIMULATORS};
use retrodict::{Result, Simulator};

/// How many configurations are kept; making one anew may take long.
const KEPT: usize = 16;

/// A simulator and its options, which the configuration of a question may change.
pub struct Offer {
    /// The model's name.
    pub name: String,
    entry: &'static Entry<Arc<dyn Simulator>>,
    options: toml::Table,
    standard: Arc<dyn Simulator>,
    others: Mutex<VecDeque<(toml::Table, Arc<dyn Simulator>)>>,
}

impl Offer {
    /// Makes the simulator with its standard options.
    ///
    /// It must be one of retrodict's own: a program would let clients choose what is run.
    pub fn new(name: &str, options: toml::Table) -> Result<Self> {
        let entry = SIMULATORS.find(name)?;
        let standard = (entry.build)(&options)?;
        Ok(Self {
            name: entry.name.to_owned(),
            entry,
            options,
            standard,
            others: Mutex::default(),
        })
    }

    /// The simulator with its standard options.
    pub fn standard(&self) -> &Arc<dyn Simulator> {
        &self.standard
    }

    /// The simulator with these options in place of its own.
    pub fn configured(&self, config: &toml::Table) -> Result<Arc<dyn Simulator>> {
        if config.is_empty() {
            return Ok(Arc::clone(&self.standard));
        }
        let others = || self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = others().iter().find(|(known, _)| known == config) {
            return Ok(Arc::clone(found));
        }
        let mut options = self.options.clone();
        options.extend(config.clone());
        let made = (self.entry.build)(&options)?;
        let mut others = others();
        others.truncate(KEPT - 1);
        others.push_front((config.clone(), Arc::clone(&made)));
        Ok(made)
    }
}
