//! Several networks for one task: the mean of what they say, and how far they differ.

use super::network_file::NetworkFile;
use crate::core::space::Space;
use crate::error::{Error, Result};
use crate::registry::Named;

/// Networks that were trained for one task, such as the seeds of a method. They see, and say, the same quantities, and learned
/// through the same simulator.
///
/// Their spread tells how much of x depends on chance in training; it is no error bar: what all of them have learned wrongly, it does
/// not show.
#[non_exhaustive]
pub struct Ensemble {
    members: Vec<NetworkFile>,
}

/// What an ensemble says of x, sample by sample.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EnsemblePrediction {
    /// The mean over the networks.
    pub mean: Vec<f64>,
    /// The standard deviation over the networks, with n − 1 for n of them; nothing for a single one.
    pub spread: Option<Vec<f64>>,
}

impl Ensemble {
    /// Networks, each with what it is called in messages.
    ///
    /// # Errors
    /// [`Error::Config`] if there is none, or one of them is for another task than the first.
    pub fn new(members: Vec<(String, NetworkFile)>) -> Result<Self> {
        let Some((first, own)) = members.first() else {
            return Err(refused("it has no network; give one or more".to_owned()));
        };
        for (name, other) in &members[1..] {
            let spaces = [
                ("sees", &own.input, &other.input),
                ("says", &own.output, &other.output),
                ("learned from", &own.target, &other.target),
            ];
            for (verb, space, another) in spaces {
                if space != another {
                    return Err(refused(format!(
                        "{first} {verb} {}, but {name} {verb} {}; predict with networks of one task together, and with others apart",
                        told(space),
                        told(another)
                    )));
                }
            }
            let (simulator, another) = (simulator(own), simulator(other));
            if simulator != another {
                return Err(refused(format!(
                    "{first} learned through {}, but {name} through {}; predict with networks of one simulator together, and with \
                     others apart",
                    written(&simulator),
                    written(&another)
                )));
            }
        }
        let members = members.into_iter().map(|(_, file)| file);
        Ok(Self {
            members: members.collect(),
        })
    }

    /// The first network, which stands for the task of all.
    pub fn first(&self) -> &NetworkFile {
        // `new` has seen that there is one.
        &self.members[0]
    }

    /// All networks.
    pub fn members(&self) -> &[NetworkFile] {
        &self.members
    }

    /// What the networks say of several samples, one behind the other.
    ///
    /// # Errors
    /// If the inputs do not fit the networks.
    pub fn predict(&self, inputs: &[f64]) -> Result<EnsemblePrediction> {
        let each = self.members.iter().map(|file| file.network.predict(inputs));
        let each: Vec<Vec<f64>> = each.collect::<Result<_>>()?;
        if let [_] = each.as_slice() {
            return Ok(EnsemblePrediction {
                mean: each.concat(),
                spread: None,
            });
        }
        let (count, len) = (each.len() as f64, each[0].len());
        let (mut mean, mut spread) = (vec![0.0; len], vec![0.0; len]);
        for i in 0..len {
            // The same x from all has no spread at all, whatever a sum rounds.
            let first = each[0][i];
            let shift = each.iter().map(|x| x[i] - first).sum::<f64>() / count;
            mean[i] = first + shift;
            let squares = each.iter().map(|x| (x[i] - first - shift).powi(2));
            spread[i] = (squares.sum::<f64>() / (count - 1.0)).sqrt();
        }
        Ok(EnsemblePrediction {
            mean,
            spread: Some(spread),
        })
    }
}

/// The simulator that a network learned through, with the options of its method.
fn simulator(file: &NetworkFile) -> Named {
    let mut simulator = file.plan.simulator.clone();
    if let Ok(method) = file.plan.method(&file.method) {
        simulator.options.extend(method.simulator.clone());
    }
    simulator
}

fn told(space: &Space) -> String {
    format!(
        "'{}', shape {:?}, in {}",
        space.name, space.shape, space.unit
    )
}

fn written(simulator: &Named) -> String {
    let options: Vec<String> = simulator
        .options
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    match options.as_slice() {
        [] => format!("'{}' with no options", simulator.name),
        options => format!("'{}' with {}", simulator.name, options.join(", ")),
    }
}

fn refused(message: String) -> Error {
    Error::Config {
        what: "the ensemble".to_owned(),
        message,
    }
}
