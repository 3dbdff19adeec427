//! Series in time: each method's curve over the data.

use serde_json::json;

use super::curves::{Figure, axis, capital, layout};
use super::style::{colour, escape};
use crate::data::Array;
use crate::results::folder::{ProblemFacts, RunContents, SeriesFacts};

/// A figure for each quantity; nothing for problems whose y is no series.
pub fn section(
    contents: &RunContents,
    problem: &ProblemFacts,
    order: &[String],
    key: &str,
) -> (String, Vec<Figure>) {
    let data = contents.field(&format!("{}/data", problem.name));
    let (Some(series), Some(data)) = (&problem.series, data) else {
        return (String::new(), Vec::new());
    };
    let (plots, figures) = plots(contents, problem, (series, data), order, key);
    let html = format!(
        "<h3>Fit</h3>\n<p class=soft>Dots are the data, lines the simulation from each method's x.</p>\n<div \
         class=pair>\n{plots}</div>\n"
    );
    (html, figures)
}

/// The plots themselves, one for each quantity.
pub fn plots(
    contents: &RunContents,
    problem: &ProblemFacts,
    (series, data): (&SeriesFacts, &Array),
    order: &[String],
    key: &str,
) -> (String, Vec<Figure>) {
    let curves: Vec<(usize, &String, &Array)> = order
        .iter()
        .enumerate()
        .filter_map(|(i, method)| {
            let curve = contents.field(&format!("{}/{method}/curve", problem.name))?;
            Some((i, method, curve))
        })
        .collect();
    let mut html = String::new();
    let mut figures = Vec::new();
    for (c, (name, unit)) in series.columns.iter().enumerate() {
        let mut traces: Vec<_> = curves
            .iter()
            .map(|(i, method, curve)| {
                json!({ "type": "scatter", "mode": "lines", "name": method, "meta": method,
                        "x": series.fine, "y": column(curve, c),
                        "line": { "color": colour(*i), "width": 2 } })
            })
            .collect();
        // Last, and so above the lines.
        traces.push(json!({
            "type": "scatter", "mode": "markers", "name": "data", "x": series.times,
            "y": column(data, c), "marker": { "color": "#1c2430", "size": 7 },
        }));
        let id = format!("{key}-series-{c}");
        html.push_str(&format!("<div class=plot id=\"{id}\"></div>\n"));
        let x = axis(&format!("time [{}]", series.time_unit), false);
        let y = axis(&format!("{name} [{unit}]"), false);
        figures.push(Figure {
            id,
            data: traces,
            layout: layout(&escape(&capital(name)), x, y),
        });
    }
    (html, figures)
}

/// What is left between data and fit, over time: dots in a colour for each quantity.
pub fn rest(series: &SeriesFacts, rest: &Array, unit: &str, label: &str, id: &str) -> Figure {
    let columns = series.columns.iter().enumerate();
    let traces = columns.map(|(c, (name, _))| {
        json!({ "type": "scatter", "mode": "markers", "name": name, "x": series.times,
                "y": rest.values.iter().skip(c).step_by(series.columns.len()).collect::<Vec<_>>(),
                "marker": { "color": colour(c + 1), "size": 7 } })
    });
    let mut layout = layout(
        &escape(&format!("{label}: data − fit")),
        axis(&format!("time [{}]", series.time_unit), false),
        axis(&format!("data − fit [{unit}]"), false),
    );
    layout["yaxis"]["zeroline"] = true.into();
    layout["showlegend"] = (series.columns.len() > 1).into();
    Figure {
        id: id.to_owned(),
        data: traces.collect(),
        layout,
    }
}

fn column(array: &Array, c: usize) -> Vec<f64> {
    let width = array.shape.last().copied().unwrap_or(1).max(1);
    array
        .values
        .iter()
        .skip(c)
        .step_by(width)
        .copied()
        .collect()
}
