//! The data of one simulator, read, and the simulator with what they say of it.

use std::sync::Arc;

use retrodict::Simulator;
use retrodict::error::Place;
use retrodict::spec::{InversionSpec, Named, Origin, Values};

use crate::data::{self, Array, UserFiles, fit_shape, split, take_times};
use crate::failure::{Failure, Outcome};
use crate::registry;

/// The data of one simulator, and the simulator.
pub struct DataSet {
    /// Its name; empty where it is the only one.
    pub name: String,
    /// The inversion of these data alone: the simulator's options with what the data say of it, such as shape and times.
    pub inversion: InversionSpec,
    /// The observations.
    pub target: Array,
    /// The same, a list for each field of the simulator.
    pub fields: Vec<Vec<f64>>,
    /// P.
    pub simulator: Arc<dyn Simulator>,
    /// What was made of the columns of the target's file.
    pub remarks: Vec<String>,
}

impl DataSet {
    /// Reads the data of an inversion that has one target; `name` is that of the data set, if there are several.
    pub fn read(name: &str, inversion: &InversionSpec, origin: &Origin) -> Outcome<Self> {
        let own = |error| match name {
            "" => error,
            name => retrodict::Error::needed_by(error, "observation", name),
        };
        let locate = |error| origin.locate(own(error));
        let place = match name {
            "" => Place::of("target"),
            name => Place::new("observation", name, "target"),
        };
        let of_target = |failure: Failure| failure.located(&origin.at_place(&place), "target");
        let (mut target, what) = match &inversion.target {
            none if none.is_none() => {
                return Err(Failure::Misuse(
                    "the observations are missing: give target, or several data sets as [[observation]]".to_owned(),
                ));
            }
            Values::File(name) if inversion.noise.missing => {
                let read = data::read_with_gaps(name).map_err(of_target);
                (read?, name.as_str())
            }
            Values::File(name) => (data::read(name).map_err(of_target)?, name.as_str()),
            Values::Each(values) => (Array::new(vec![values.len()], values.clone()), "the target"),
            Values::One(value) => (Array::new(vec![1], vec![*value]), "the target"),
        };
        // What the data say of the simulator: its shape, its times.
        let read = inversion.with_option_files(registry(), &UserFiles);
        let mut fitted = read.map_err(locate)?;
        let Named { name: of, options } = &mut fitted.simulator;
        registry()
            .simulator(of)
            .map_err(|error| locate(error.inside("simulator")))?;
        let taken = take_times(of, options, &mut target, what).map_err(of_target)?;
        let fitting = fit_shape(of, options, &target, what).map_err(of_target)?;
        let mut remarks: Vec<String> = taken.into_iter().chain(fitting).collect();
        let known = inversion.noise.is_known();
        remarks.extend(data::not_used(&fitted.simulator, known, &target, what)?);
        let simulator = fitted.simulator(registry()).map_err(locate)?;
        let fields = split(&target, &simulator.output().shape, what).map_err(of_target)?;
        let fields: Vec<Vec<f64>> = fields.into_iter().map(<[f64]>::to_vec).collect();
        if !name.is_empty() && fields.len() != 1 {
            return Err(of_target(Failure::Misuse(format!(
                "{what} holds {} fields of data, and a data set has one; make each of them a data set",
                fields.len()
            ))));
        }
        Ok(Self {
            name: name.to_owned(),
            inversion: fitted,
            target,
            fields,
            simulator,
            remarks,
        })
    }
}
