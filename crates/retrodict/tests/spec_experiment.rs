//! Experiments as data, and that changes reach every key of every description.

use retrodict::options::keys;
use retrodict::registry::Registry;
use retrodict::spec::{
    ErrorNorm, ExperimentMethodSpec, ExperimentSpec, InversionSpec, NoFiles, Override, ProblemSpec,
    Race, changed, set,
};
use retrodict::{Result, StatusKind};

const TEXT: &str = r#"
seed = 3

[[problem]]
name = "angles"
simulator = { name = "sine", xi = 8.0 }
truth = { kind = "values", values = [0.4, -0.2], count = 3 }
start = { kind = "near", radius = 0.1 }

[[problem]]
name = "squares"
simulator = "square"
truth = { kind = "values", values = [1.0, 2.0] }
start = { kind = "values", values = [0.5, 1.5] }
noise = 0.01
error = "rms"

[[method]]
name = "lm"
rule = "levenberg-marquardt"
steps = 20
loss_below = 1e-20

[[method]]
name = "descent"
rule = { name = "gradient-descent", learning_rate = 0.01 }
stop = { steps = 5, gradient = 1e-3 }
problems = ["squares"]
"#;

fn spec() -> ExperimentSpec {
    ExperimentSpec::from_toml("my.toml", TEXT).unwrap()
}

fn races(spec: &ExperimentSpec, chosen: &[&str]) -> Result<Vec<Race>> {
    let chosen: Vec<String> = chosen.iter().map(|name| (*name).to_owned()).collect();
    spec.races(&chosen, Registry::standard(), &NoFiles)
}

fn with(changes: &[&str]) -> Result<ExperimentSpec> {
    let changes = changes.iter().map(|text| Override::parse(text));
    let changes: Vec<Override> = changes.collect::<Result<_>>()?;
    changed(spec(), &changes, Registry::standard())
}

#[test]
fn a_rust_user_runs_an_experiment_from_its_description() {
    let spec = spec();
    let text = spec.to_toml().unwrap();
    assert_eq!(ExperimentSpec::from_toml("again", &text).unwrap(), spec);
    let races = races(&spec, &[]).unwrap();
    let entrants: Vec<usize> = races.iter().map(|race| race.entrants.len()).collect();
    assert_eq!(entrants, [1, 2]);
    assert_eq!(races[1].problem.norm(), ErrorNorm::Rms);
    let (problem, entrant) = (&races[0].problem, &races[0].entrants[0]);
    assert_eq!(problem.truths.len(), 3);
    let mut found = Vec::new();
    for (i, start) in problem.starts.iter().enumerate() {
        let posed = problem.problem(i, &entrant.simulators[i]).unwrap();
        let solution = entrant.solver(None).unwrap().solve(&posed, start).unwrap();
        assert_eq!(solution.status.kind(), StatusKind::Converged);
        found.push(solution.x);
    }
    assert!(problem.error(found.iter().map(Vec::as_slice)).unwrap() < 1e-6);
    let stop = spec.methods[1].stop();
    assert_eq!((stop.steps, stop.gradient_below), (5, Some(1e-3)));
    assert_eq!(spec.methods[0].stop().loss_below, Some(1e-20));
}

#[test]
fn methods_are_chosen_by_their_name_or_rule() {
    let spec = spec();
    let chosen = races(&spec, &["gd"]).unwrap();
    assert_eq!(chosen.len(), 1);
    assert_eq!(chosen[0].entrants[0].spec.name, "descent");
    for (wrong, hint) in [
        (races(&spec, &["newton"]), "unknown method 'newton'"),
        (
            races(&with(&["descent.problems=['angels']"]).unwrap(), &[]),
            "method 'descent': unknown problem 'angels' (did you mean 'angles'?)",
        ),
        (
            races(&with(&["squares.truth.values=[1.0]"]).unwrap(), &[]),
            "problem 'squares': truth: the truth has 1 values",
        ),
        (
            races(&with(&["lm.stop.plateau=2.0"]).unwrap(), &[]),
            "method 'lm': plateau = 2 is not allowed",
        ),
        (
            races(
                &with(&["angles.truth={kind='boxes',count=100000000000000}"]).unwrap(),
                &[],
            ),
            "problem 'angles': truth",
        ),
    ] {
        let message = wrong.err().unwrap().to_string();
        assert!(message.contains(hint), "{message}");
    }
}

#[test]
fn stops_of_a_method_may_be_said_as_everywhere() {
    let spec = with(&["stop.steps=7", "lm.stop.time=2s", "descent.stop.loss=0.5"]).unwrap();
    assert!(spec.methods.iter().all(|method| method.stop.steps == 7));
    // What stands beside it counts before.
    assert_eq!(spec.methods[0].stop().steps, 20);
    assert_eq!(spec.methods[0].stop.time.map(|t| t.as_secs()), Some(2));
    assert_eq!(spec.methods[1].stop().loss_below, Some(0.5));
}

/// A new key of a struct is reached without another file.
#[test]
fn changes_reach_every_key() {
    let registry = Registry::standard();
    let reached = |set: &dyn Fn(&Override) -> Result<()>, text: String| {
        let change = Override::parse(&text).unwrap();
        set(&change).unwrap_or_else(|error| panic!("{text}: {error}"));
    };
    let inversion = InversionSpec::new("heat", Vec::new()).to_toml().unwrap();
    let inversion: toml::Table = inversion.parse().unwrap();
    for key in keys::<InversionSpec>() {
        let text = match *key {
            "prior" | "parameter" | "derived" | "observation" => continue,
            "start" | "noise" | "bounds" | "stop" | "posterior" => format!("{key}.some=1"),
            _ => format!("{key}=some"),
        };
        let set =
            |change: &Override| set::<InversionSpec>(&mut inversion.clone(), change, registry);
        reached(&set, text);
    }
    let experiment: toml::Table = spec().to_toml().unwrap().parse().unwrap();
    let set = |change: &Override| set::<ExperimentSpec>(&mut experiment.clone(), change, registry);
    for (entry, keys) in [
        ("angles", keys::<ProblemSpec>()),
        ("lm", keys::<ExperimentMethodSpec>()),
    ] {
        for key in keys.iter().filter(|key| !["name", "expect"].contains(key)) {
            let inner = if *key == "stop" { ".some" } else { "" };
            reached(&set, format!("{entry}.{key}{inner}=some"));
        }
    }
    assert!(set(&Override::parse("lm.name=other").unwrap()).is_err());
}

#[test]
fn a_method_may_take_another_search() {
    let searched = with(&["lm.search=nowhere"]).unwrap();
    let message = races(&searched, &[]).err().unwrap().to_string();
    assert!(
        message.starts_with("method 'lm': unknown search 'nowhere'"),
        "{message}"
    );
    let searched = with(&["descent.search=backtracking", "descent.learning_rate=1.0"]).unwrap();
    let races = races(&searched, &["descent"]).unwrap();
    let problem = &races[0].problem;
    let entrant = &races[0].entrants[0];
    let posed = problem.problem(0, &entrant.simulators[0]).unwrap();
    let start = &problem.starts[0];
    let own = entrant.solver(None).unwrap().solve(&posed, start).unwrap();
    let plain = entrant.make_rule().unwrap();
    let plain = retrodict::Solver::new(plain, entrant.spec.stop());
    let plain = plain.solve(&posed, start).unwrap();
    // Steps of that length lead up; the search shortens them.
    assert!(own.loss < 0.5 * plain.loss, "{} {}", own.loss, plain.loss);
}
