//! Trainings as data: what is described is what is run, and what is wrong is told with its place.

use retrodict::registry::Registry;
use retrodict::spec::{
    DataSpec, DrawSpec, FileArray, Files, NoFiles, Origin, Override, Training, TrainingMethodSpec,
    TrainingSpec, changed,
};
use retrodict::{Error, Result, Simulator};
use std::sync::Arc;

const TEXT: &str = r#"
simulator = { name = "exp", size = 1 }
network = { name = "mlp", hidden = [10] }

[until]
epochs = 3

[data]
draw = { kind = "uniform", low = -1.0, high = 1.0 }
train = 64
test = 16

[[method]]
name = "hig"
strategy = "end-to-end"
rule = { name = "half-inverse", learning_rate = 1.0 }
batch = 16

[[method]]
name = "adam"
strategy = { name = "end-to-end" }
rule = "adam"
batch = 8
until = { seconds = 90.0 }
"#;

fn spec() -> TrainingSpec {
    TrainingSpec::from_toml("my.toml", TEXT).unwrap()
}

fn build(spec: &TrainingSpec, method: &str) -> Result<Training> {
    spec.build(spec.method(method)?, 0, Registry::standard(), &NoFiles)
}

fn theta(training: &mut Training) -> Vec<f64> {
    training.train().unwrap().checkpoint.theta
}

fn set(changes: &[&str]) -> Result<TrainingSpec> {
    let changes = changes.iter().map(|text| Override::parse(text));
    let changes: Vec<Override> = changes.collect::<Result<_>>()?;
    changed(spec(), &changes, Registry::standard())
}

#[test]
fn a_training_comes_back_from_its_text_with_the_words_of_today() {
    let spec = spec();
    let text = spec.to_toml().unwrap();
    assert!(
        text.contains("[stop]") && text.contains("time = 90"),
        "{text}"
    );
    assert!(
        !text.contains("until") && !text.contains("seconds"),
        "{text}"
    );
    assert_eq!(TrainingSpec::from_toml("again", &text).unwrap(), spec);
    let own = spec.stop_of(&spec.methods[1]);
    assert_eq!((own.epochs, own.time.unwrap().as_secs()), (None, 90));
    assert_eq!(spec.stop_of(&spec.methods[0]).epochs, Some(3));
}

#[test]
fn a_method_may_take_another_search() {
    // Whole steps of that length lead far up; the search shortens them.
    let long = [
        "adam.rule=gradient-descent",
        "adam.learning_rate=100.0",
        "adam.stop.epochs=4",
    ];
    let learn = |changes: &[&str]| {
        let set = set(&[&long[..], changes].concat())?;
        build(&set, "adam").map(|mut training| training.train().unwrap().checkpoint)
    };
    let strict = ["adam.search=backtracking", "adam.search.decrease=0.9"];
    let searched = learn(&strict).unwrap();
    assert!(searched.best_loss < 0.5 * searched.epochs[0].loss());
    assert!(searched.best_loss < 0.5 * learn(&[]).unwrap().best_loss);
    let lax = learn(&["adam.search=backtracking"]).unwrap();
    assert_ne!(lax.theta, searched.theta);
    for (change, hint) in [
        (
            "adam.search=nowhere",
            "method 'adam': unknown search 'nowhere'",
        ),
        (
            "adam.rule=lm",
            "method 'adam': search = backtracking is not allowed",
        ),
    ] {
        let message = learn(&["adam.search=backtracking", change]).unwrap_err();
        assert!(message.to_string().contains(hint), "{message}");
    }
}

#[test]
fn built_in_rust_or_read_from_text_it_learns_the_same() {
    let draw = DrawSpec::Uniform {
        low: -1.0,
        high: 1.0,
    };
    let data = DataSpec::new(draw, Some(64), 16);
    let exp = retrodict::spec::Named::new("exp").with("size", 1);
    let mlp = retrodict::spec::Named::new("mlp").with("hidden", vec![10]);
    let mut own = TrainingSpec::new(exp, mlp, data);
    own.stop.epochs = Some(3);
    let hig = retrodict::spec::Named::new("half-inverse").with("learning_rate", 1.0);
    own.methods = vec![TrainingMethodSpec::new("hig", "end-to-end", hig, 16)];
    let expected = theta(&mut build(&spec(), "hig").unwrap());
    assert_eq!(theta(&mut build(&own, "hig").unwrap()), expected);
    // With the simulator at hand, whatever the description names.
    let simulator: Arc<dyn Simulator> = Registry::standard()
        .simulator("exp")
        .unwrap()
        .build(&toml::Table::from_iter([("size".to_owned(), 1.into())]))
        .unwrap();
    own.simulator = "".into();
    let at_hand = own.build_with(
        simulator,
        &own.methods[0],
        0,
        Registry::standard(),
        &NoFiles,
    );
    assert_eq!(theta(&mut at_hand.unwrap()), expected);
}

#[test]
fn samples_are_read_from_arrays_or_through_a_door() {
    struct Door;
    impl Files for Door {
        fn read(&self, _: &str, _: &[usize], _: bool) -> Result<Vec<Vec<f64>>> {
            unreachable!("only archives are asked for")
        }
        fn arrays(&self, name: &str) -> Result<Vec<FileArray>> {
            let array = |name: &str, values: Vec<f64>| {
                FileArray::new(name.to_owned(), vec![values.len(), 1], values)
            };
            match name {
                "good.npz" => Ok(vec![array("x", x()), array("target", y())]),
                _ => Ok(vec![array("x", x()), array("y", y())]),
            }
        }
    }
    fn x() -> Vec<f64> {
        (0..48).map(|i| f64::from(i) / 24.0 - 1.0).collect()
    }
    fn y() -> Vec<f64> {
        x().into_iter().map(f64::exp).collect()
    }
    let mut spec = spec();
    let file = |path: &str| DrawSpec::File {
        path: path.to_owned(),
    };
    spec.data = DataSpec::new(file("good.npz"), Some(40), 8);
    let build = |spec: &TrainingSpec| spec.build(&spec.methods[0], 0, Registry::standard(), &Door);
    let expected = theta(&mut build(&spec).unwrap());
    let rows = |values: Vec<f64>| values.into_iter().map(|v| vec![v]).collect();
    spec.data.draw = DrawSpec::Arrays {
        target: rows(y()),
        x: rows(x()),
        input: Vec::new(),
    };
    // All that are not held out.
    spec.data.train = None;
    assert_eq!(theta(&mut build(&spec).unwrap()), expected);
    spec.data.draw = file("bad.npz");
    let message = build(&spec).err().unwrap().to_string();
    assert!(
        message.contains("method 'hig': bad.npz: it has no array 'target'")
            && message.contains("it contains x, y"),
        "{message}"
    );
    let without = spec.build(&spec.methods[0], 0, Registry::standard(), &NoFiles);
    let message = without.err().unwrap().to_string();
    assert!(message.contains("read without files"), "{message}");
    spec.data.draw = DrawSpec::Arrays {
        target: vec![vec![1.0], vec![2.0, 3.0]],
        x: Vec::new(),
        input: Vec::new(),
    };
    let message = build(&spec).err().unwrap().to_string();
    assert!(
        message.contains("row 1 has 2 values, but row 0 has 1"),
        "{message}"
    );
}

#[test]
fn changes_find_their_place_by_name_key_or_option() {
    // A key of the description by its former name, in its full name of today.
    let spec = set(&["until.seconds=5", "stop.loss=0.1"]).unwrap();
    assert_eq!(spec.stop.time.map(|time| time.as_secs()), Some(5));
    assert_eq!(spec.stop.loss_below, Some(0.1));
    // Options of what it names, alone or behind its key.
    let spec = set(&["hidden=[4]", "size=2", "network.activation=relu"]).unwrap();
    assert_eq!(spec.simulator.options["size"].as_integer(), Some(2));
    assert_eq!(spec.network.options.len(), 2);
    // Keys and options of one method, or keys of all.
    let spec = set(&[
        "adam.learning_rate=0.5",
        "hig.batch=4",
        "method.adam.clip=2.0",
    ])
    .unwrap();
    assert_eq!(
        spec.methods[1].rule.options["learning_rate"].as_float(),
        Some(0.5)
    );
    assert_eq!(
        (spec.methods[0].batch, spec.methods[1].clip),
        (4, Some(2.0))
    );
    let spec = set(&["batch=32", "kappa=0.25", "hig.rule.truncation=1e-3"]).unwrap();
    assert!(spec.methods.iter().all(|method| method.batch == 32));
    assert_eq!(spec.methods[0].rule.options["kappa"].as_float(), Some(0.25));
    assert_eq!(spec.methods[0].rule.options.len(), 3);
    let spec = set(&["adam.rule=newton", "data.draw={kind='boxes'}"]).unwrap();
    assert_eq!(spec.methods[1].rule, "newton".into());
    assert_eq!(spec.data.draw, DrawSpec::Boxes);
    for (wrong, hint) in [
        (
            "learning_rate=1",
            "'learning_rate' belongs to hig, adam; say which, as in hig.learning_rate",
        ),
        ("rule.kappa=1", "'rule' belongs to hig, adam; say which"),
        (
            "hig.kapa=1",
            "method 'hig': unknown key 'kapa' (did you mean 'kappa'?); known: ",
        ),
        ("hgi.batch=1", "unknown key 'hgi' (did you mean 'hig'?)"),
        ("hig=1", "'hig' is a method; write hig.KEY=VALUE"),
        (
            "method.hgi.batch=1",
            "unknown method 'hgi' (did you mean 'hig'?); known: hig, adam",
        ),
        ("network=3", "write a name, as in network=NAME"),
        ("stop=3", "what belongs to stop is set as stop.KEY=VALUE"),
        (
            "data.trian=3",
            "unknown key 'trian' (did you mean 'train'?)",
        ),
        ("batch=few", "expected a whole number of 0 or more"),
    ] {
        let message = set(&[wrong]).unwrap_err().to_string();
        assert!(
            message.starts_with(wrong) && message.contains(hint),
            "{message}"
        );
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line_or_its_change() {
    let origin = |changes: &[&str]| {
        let changes = changes.iter().map(|text| Override::parse(text).unwrap());
        Origin::new::<TrainingSpec>("my.toml", TEXT)
            .with_changes(changes.map(|change| change.given_by("--set")))
    };
    let told = |spec: &TrainingSpec, changes: &[&str]| {
        let error = build(spec, "hig").err().unwrap();
        assert!(error.is_misuse());
        origin(changes).locate(error).to_string()
    };
    let text = TEXT.replace("learning_rate = 1.0", "learning_rate = -1.0");
    let wrong = TrainingSpec::from_toml("my.toml", &text).unwrap();
    let line = 1 + TEXT
        .lines()
        .position(|line| line.contains("half-inverse"))
        .unwrap();
    assert_eq!(
        told(&wrong, &[]),
        format!(
            "my.toml, line {line}: method 'hig': learning_rate = -1 is not allowed: it must be greater than 0"
        )
    );
    let change = "hig.learning_rate=-1";
    let message = told(&set(&[change]).unwrap(), &[change]);
    assert!(
        message.starts_with("--set hig.learning_rate=-1: method 'hig': learning_rate = -1"),
        "{message}"
    );
    for (from, to, hint) in [
        (
            "\"half-inverse\"",
            "\"half-inverted\"",
            "did you mean 'half-inverse'",
        ),
        (
            "\"adam\"\nstrategy",
            "\"hig\"\nstrategy",
            "two methods are called 'hig'",
        ),
        (
            "[until]\nepochs = 3",
            "",
            "method 'hig': stop: it would never end",
        ),
        ("batch = 16", "batch = 100", "batch = 100 is not allowed"),
        (
            "train = 64",
            "train = 100000000",
            "at most 10000000 samples",
        ),
        ("train = 64\n", "", "data.train: say how many samples"),
        (
            "\"uniform\", low = -1.0, high = 1.0",
            "\"superpositions\", levels = [1]",
            "for the simulator schroedinger",
        ),
    ] {
        let text = TEXT.replacen(from, to, 1);
        assert_ne!(text, TEXT, "{from}");
        let spec = TrainingSpec::from_toml("my.toml", &text).unwrap();
        let message = told(&spec, &[]);
        assert!(message.contains(hint), "{message}");
    }
    let misspelt = TEXT.replace("train = 64", "trian = 64");
    let message = TrainingSpec::from_toml("my.toml", &misspelt).unwrap_err();
    assert!(
        matches!(&message, Error::Config { what, .. } if what == "my.toml, line 10"),
        "{message}"
    );
}
