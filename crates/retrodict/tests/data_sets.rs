//! Several data sets with shared and local parameters, against the textbook's regression of parallel lines.

use retrodict::registry::Registry;
use retrodict::spec::{InversionSpec, NoFiles, Origin, Posed};
use retrodict::uncertainty::criteria::InformationCriteria;
use retrodict::uncertainty::statistics::{Noise, Statistics};

/// Two lines of one slope and two intercepts.
const T: [[f64; 4]; 2] = [[0.0, 1.0, 2.0, 4.0], [1.0, 2.0, 3.0, 5.0]];
const Y: [[f64; 4]; 2] = [[1.1, 2.9, 5.2, 8.8], [-0.9, 1.2, 2.8, 7.1]];

/// `intercept` is a parameter of each data set; what else is said stands in front and in each of them.
fn lines(top: &str, north: &str, south: &str) -> String {
    format!(
        "simulator = {{ name = 'formula', formula = 'intercept + slope * t' }}
         {top}
         [[observation]]
         name = 'north'
         target = {:?}
         simulator = {{ times = {:?} }}
         {north}
         [[observation]]
         name = 'south'
         target = {:?}
         simulator.times = {:?}
         {south}
         [[parameter]]
         name = 'slope'
         start = 1.0
         [[parameter]]
         name = 'intercept'
         scope = 'each'
         start = 0.0
        ",
        Y[0], T[0], Y[1], T[1]
    )
}

fn posed(text: &str) -> Posed {
    let spec = InversionSpec::from_toml("lines.toml", text).unwrap();
    // What is written is read again.
    let written = spec.to_toml().unwrap();
    let again = InversionSpec::from_toml("again", &written).unwrap();
    assert_eq!(again.to_toml().unwrap(), written);
    let posed = spec.pose(Registry::standard(), &NoFiles);
    posed.unwrap_or_else(|error| panic!("{error}"))
}

fn message(text: &str) -> String {
    let spec = InversionSpec::from_toml("lines.toml", text);
    let posed = spec.and_then(|spec| spec.pose(Registry::standard(), &NoFiles));
    let error = posed.err().unwrap();
    Origin::new::<InversionSpec>("lines.toml", text)
        .locate(error)
        .to_string()
}

/// The fit: names, values, and the statistics there.
fn fitted(posed: &Posed) -> (Vec<String>, Vec<f64>, Statistics) {
    let field = &posed.fields[0];
    let found = posed
        .solver()
        .unwrap()
        .solve(&field.problem, &field.starts[0])
        .unwrap();
    assert!(found.status.converged(), "{}", found.status);
    let parameters = posed.parameters.as_ref().unwrap();
    let names = parameters.free().map(|p| p.name.clone()).collect();
    let statistics = Statistics::with(&field.problem, &found.x, Noise::of(&field.problem)).unwrap();
    (names, found.x, statistics)
}

/// Σ (t − t̄)², Σ (t − t̄)(y − ȳ), t̄ and ȳ of a data set.
fn sums(i: usize) -> (f64, f64, f64, f64) {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / 4.0;
    let (t, y) = (mean(&T[i]), mean(&Y[i]));
    let pairs = || T[i].iter().zip(&Y[i]);
    let xx = pairs().map(|(a, _)| (a - t).powi(2)).sum();
    let xy = pairs().map(|(a, b)| (a - t) * (b - y)).sum();
    (xx, xy, t, y)
}

/// The slope and the intercepts where data set i counts with 1/σᵢ².
fn parallel(sigma: [f64; 2]) -> [f64; 3] {
    let weighed = |of: fn((f64, f64, f64, f64)) -> f64| -> f64 {
        (0..2).map(|i| of(sums(i)) / sigma[i].powi(2)).sum()
    };
    let slope = weighed(|sums| sums.1) / weighed(|sums| sums.0);
    let intercept = |i| sums(i).3 - slope * sums(i).2;
    [slope, intercept(0), intercept(1)]
}

fn squares(i: usize, [slope, north, south]: [f64; 3]) -> f64 {
    let intercept = [north, south][i];
    let pairs = T[i].iter().zip(&Y[i]);
    pairs
        .map(|(t, y)| (y - intercept - slope * t).powi(2))
        .sum()
}

fn near(found: &[f64], expected: &[f64], share: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= share * expected.abs().max(1.0),
            "{found} is not {expected}"
        );
    }
}

/// By name, since their order is that of their appearance.
fn ordered(names: &[String], values: &[f64]) -> Vec<f64> {
    let value = |name| values[names.iter().position(|own| own == name).unwrap()];
    ["slope", "north.intercept", "south.intercept"]
        .map(value)
        .to_vec()
}

#[test]
fn parallel_lines_are_those_of_the_textbook() {
    let (names, x, found) = fitted(&posed(&lines("", "", "")));
    let expected = parallel([1.0, 1.0]);
    near(&ordered(&names, &x), &expected, 1e-9);
    // One level of noise for all: s² = RSS/(n − 3), and the slope's variance is s²/Σ(t − t̄)².
    let variance = (squares(0, expected) + squares(1, expected)) / 5.0;
    assert_eq!(
        (found.noise, found.degrees_of_freedom, found.rank),
        (Noise::Estimated, 5, 3)
    );
    let slope = names.iter().position(|name| name == "slope").unwrap();
    near(
        &[found.deviations[slope]],
        &[(variance / (sums(0).0 + sums(1).0)).sqrt()],
        1e-9,
    );
    // One level is estimated, not two.
    let posed = posed(&lines("", "", ""));
    let criteria = InformationCriteria::of(&posed.fields[0].problem, &x)
        .unwrap()
        .unwrap();
    assert_eq!(
        (criteria.parameters, criteria.estimated, criteria.data),
        (4, 1, 8)
    );
    let level: f64 = (squares(0, expected) + squares(1, expected)) / 8.0;
    let expected = -4.0 * ((2.0 * std::f64::consts::PI * level).ln() + 1.0);
    near(&[criteria.log_likelihood], &[expected], 1e-9);
}

#[test]
fn a_data_set_counts_by_its_own_noise_level() {
    let sigma = [0.1, 0.4];
    let (names, x, found) = fitted(&posed(&lines(
        "noise.std = 0.1",
        "",
        "noise = { std = 0.4 }",
    )));
    let expected = parallel(sigma);
    near(&ordered(&names, &x), &expected, 1e-9);
    let slope = names.iter().position(|name| name == "slope").unwrap();
    let information = sums(0).0 / sigma[0].powi(2) + sums(1).0 / sigma[1].powi(2);
    near(&[found.deviations[slope]], &[information.powf(-0.5)], 1e-9);
    let chi_squared = squares(0, expected) / 0.01 + squares(1, expected) / 0.16;
    assert_eq!(found.noise, Noise::Known);
    near(&[found.chi_squared.unwrap()], &[chi_squared], 1e-9);
}

#[test]
fn noise_levels_are_fitted_of_each_data_set_or_of_all() {
    // Where each has its own, σᵢ² = RSSᵢ/nᵢ at the optimum that weighs by it.
    let each = lines(
        "noise.parameter = 'sigma'\n[[parameter]]\nname = 'sigma'\nscope = 'each'",
        "",
        "",
    );
    let (names, x, found) = fitted(&posed(&each));
    let value = |name: &str| x[names.iter().position(|own| own == name).unwrap()];
    let sigma = [value("north.sigma"), value("south.sigma")];
    let expected = parallel(sigma);
    near(&ordered(&names, &x), &expected, 1e-6);
    for (i, sigma) in sigma.iter().enumerate() {
        near(&[*sigma], &[(squares(i, expected) / 4.0).sqrt()], 1e-6);
    }
    assert_eq!((found.noise, found.residuals.len()), (Noise::Fitted, 8));
    // What is left of the data of the second set stands behind those of the first.
    let rest = Y[1][0] - value("south.intercept") - value("slope") * T[1][0];
    near(&[found.residuals[4]], &[rest], 1e-12);
    // One level for all is that of all residuals.
    let (names, x, _) = fitted(&posed(&lines("noise.parameter = 'sigma'", "", "")));
    let expected = parallel([1.0, 1.0]);
    near(&ordered(&names, &x), &expected, 1e-6);
    let sigma = x[names.iter().position(|own| own == "sigma").unwrap()];
    let all = (squares(0, expected) + squares(1, expected)) / 8.0;
    near(&[sigma], &[all.sqrt()], 1e-6);
    // A level that is known beside one that is fitted.
    let mixed = lines(
        "",
        "noise = { std = 0.1 }",
        "noise = { parameter = 'sigma' }",
    );
    let (names, x, found) = fitted(&posed(&mixed));
    let sigma = x[names.iter().position(|own| own == "sigma").unwrap()];
    near(&ordered(&names, &x), &parallel([0.1, sigma]), 1e-6);
    assert_eq!(found.noise, Noise::Fitted);
}

#[test]
fn the_order_of_data_sets_and_values_that_are_missing_change_no_more_than_they_should() {
    let sets = |first: usize, second: usize, y: [String; 2]| {
        let name = ["north", "south"];
        let one = |i: usize| {
            format!(
                "[[observation]]\nname = '{}'\ntarget = {}\nsimulator = {{ name = 'formula', formula = 'intercept + slope * t', times = {:?} }}\n",
                name[i], y[i], T[i]
            )
        };
        let missing = y.iter().any(|y| y.contains("nan"));
        format!(
            "noise = {{ missing = {missing} }}\n{}{}[[parameter]]\nname = 'intercept'\nscope = 'each'\n",
            one(first),
            one(second)
        )
    };
    let y = Y.map(|y| format!("{y:?}"));
    let (names, x, _) = fitted(&posed(&sets(0, 1, y.clone())));
    let (other, again, _) = fitted(&posed(&sets(1, 0, y.clone())));
    near(&ordered(&names, &x), &ordered(&other, &again), 1e-12);
    // A value that was not observed is as one that is not there.
    let gap = ["[1.1, nan, 5.2, 8.8]".to_owned(), y[1].clone()];
    let (_, with_gap, found) = fitted(&posed(&sets(0, 1, gap)));
    assert_eq!(found.residuals.len(), 7);
    let posed = posed(&sets(
        0,
        1,
        ["[1.1, nan, 5.2, 8.8]".to_owned(), y[1].clone()],
    ));
    let rows: Vec<_> = posed.observations.iter().map(|o| o.rows.clone()).collect();
    assert_eq!(rows, [0..3, 3..7]);
    assert!((with_gap[0] - x[0]).abs() > 1e-3);
}

#[test]
fn a_tie_means_the_parameter_of_its_own_data_set() {
    let text = lines(
        "[[parameter]]\nname = 'slope'\nscope = 'south'\ntied = '2 * intercept'",
        "",
        "",
    );
    let posed = posed(&text);
    let parameters = posed.parameters.unwrap();
    let names = parameters.names();
    let free: Vec<f64> = parameters
        .free()
        .map(|p| {
            if p.name == "south.intercept" {
                3.0
            } else {
                0.5
            }
        })
        .collect();
    let values = parameters.values(&free);
    let at = |name: &str| values[names.iter().position(|own| own == name).unwrap()];
    assert_eq!(at("south.slope"), 6.0);
    assert_eq!(parameters.unknowns(), 3);
}

#[test]
fn what_cannot_be_is_said_of_its_data_set() {
    let cases = [
        (lines("target = [1.0]", "", ""), "each [[observation]] has a target of its own"),
        (lines("", "", "").replace("'south'", "'north'"), "data set 'north' is given more than once"),
        (lines("", "noise = { std = 0.1 }", ""), "the noise level of 'north' is known, and that of 'south' is not"),
        (lines("", "noise = { std = -0.1 }", "noise = { std = 0.1 }"), "observation 'north'"),
        (lines("", "", "").replace("scope = 'each'", "scope = 'nort'"), "did you mean 'north'"),
        (lines("", "", "").replace("scope = 'each'", "scope = 'north'").replace("'intercept'", "'intercpt'"), "did you mean 'intercept'"),
        (lines("prior = [{ name = 'tikhonov', weight = 1.0 }]", "", ""), "give each parameter a prior"),
        (lines("", "", "").replace("'north'", "'each'"), "not each"),
        (lines("", "", "").replace("simulator = { name = 'formula', formula = 'intercept + slope * t' }", ""), "name one in it"),
        ("simulator = 'sine'\ntarget = [1.0, 1.0]\n[[parameter]]\nname = 'x[0]'\nscope = 'north'".to_owned(), "there are no data sets"),
    ];
    for (text, expected) in cases {
        let message = message(&text);
        assert!(
            message.contains(expected),
            "{message}\nshould say: {expected}"
        );
        assert!(message.starts_with("lines.toml, line "), "{message}");
    }
}
