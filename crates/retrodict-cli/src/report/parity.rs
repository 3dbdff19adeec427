//! Predicted against true, value by value, for held-out samples: what lies on the diagonal is right.

use serde_json::json;

use super::curves::{Figure, axis, layout};
use super::style::colour;
use crate::data::Array;
use crate::training::Contents;

/// Points of a method in a plot.
const MOST: usize = 1500;

/// What the plots show.
pub const SENTENCE: &str = "Each dot is one value of a held-out sample: the network's against the true one. What lies on \
     the dotted line is right.";

/// Of x where the true x* is known, and of y.
pub fn figures(contents: &Contents) -> Vec<Figure> {
    let of = [
        ("x", "label", "true value of x*", "predicted value of x"),
        ("y", "target", "value of y*", "value of y = P(x)"),
    ];
    let figures = of
        .into_iter()
        .filter_map(|(key, wanted, true_axis, found_axis)| {
            let wanted = contents.field(wanted)?;
            figure(contents, key, wanted, (true_axis, found_axis))
        });
    figures.collect()
}

fn figure(contents: &Contents, key: &str, wanted: &Array, axes: (&str, &str)) -> Option<Figure> {
    // Every so manieth value, so that all samples and all places take part: a stride without a factor of the length.
    let length = wanted.values.len();
    let sample = length / wanted.shape.first().copied().unwrap_or(1).max(1);
    let mut stride = length.div_ceil(MOST).max(1);
    while stride > 1 && common(stride, sample) > 1 {
        stride += 1;
    }
    let some = |values: &[f64]| -> Vec<f64> { values.iter().step_by(stride).copied().collect() };
    let truth = some(&wanted.values);
    let ends = truth.iter().filter(|v| v.is_finite());
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
        (l.min(*v), h.max(*v))
    });
    if low > high {
        return None;
    }
    let mut data: Vec<_> = contents
        .manifest
        .methods
        .iter()
        .enumerate()
        .filter_map(|(i, method)| {
            let found = contents.field(&format!("{method}/{key}"))?;
            (found.values.len() == length).then(|| {
                json!({
                    "type": "scatter", "mode": "markers", "name": method, "meta": method, "x": truth,
                    "y": some(&found.values), "opacity": 0.5, "marker": { "color": colour(i), "size": 4 },
                })
            })
        })
        .collect();
    if data.is_empty() {
        return None;
    }
    data.push(json!({
        "type": "scatter", "mode": "lines", "x": [low, high], "y": [low, high], "hoverinfo": "skip",
        "line": { "color": "#1c2430", "width": 1, "dash": "dot" },
    }));
    Some(Figure {
        id: format!("parity-{key}"),
        data,
        layout: layout(
            &format!("{} against {}", key, if key == "x" { "x*" } else { "y*" }),
            axis(axes.0, false),
            axis(axes.1, false),
        ),
    })
}

/// The greatest common divisor.
fn common(a: usize, b: usize) -> usize {
    match b {
        0 => a,
        b => common(b, a % b),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn dots_come_from_all_places_of_a_sample() {
        let mut contents = Contents::default();
        contents.manifest.methods = vec!["hig".to_owned()];
        // Each sample holds 0, …, 23, and the network predicts twice as much.
        let values: Vec<f64> = (0..256 * 24).map(|i| (i % 24) as f64).collect();
        let twice = values.iter().map(|v| 2.0 * v).collect();
        contents.fields = vec![
            ("target".to_owned(), Array::new(vec![256, 24], values)),
            ("hig/y".to_owned(), Array::new(vec![256, 24], twice)),
        ];
        let all = figures(&contents);
        assert_eq!(all.len(), 1, "x* is not known");
        let (x, y) = (&all[0].data[0]["x"], &all[0].data[0]["y"]);
        let numbers = |v: &serde_json::Value| -> Vec<f64> {
            v.as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_f64().unwrap())
                .collect()
        };
        let (x, y) = (numbers(x), numbers(y));
        assert!(x.len() <= MOST && x.iter().zip(&y).all(|(x, y)| *y == 2.0 * x));
        for place in 0..24 {
            assert!(x.contains(&f64::from(place)), "{place} is not drawn");
        }
    }
}
