//! Shapes that fit and that do not, and columns by their names.

#![allow(clippy::unwrap_used)]

use super::*;

fn table(height: usize, columns: &[&str]) -> Array {
    let count = height * columns.len();
    Array {
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        ..Array::new(
            vec![height, columns.len()],
            (0..count).map(|v| v as f64).collect(),
        )
    }
}

fn array(shape: &[usize]) -> Array {
    Array::new(shape.to_vec(), vec![0.5; shape.iter().product()])
}

#[test]
fn a_shape_fits_whole_or_behind_axes_that_count_fields() {
    for (data, field, count) in [
        (array(&[11]), &[11][..], 1),
        (array(&[2, 11]), &[11], 2),
        (array(&[3, 2, 11]), &[11], 6),
        (array(&[1, 11, 1]), &[11], 1),
        (array(&[4, 4]), &[4, 4], 1),
        (array(&[16]), &[4, 4], 1),
        (array(&[3, 16]), &[4, 4], 3),
        (array(&[3, 4, 4]), &[4, 4], 3),
        (array(&[4, 4]), &[16], 1),
        (array(&[5]), &[1], 5),
        (table(2, &["", "", ""]), &[3], 2),
        (table(7, &["prey", "predators"]), &[7, 2], 1),
    ] {
        let found = split(&data, field, "y").unwrap();
        assert_eq!(found.len(), count, "{data:?} {field:?}");
    }
    for (data, field, part) in [
        (
            array(&[11, 2]),
            &[11][..],
            "the shape [11, 2], which does not fit the 11 values",
        ),
        (array(&[22]), &[11], "as in the shape [2, 11]"),
        (array(&[2, 7]), &[7, 2], "transpose"),
        (array(&[8, 2]), &[4, 4], "transpose or reshape"),
        (array(&[3]), &[2], "set its shape or size"),
        (array(&[0]), &[2], "[0]"),
        (
            table(11, &["time", "y"]),
            &[11],
            "select one of its 2 columns (time, y), as y.csv:y",
        ),
        (
            table(11, &["", ""]),
            &[11],
            "as y.csv:2; if its commas are decimal commas",
        ),
        (table(11, &["", ""]), &[22], "select one"),
        (table(5, &["t", "y"]), &[1], "select one"),
        (table(2, &["time", "y"]), &[2], "as y.csv:y"),
        (
            table(3, &["y", "sigma"]),
            &[3, 2],
            "as y.csv:y; standard deviations are given as --noise-std y.csv:sigma",
        ),
    ] {
        let message = split(&data, field, "y.csv").unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn columns_are_known_by_their_names() {
    for name in [
        "sigma",
        "σ",
        "y_err",
        "counts error (1/s)",
        "std",
        "dy",
        "Sigma [K]",
    ] {
        assert!(is_deviation(name) && !is_time(name), "{name}");
    }
    for name in ["t", "Time [s]", "time_s", "times"] {
        assert!(is_time(name) && !is_deviation(name), "{name}");
    }
    for name in ["counts", "temperature", "y (std units)", "terror", ""] {
        assert!(is_data(name), "{name}");
    }
    // What the user names is data, whatever it is called.
    let named = Array {
        selected: true,
        ..table(3, &["t", "sigma"])
    };
    assert_eq!(split(&named, &[3, 2], "y.csv").unwrap().len(), 1);
    assert_eq!(shell("a b.csv:y"), "'a b.csv:y'");
    assert_eq!(shell("a.csv:t"), "a.csv:t");
}

#[test]
fn a_column_of_times_goes_to_the_simulator() {
    let mut data = table(3, &["Time [years]", "prey", "predators"]);
    let mut options = toml::Table::new();
    let said = take_times("lotka-volterra", &mut options, &mut data, "p.csv").unwrap();
    assert!(said.unwrap().contains("'Time [years]' of p.csv"));
    assert_eq!(options["times"].as_array().unwrap().len(), 3);
    assert_eq!((&data.shape[..], data.columns.len()), (&[3, 2][..], 2));
    assert_eq!(data.values, [1.0, 2.0, 4.0, 5.0, 7.0, 8.0]);
    let mut single = table(3, &["t", "angle"]);
    let mut options = toml::Table::new();
    take_times("pendulum", &mut options, &mut single, "p.csv").unwrap();
    assert_eq!(
        (&single.shape[..], &single.values[..]),
        (&[3][..], &[1.0, 3.0, 5.0][..])
    );
    assert!(single.columns.is_empty());
    // Others have no times, and other times are a contradiction.
    let mut heat = table(3, &["t", "y"]);
    let none = take_times("heat", &mut toml::Table::new(), &mut heat, "p.csv");
    assert!(none.unwrap().is_none() && heat.columns.len() == 2);
    let mut options: toml::Table = "times = [0.0, 2.0, 5.0]".parse().unwrap();
    let mut other = table(3, &["t", "angle"]);
    let message = take_times("pendulum", &mut options, &mut other, "p.csv");
    let message = message.unwrap_err().to_string();
    assert!(message.contains("gives other times"), "{message}");
    let message = fit_shape(
        "heat",
        &mut toml::Table::new(),
        &table(3, &["x", "y"]),
        "p.csv",
    );
    let message = message.unwrap_err().to_string();
    assert!(message.contains("as p.csv:y"), "{message}");
}
