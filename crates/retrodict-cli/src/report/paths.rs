//! Paths of small problems over the contours of the loss, in x-space and in y-space.

use serde_json::{Value, json};

use super::curves::{Figure, axis, layout};
use super::style::colour;
use crate::results::folder::{ProblemFacts, RunContents};

/// The two figures, if the folder holds the contours of this problem.
pub fn section(
    contents: &RunContents,
    problem: &ProblemFacts,
    order: &[String],
    key: &str,
) -> (String, Vec<Figure>) {
    let figures: Vec<Figure> = [("x", &problem.x), ("y", &problem.y)]
        .into_iter()
        .filter_map(|(space, facts)| {
            let label = |i: usize| format!("{space}{} [{}]", ["₀", "₁"][i], facts.unit);
            let title = format!("Paths in {space}-space ({})", facts.name);
            figure(
                contents,
                problem,
                order,
                key,
                space,
                &title,
                [label(0), label(1)],
            )
        })
        .collect();
    if figures.is_empty() {
        return (String::new(), figures);
    }
    let plots: String = figures
        .iter()
        .map(|f| format!("<div class=\"plot tall\" id=\"{}\"></div>", f.id))
        .collect();
    let html = format!(
        "<h3>Paths</h3>\n<p class=soft>The loss as contours (logarithmic), the start as a circle, the truth as a \
         cross{}. In y-space the loss is simple, and an update that inverts the simulator moves in a straight line; \
         in x-space the same path is curved.</p>\n\
         <div class=pair>{plots}</div>\n",
        if problem.count > 1 {
            "; the first of the batch"
        } else {
            ""
        }
    );
    (html, figures)
}

fn figure(
    contents: &RunContents,
    problem: &ProblemFacts,
    order: &[String],
    key: &str,
    space: &str,
    title: &str,
    labels: [String; 2],
) -> Option<Figure> {
    let array = |what: &str| contents.field(&format!("{}/contours/{what}", problem.name));
    let loss = array(space)?;
    let (horizontal, vertical) = (
        array(&format!("{space}-axis-0"))?,
        array(&format!("{space}-axis-1"))?,
    );
    let (rows, columns) = (vertical.values.len(), horizontal.values.len());
    let smallest = loss
        .values
        .iter()
        .copied()
        .filter(|v| *v > 0.0)
        .fold(f64::INFINITY, f64::min);
    // The grid holds a value for each pair, the second axis running fastest.
    let z: Vec<Vec<Value>> = (0..rows)
        .map(|j| {
            (0..columns)
                .map(|i| {
                    let value = loss.values[i * rows + j];
                    if value.is_finite() {
                        // No eye sees more decimals of a decade, and the page holds them all.
                        ((value.max(smallest).log10() * 1e5).round() / 1e5).into()
                    } else {
                        Value::Null
                    }
                })
                .collect()
        })
        .collect();
    let mut data = vec![json!({
        "type": "contour", "x": horizontal.values, "y": vertical.values, "z": z,
        "ncontours": 24, "showscale": false, "hoverinfo": "skip",
        "colorscale": [[0.0, "#5b7fa6"], [0.5, "#b9cbdd"], [1.0, "#f7f9fb"]],
        "line": { "width": 0.5, "color": "#8fa3b8" },
    })];
    for (i, method) in order.iter().enumerate() {
        let Some(path) = contents.field(&format!("{}/{method}/path-{space}", problem.name)) else {
            continue;
        };
        let points: Vec<&[f64]> = path.values.chunks(2).collect();
        let coordinate = |c: usize| -> Vec<Value> {
            points
                .iter()
                .map(|p| {
                    if p[c].is_finite() {
                        p[c].into()
                    } else {
                        Value::Null
                    }
                })
                .collect()
        };
        data.push(json!({
            "type": "scatter", "mode": "lines+markers", "name": method, "meta": method,
            "x": coordinate(0), "y": coordinate(1),
            "line": { "color": colour(i), "width": 2 },
            "marker": { "color": colour(i), "size": 5 },
            "hovertemplate": format!("{}<br>step %{{pointNumber}}: (%{{x:.5g}}, %{{y:.5g}})<extra></extra>",
                super::style::escape(method)),
        }));
    }
    let mark = |what: &str, symbol: &str| {
        let place = array(&format!("{space}-{what}"))?;
        Some(json!({
            "type": "scatter", "mode": "markers", "name": what, "meta": "",
            "x": [place.values[0]], "y": [place.values[1]],
            "marker": { "symbol": symbol, "size": 12, "color": "#1c2430" },
            "hovertemplate": format!("{what}<extra></extra>"),
        }))
    };
    data.extend(mark("start", "circle-open"));
    data.extend(mark("truth", "x-thin-open"));
    let [first, second] = labels;
    let mut layout = layout(title, axis(&first, false), axis(&second, false));
    let ends = |v: &[f64]| json!([v.first(), v.last()]);
    layout["xaxis"]["range"] = ends(&horizontal.values);
    layout["yaxis"]["range"] = ends(&vertical.values);
    Some(Figure {
        id: format!("{key}-paths-{space}"),
        data,
        layout,
    })
}
