//! A simulator that a server offers, in whatever configuration is asked for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::registry;
use retrodict::memory;
use retrodict::registry::Entry;
use retrodict::{Result, Simulator};

/// How many configurations are kept; making one anew may take long.
const KEPT: usize = 16;

/// A simulator and its options, which the configuration of a question may change.
pub struct Offer {
    /// The model's name.
    pub name: String,
    entry: &'static Entry<Arc<dyn Simulator>>,
    options: toml::Table,
    standard: Configured,
    others: Mutex<VecDeque<(toml::Table, Configured)>>,
}

/// A simulator with the memory that it takes.
#[derive(Clone)]
pub struct Configured {
    /// The simulator.
    pub simulator: Arc<dyn Simulator>,
    /// About how many bytes it takes while it evaluates.
    pub memory: f64,
}

impl Offer {
    /// Makes the simulator with its standard options; it may take `limit` bytes.
    ///
    /// It must be one of retrodict's own: a program would let clients choose what is run.
    pub fn new(name: &str, options: toml::Table, limit: f64) -> Result<Self> {
        let entry = registry().simulators.find(name)?;
        let (options, memory) = measured(entry, options, limit)?;
        memory::within(entry.name, memory, limit, "the server's --memory is")?;
        let simulator = entry.build(&options)?;
        Ok(Self {
            name: entry.name.to_owned(),
            entry,
            options,
            standard: Configured { simulator, memory },
            others: Mutex::default(),
        })
    }

    /// The simulator with its standard options.
    pub fn standard(&self) -> &Configured {
        &self.standard
    }

    /// The simulator with these options in place of its own, if it is there already.
    pub fn known(&self, config: &toml::Table) -> Option<Configured> {
        if config.is_empty() {
            return Some(self.standard.clone());
        }
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let found = others.iter().find(|(known, _)| known == config);
        found.map(|(_, found)| found.clone())
    }

    /// The options with this config in place of their own, and the memory that they ask for.
    pub fn measured(&self, config: &toml::Table, limit: f64) -> Result<(toml::Table, f64)> {
        let mut options = self.options.clone();
        options.extend(config.clone());
        measured(self.entry, options, limit)
    }

    /// Makes a simulator of measured options, and keeps it as long as all that are kept take `room` bytes at most.
    pub fn make(
        &self,
        config: toml::Table,
        (options, memory): (toml::Table, f64),
        room: f64,
    ) -> Result<Configured> {
        let simulator = self.entry.build(&options)?;
        let made = Configured { simulator, memory };
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.push_front((config, made.clone()));
        let mut sum = 0.0;
        let fit = others.iter().take_while(|(_, kept)| {
            sum += kept.memory;
            sum <= room
        });
        let fit = fit.count().min(KEPT);
        others.truncate(fit);
        Ok(made)
    }
}

/// Options whose tape takes a quarter of `limit` at most, and the memory that they ask for.
fn measured(
    entry: &Entry<Arc<dyn Simulator>>,
    mut options: toml::Table,
    limit: f64,
) -> Result<(toml::Table, f64)> {
    if entry.accepts("max_memory") {
        // Saturates.
        let longest = (limit / 4.0) as i64;
        let asked = options.get("max_memory").cloned();
        let tape = match asked {
            Some(toml::Value::Integer(asked)) => toml::Value::Integer(asked.min(longest)),
            Some(other) => other,
            None => toml::Value::Integer(longest),
        };
        options.insert("max_memory".to_owned(), tape);
    }
    let memory = entry.memory(&options)?;
    Ok((options, memory))
}
