//! What a simulator was built of is fixed: it, its clones and one built anew answer alike, and nothing is built of what
//! is not allowed.

use std::sync::Arc;

use retrodict::check::typical_input;
use retrodict::models::ode::OdeOptions;
use retrodict::options::{Build, Checked, Validate};
use retrodict::registry::{EXTERNAL, Entry, SIMULATORS, Setting};
use retrodict::simulators::*;
use retrodict::{Result, Simulator, Space};
use toml::{Table, Value};

type SimulatorEntry = Entry<Arc<dyn Simulator>>;

/// All that a simulator says, bit for bit.
#[derive(Debug, PartialEq)]
struct Answers {
    spaces: [Space; 2],
    values: Vec<std::result::Result<Vec<u64>, String>>,
}

fn answers(simulator: &dyn Simulator) -> Answers {
    let spaces = [simulator.input().clone(), simulator.output().clone()];
    let [n, m] = [spaces[0].len(), spaces[1].len()];
    let (x, near) = (typical_input(simulator, 1), typical_input(simulator, 2));
    let told = |len: usize, write: &dyn Fn(&mut [f64]) -> Result<()>| {
        let mut out = vec![0.0; len];
        let written = write(&mut out).map_err(|error| error.to_string());
        written.map(|()| out.iter().map(|v| v.to_bits()).collect())
    };
    let mut y = vec![0.0; m];
    let reached = simulator.forward(&x, &mut y);
    let mut values = vec![
        told(m, &|out| simulator.forward(&x, out)),
        told(m, &|out| simulator.jvp(&x, &near, out)),
        told(n, &|out| simulator.vjp(&x, &y, out)),
        told(n, &|out| {
            let map = simulator.linearize(&x, &mut vec![0.0; m])?;
            map.apply_transpose(&y, out)
        }),
    ];
    if let (Some(inverse), Ok(())) = (simulator.local_inverse(), reached) {
        values.push(told(n, &|out| inverse.invert_near(&y, &near, out)));
    }
    if let Some(second) = simulator.second_order() {
        values.push(told(n, &|out| second.vjp_derivative(&x, &y, &near, out)));
    }
    if let Some(residual) = simulator.residual() {
        let len = residual.space().len();
        values.push(told(len, &|out| residual.evaluate(&near, &y, out)));
    }
    Answers { spaces, values }
}

/// Smaller than by default where that would take long.
fn small(name: &str) -> Table {
    let options = match name {
        "fluid" => "shape = [12, 12]\nsteps = 3",
        "reaction-diffusion" => "shape = [8, 8]\nsteps = 6",
        "schroedinger" | "oscillators" => "steps = 12",
        "burgers" => "shape = [16]\nsteps = 8",
        "kuramoto-sivashinsky" => "cells = 16\nsteps = 8",
        "wave" => "shape = [8]\nsteps = 8",
        "heat" | "poisson" | "laplace" => "shape = [8, 6]",
        _ => "",
    };
    options.parse().unwrap()
}

/// Values that an option may have beside its own, by its kind.
fn others(setting: &Setting, now: Option<&Value>) -> Vec<Value> {
    let numbers = |numbers: &[f64]| Value::from(numbers.to_vec());
    match now {
        Some(Value::Float(v)) => [1.125 * v, 0.875 * v, 0.02 * v, v + 0.1]
            .map(Value::from)
            .into(),
        Some(Value::Integer(n)) => [1, 4, -1].map(|by| (n + by).into()).into(),
        Some(Value::Boolean(on)) => vec![(!on).into()],
        Some(Value::String(_)) if setting.key == "formula" => vec!["amplitude + rate * t".into()],
        Some(Value::String(_)) => setting.kind.split(" | ").map(Value::from).collect(),
        Some(Value::Array(list)) if list.iter().all(Value::is_integer) && !list.is_empty() => {
            let more = list.iter().filter_map(Value::as_integer).map(|n| n + 1);
            vec![more.collect::<Vec<_>>().into()]
        }
        Some(Value::Array(list)) if list.iter().all(Value::is_float) && !list.is_empty() => {
            let longer = list
                .iter()
                .filter_map(Value::as_float)
                .map(|v| 1.125 * v + 0.01);
            vec![longer.collect::<Vec<_>>().into()]
        }
        _ => match setting.key.as_str() {
            "observe_steps" | "observe_places" | "observe" => vec![vec![1].into()],
            "initial" => vec![numbers(&[0.5, 0.1, -0.2, 0.3])],
            "variables" => vec![vec!["u"].into()],
            "transform" => ["log", "none"].map(|name| vec![name].into()).into(),
            "marker" => vec![
                "pattern = 'blob'\nwidths = [0.2, 0.1]"
                    .parse::<Table>()
                    .unwrap()
                    .into(),
            ],
            "inverse" => [
                "method = 'mass-centres'",
                "filter = 'damping'\nrelative = 1e-3",
            ]
            .map(|table| table.parse::<Table>().unwrap().into())
            .into(),
            "max_memory" => vec![500.into()],
            _ => vec![0.5.into()],
        },
    }
}

/// An option of an entry set to something that it may be, and that shows.
fn changed(
    entry: &SimulatorEntry,
    base: &Table,
    setting: &Setting,
    before: &Answers,
) -> Option<Table> {
    let mut all = entry.defaults();
    all.extend(base.clone());
    let candidates = others(setting, all.get(&setting.key));
    candidates.into_iter().find_map(|value| {
        let mut table = base.clone();
        table.insert(setting.key.clone(), value);
        let simulator = entry.build(&table).ok()?;
        (answers(&*simulator) != *before).then_some(table)
    })
}

#[test]
fn an_option_that_changes_changes_what_is_built_anew_and_nothing_else() {
    for entry in SIMULATORS.entries.iter() {
        let base = small(entry.name);
        let first = entry.build(&base).unwrap();
        let before = answers(&*first);
        for setting in entry.settings() {
            let what = format!("{}: {}", entry.name, setting.key);
            if setting.key == "max_memory" {
                let mut table = base.clone();
                table.insert(setting.key, 500.into());
                let tight = entry.build(&table).unwrap();
                assert!(answers(&*tight) == before, "{what} changes bits");
                continue;
            }
            let mut table = changed(entry, &base, &setting, &before);
            if table.is_none() && setting.key.ends_with("tolerance") && cfg!(feature = "adaptive") {
                let mut adaptive = base.clone();
                adaptive.insert("method".into(), "adaptive".into());
                let before = answers(&*entry.build(&adaptive).unwrap());
                table = changed(entry, &adaptive, &setting, &before);
            }
            let Some(table) = table else {
                let without = !cfg!(feature = "adaptive");
                assert!(
                    without && (setting.key.ends_with("tolerance") || setting.key == "method"),
                    "{what} shows nowhere"
                );
                continue;
            };
            let other = entry.build(&table).unwrap();
            let seen = answers(&*other);
            let again = std::thread::scope(|scope| {
                let anew = || answers(&*entry.build(&table).unwrap());
                scope.spawn(anew).join().unwrap()
            });
            assert!(seen == again, "{what}: one built anew differs");
            assert!(answers(&*other) == seen, "{what}: it forgets");
        }
        assert!(answers(&*first) == before, "{} is not fixed", entry.name);
    }
}

/// What an option of that kind must refuse, whatever else it may be.
fn never(setting: &Setting) -> Vec<Value> {
    let nan = f64::NAN;
    match setting.kind.as_str() {
        "number" => vec![nan.into(), f64::INFINITY.into(), "far".into()],
        "whole number" => vec![(-1).into(), 0.5.into(), "many".into()],
        "list of numbers" => vec![vec![nan].into(), 1.0.into()],
        "list of whole numbers" => vec![vec![-1].into(), vec![1_000_000_000_i64].into(), 3.into()],
        "true | false" => vec!["maybe".into(), 1.into()],
        _ => vec!["neither".into(), (-1).into()],
    }
}

#[test]
fn every_option_refuses_what_it_cannot_be_and_is_named() {
    for entry in SIMULATORS.entries.iter().chain(EXTERNAL.entries.iter()) {
        for setting in entry.settings() {
            // Names, addresses, commands and formulas may be any text, and a configuration any table.
            let free = ["command", "jacobian", "url", "model", "config", "formula"];
            let values = match free.contains(&setting.key.as_str()) {
                true => vec![(-1).into()],
                false => never(&setting),
            };
            for value in values {
                let mut table = small(entry.name);
                if entry.name == "program" {
                    table = "command = 'cp {input} {output}'\ninputs = 1\noutputs = 1"
                        .parse()
                        .unwrap();
                }
                table.insert(setting.key.clone(), value.clone());
                let what = format!("{}: {} = {value}", entry.name, setting.key);
                match entry.build(&table) {
                    Ok(_) => panic!("{what} is built"),
                    Err(error) => {
                        // A rollout names what is observed as a whole; memory is no matter of one option.
                        let (key, error) = (setting.key.split('_').next(), error.to_string());
                        let named = error.contains(key.unwrap());
                        assert!(
                            named || error.contains("of memory would be needed"),
                            "{what}: {error}"
                        );
                    }
                }
            }
        }
    }
}

/// The same of the types: for Rust, where a table does not stand between.
fn assert_fixed<O, S>(options: O, own: fn(&S) -> &O) -> Option<()>
where
    O: Build<Built = S> + Clone + PartialEq + std::fmt::Debug,
    S: Simulator + Clone,
{
    let built = options.clone().build().unwrap();
    let before = answers(&built);
    assert_eq!(*own(&built), options);
    let clone = built.clone();
    let anew = own(&clone).clone().build().unwrap();
    for other in [
        &clone,
        &anew,
        &O::make(Checked::new(options).unwrap()).unwrap(),
    ] {
        assert!(answers(other) == before, "{:?}", own(other));
    }
    drop(built);
    assert!(answers(&clone) == before);
    Some(())
}

#[test]
fn clones_and_what_is_built_of_the_same_options_answer_alike() {
    macro_rules! fixed {
        ($($options:ident => $built:ident),*) => {
            [$(assert_fixed($options::default(), $built::options)),*].len()
        };
    }
    macro_rules! equations {
        ($($equation:ident),*) => {
            [$(assert_fixed(OdeOptions::<$equation>::default(), |ode| ode.options())),*].len()
        };
    }
    let count = fixed!(
        ScalingOptions => Scaling, SquareOptions => Square, ExpOptions => Exp, SineOptions => Sine,
        HeatOptions => Heat, PoissonOptions => Poisson, LaplaceOptions => Laplace,
        OscillatorsOptions => Oscillators, WaveOptions => Wave, AdvectionOptions => Advection,
        BurgersOptions => Burgers, ReactionDiffusionOptions => ReactionDiffusion,
        KuramotoSivashinskyOptions => KuramotoSivashinsky, SchroedingerOptions => Schroedinger,
        ShawOptions => Shaw, PhillipsOptions => Phillips, GravityOptions => Gravity,
        Deriv2Options => Deriv2, VolterraOptions => Volterra, FormulaOptions => Formula
    );
    let flow = FluidOptions::default().with_shape([12, 12]).with_steps(3);
    let fluid = [assert_fixed(flow, Fluid::options)].len();
    let equations = equations!(LotkaVolterra, Lorenz, Pendulum, Sir, FitzHughNagumo);
    assert_eq!(count + fluid + equations, SIMULATORS.entries.len());
}

#[test]
fn what_the_command_line_refuses_is_refused_in_rust() {
    fn refused<O: Build>(options: O, start: &str) {
        let Err(error) = options.build() else {
            panic!("'{start}' is built");
        };
        assert!(error.to_string().starts_with(start), "{error}");
    }
    refused(HeatOptions::default().with_shape([]), "shape = []");
    refused(
        PoissonOptions::default().with_shape([4, 0]),
        "shape = [4, 0]",
    );
    refused(LaplaceOptions::default().with_cell(0.0), "cell = 0");
    refused(ExpOptions::default().with_size(0), "size = 0");
    refused(WaveOptions::default().with_steps(0), "steps = 0");
    refused(
        BurgersOptions::default().with_observe_steps([3, 3]),
        "observe = [3, 3]",
    );
    refused(
        OscillatorsOptions::default().with_initial([f64::NAN; 4]),
        "initial",
    );
    refused(SchroedingerOptions::default().with_level(15), "level = 15");
    // Refused by its size, before anything is made.
    let huge = ShawOptions::default().with_size(40_000_000);
    assert!(huge.validate().is_ok());
    refused(huge, "ShawOptions");
}
