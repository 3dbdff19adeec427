//! Named parameters: fixed, tied, in their own units; derivatives of what is made of them.

use std::sync::Arc;

use retrodict::compose::parameters::{Parameter, Parameterised, Parameters, Role};
use retrodict::models::expression::Expression;
use retrodict::models::ode::OdeOptions;
use retrodict::options::Build;
use retrodict::simulators::{ExpOptions, HeatOptions, LotkaVolterra, SineOptions};
use retrodict::{Simulator, Transform, check};

fn tied(formula: &str) -> Role {
    Role::Tied(Expression::parse(formula).unwrap())
}

fn table(entries: &[(&str, Role)]) -> Parameters {
    let entry = |(name, role): &(&str, Role)| Parameter::new(*name).with_role(role.clone());
    Parameters::new(entries.iter().map(entry).collect()).unwrap()
}

fn predator_prey(transform: Transform) -> Arc<dyn Simulator> {
    let options = OdeOptions::<LotkaVolterra>::default().with_transform([transform]);
    Arc::new(options.build().unwrap())
}

fn names(simulator: &Arc<dyn Simulator>) -> Vec<String> {
    let own = simulator.describe().stands_for.unwrap();
    own.into_iter().map(|own| own.name).collect()
}

#[test]
fn what_is_made_of_parameters_passes_the_checks_of_a_simulator() {
    for transform in [Transform::None, Transform::Log, Transform::Bounds(0.0, 9.0)] {
        let simulator = predator_prey(transform);
        let names = names(&simulator);
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| names[i].as_str());
        let square = format!("{a}^2 * factor");
        let ratio = format!("{c} / {a}");
        for entries in [
            vec![
                (a, Role::Free),
                (b, Role::Free),
                (c, Role::Free),
                (d, Role::Free),
            ],
            vec![
                (a, Role::Free),
                (b, Role::Fixed(0.9)),
                (c, Role::Free),
                (d, Role::Fixed(1.1)),
            ],
            // Each needs the one below, and there is one that x does not know.
            vec![
                (d, tied(&ratio)),
                (c, tied(&square)),
                (a, Role::Free),
                (b, Role::Free),
                ("factor", Role::Free),
            ],
        ] {
            let table = table(&entries);
            let n = table.unknowns();
            let parameterised = Parameterised::new(simulator.clone(), table, &names).unwrap();
            let as_simulator: Arc<dyn Simulator> = Arc::new(parameterised);
            let p: Vec<f64> = (0..n).map(|i| 1.0 + 0.1 * i as f64).collect();
            for check in check::simulator(&as_simulator, &p, 6) {
                assert!(check.passed, "{transform:?} {entries:?}: {check:?}");
            }
        }
    }
    // With second derivatives of its own.
    let simulator: Arc<dyn Simulator> =
        Arc::new(ExpOptions::default().with_size(3).build().unwrap());
    let table = table(&[
        ("a", Role::Free),
        ("b", Role::Free),
        ("c", tied("sin(a) * b^2")),
    ]);
    let made = Parameterised::new(simulator, table, &["c", "a", "b"]).unwrap();
    let made: Arc<dyn Simulator> = Arc::new(made);
    assert!(made.second_order().is_some());
    for check in check::simulator(&made, &[0.4, -0.7], 6) {
        assert!(check.passed, "{check:?}");
    }
}

#[test]
fn parameters_are_in_their_own_units_whatever_x_holds() {
    let p = [0.9, 1.1, 1.2, 0.8];
    let mut expected = None;
    for transform in [
        Transform::None,
        Transform::Log,
        Transform::Log10,
        Transform::Scale(3.0),
    ] {
        let simulator = predator_prey(transform);
        let names = names(&simulator);
        let entries: Vec<(&str, Role)> = names.iter().map(|n| (n.as_str(), Role::Free)).collect();
        let made = Parameterised::new(simulator, table(&entries), &names).unwrap();
        let labels = made.describe().labels.unwrap();
        assert!(labels.iter().map(|(name, _)| name).eq(&names), "{labels:?}");
        let mut y = vec![0.0; made.output().len()];
        made.forward(&p, &mut y).unwrap();
        let expected = expected.get_or_insert_with(|| y.clone());
        let apart = y.iter().zip(&*expected).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f64::max) < 1e-12, "{transform:?}");
    }
    // Below 0 there is no logarithm, and the parameter is named.
    let simulator = predator_prey(Transform::Log);
    let names = names(&simulator);
    let entries: Vec<(&str, Role)> = names.iter().map(|n| (n.as_str(), Role::Free)).collect();
    let made = Parameterised::new(simulator, table(&entries), &names).unwrap();
    let mut y = vec![0.0; made.output().len()];
    let message = made
        .forward(&[0.9, -1.0, 1.0, 1.0], &mut y)
        .unwrap_err()
        .to_string();
    assert!(message.contains(&format!("{} = -1", names[1])), "{message}");
    assert!(message.contains("greater than 0"), "{message}");
}

#[test]
fn what_is_told_of_a_simulator_is_told_in_parameters() {
    let heat: Arc<dyn Simulator> = Arc::new(
        HeatOptions::default()
            .with_shape(vec![3])
            .with_nu_t(0.1)
            .build()
            .unwrap(),
    );
    let free = table(&[("a", Role::Free), ("b", Role::Free), ("c", Role::Free)]);
    let made = Parameterised::new(heat.clone(), free, &["a", "b", "c"]).unwrap();
    assert!(made.describe().linear && made.local_inverse().is_some());
    let affine = table(&[
        ("a", Role::Free),
        ("b", Role::Fixed(1.0)),
        ("c", tied("2 * a + b")),
    ]);
    let made = Parameterised::new(heat.clone(), affine, &["a", "b", "c"]).unwrap();
    assert!(made.describe().linear && made.local_inverse().is_none());
    let bent = table(&[("a", Role::Free), ("b", Role::Free), ("c", tied("a * b"))]);
    let made = Parameterised::new(heat, bent, &["a", "b", "c"]).unwrap();
    assert!(!made.describe().linear && made.second_order().is_some());
    let sine = SineOptions::default().build().unwrap();
    let n = sine.input().len();
    let fixed = table(&[("only", Role::Fixed(1.0))]);
    let message = Parameterised::new(sine, fixed, &vec!["only"; n])
        .err()
        .unwrap()
        .to_string();
    assert!(message.contains("at least one must be free"), "{message}");
}

#[test]
fn wrong_tables_are_refused() {
    let refused = |entries: &[(&str, Role)]| {
        let entry = |(name, role): &(&str, Role)| Parameter::new(*name).with_role(role.clone());
        let error = Parameters::new(entries.iter().map(entry).collect()).unwrap_err();
        error.to_string()
    };
    let circle = refused(&[
        ("a", tied("2 * b")),
        ("b", tied("c + 1")),
        ("c", tied("a")),
        ("d", tied("a")),
    ]);
    assert!(circle.contains("a → b → c → a"), "{circle}");
    assert!(circle.contains("parameter 'a'"), "{circle}");
    let own = refused(&[("a", tied("a + 1"))]);
    assert!(own.contains("a → a"), "{own}");
    let unknown = refused(&[("k_on", Role::Free), ("k_off", tied("2 * k_onn"))]);
    assert!(
        unknown.contains("unknown parameter 'k_onn' (did you mean 'k_on'?)"),
        "{unknown}"
    );
    assert!(unknown.contains("parameter 'k_off'"), "{unknown}");
    let twice = refused(&[("a", Role::Free), ("a", Role::Free)]);
    assert!(
        twice.contains("parameter 'a' is given more than once"),
        "{twice}"
    );
    let nan = refused(&[("a", Role::Fixed(f64::NAN))]);
    assert!(nan.contains("finite"), "{nan}");
    assert!(refused(&[(" ", Role::Free)]).contains("needs a name"));
}
