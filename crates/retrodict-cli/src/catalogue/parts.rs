//! Descriptions and their parts: what each holds, from the structs themselves.

use retrodict::registry::{Setting, fields, kinds, schema};
use retrodict::spec::{
    BoundsSpec, DataSpec, DerivedSpec, DrawSpec, ExperimentMethodSpec, ExperimentSpec,
    ExperimentStartSpec, InversionSpec, NoiseSpec, ObservationSpec, ParameterSpec, PosteriorSpec,
    ProblemSpec, ProfileSpec, StartSpec, StopSpec, TrainingExpectation, TrainingMethodSpec,
    TrainingSpec, TrainingStopSpec, TruthSpec,
};
use retrodict::training::Schedule;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::Item;

/// A part of a description.
struct Part {
    name: &'static str,
    /// What it is, and where it stands.
    sentence: &'static str,
    keys: fn() -> Vec<Setting>,
    schema: fn() -> serde_json::Value,
}

/// A part that is a table of keys.
const fn table<T: DeserializeOwned + JsonSchema>(
    name: &'static str,
    sentence: &'static str,
) -> Part {
    Part {
        name,
        sentence,
        keys: fields::<T>,
        schema: || schema::<T>().into(),
    }
}

/// A part that is one of several kinds of tables.
const fn one_of<T: JsonSchema>(name: &'static str, sentence: &'static str) -> Part {
    Part {
        name,
        sentence,
        keys: kinds::<T>,
        schema: || schema::<T>().into(),
    }
}

const PARTS: [Part; 22] = [
    table::<InversionSpec>("inversion", "An inversion as a file"),
    table::<StopSpec>(
        "stop",
        "When a run ends: --stop KEY=VALUE, or [stop] in a file",
    ),
    table::<StartSpec>(
        "start",
        "Where it starts, and from how many points: [start]",
    ),
    table::<NoiseSpec>("noise", "What is known of the noise in the data: [noise]"),
    table::<ObservationSpec>(
        "observation",
        "One of several data sets: --observation NAME:KEY=VALUE,…, or [[observation]] in a file",
    ),
    table::<ParameterSpec>(
        "parameter",
        "A named parameter: --parameter NAME:KEY=VALUE,…, or [[parameter]] in a file",
    ),
    table::<DerivedSpec>(
        "derived",
        "A quantity that follows from parameters: --derived NAME=FORMULA, or [[derived]]",
    ),
    table::<BoundsSpec>("bounds", "Bounds on x: [bounds]"),
    table::<ProfileSpec>(
        "profile",
        "Profile likelihoods: --profile NAMES, or [profile] in a file",
    ),
    table::<PosteriorSpec>("posterior", "The posterior of a field: [posterior]"),
    table::<ExperimentSpec>("experiment", "An experiment as a file"),
    table::<ProblemSpec>("problem", "A problem of an experiment: [[problem]]"),
    one_of::<TruthSpec>(
        "truth",
        "The x that made the observations of a problem, by its kind: truth",
    ),
    one_of::<ExperimentStartSpec>(
        "problem-start",
        "Where the methods of an experiment start, by its kind: start",
    ),
    table::<ExperimentMethodSpec>("method", "A method of an experiment: [[method]]"),
    table::<TrainingSpec>("training", "A training as a file"),
    table::<DataSpec>("data", "What a training learns from: [data]"),
    one_of::<DrawSpec>(
        "draw",
        "How the samples of a training come about, by its kind: data.draw",
    ),
    table::<TrainingMethodSpec>("training-method", "A method of a training: [[method]]"),
    table::<TrainingExpectation>(
        "training-expectation",
        "What must come out of a method of a training: expect = [{ … }]",
    ),
    one_of::<Schedule>(
        "schedule",
        "How the learning rate of a training changes, by its kind: schedule",
    ),
    table::<TrainingStopSpec>(
        "training-stop",
        "When a training ends: [stop], for all methods or for one",
    ),
];

/// Their names.
pub fn names() -> impl Iterator<Item = &'static str> {
    PARTS.iter().map(|part| part.name)
}

/// All of them.
pub(super) fn all() -> Vec<Item> {
    let item = |part: &Part| Item {
        options: (part.keys)(),
        schema: Some((part.schema)()),
        ..super::experiment_item(
            "description",
            part.name,
            part.sentence.to_owned(),
            String::new(),
        )
    };
    PARTS.iter().map(item).collect()
}
