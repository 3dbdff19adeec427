//! The report of a batch: what came out for which settings.

use serde_json::{Value, json};

use super::curves::{Figure, axis, layout};
use super::page::{document, pairs};
use super::style::{colour, escape, number};
use crate::batch::{BatchLine, Collected, Found, named, plain};

/// Lines of the table that are shown; `table.csv` has all of them.
const SHOWN: usize = 1000;

/// Names up to which each has a column.
const COLUMNS: usize = 12;

/// A name, and what a line has of it.
type SweepQuantity = (&'static str, fn(&BatchLine) -> Option<f64>);

/// The HTML of the report.
pub fn build(collected: &Collected) -> String {
    let lines = &collected.lines;
    let converged = lines.iter().filter(|line| line.converged).count();
    let mut body = format!(
        "<h1>{}</h1>\n<p class=lead>{} results, of which {converged} reached their goal.</p>\n",
        escape(&collected.title),
        lines.len()
    );
    for remark in collected.remarks() {
        body.push_str(&format!("<p class=note>{}</p>\n", escape(&remark)));
    }
    let figures = figures(collected);
    if !figures.is_empty() {
        body.push_str("<section>\n<h2>Results by setting</h2>\n");
        body.push_str(&pairs(&figures));
        body.push_str("</section>\n");
    }
    body.push_str("<section>\n<h2>All results</h2>\n");
    body.push_str(&table(collected));
    body.push_str("</section>\n");
    document(&collected.title, &body, &figures)
}

/// The loss, and χ² where it is known, over each setting that is a number.
fn figures(collected: &Collected) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (i, key) in collected.keys.iter().enumerate() {
        let value = |line: &BatchLine| line.settings.get(i).and_then(Value::as_f64);
        let mut found: Vec<f64> = collected.lines.iter().filter_map(value).collect();
        found.sort_by(f64::total_cmp);
        let (Some(low), Some(high)) = (found.first(), found.last()) else {
            continue;
        };
        if low == high {
            continue;
        }
        // Values over more than two decades were meant to be looked at by decades.
        let decades = *low > 0.0 && *high > 100.0 * low;
        let quantities: [SweepQuantity; 2] = [
            ("loss", |line| Some(line.loss)),
            ("χ²/N", |line| line.chi_squared),
        ];
        for (q, (name, quantity)) in quantities.into_iter().enumerate() {
            let points: Vec<(f64, f64, String)> = collected
                .lines
                .iter()
                .filter_map(|line| Some((value(line)?, quantity(line)?, line.title())))
                .filter(|(_, y, _)| y.is_finite())
                .collect();
            if points.is_empty() {
                continue;
            }
            let logarithmic = points.iter().all(|(_, y, _)| *y > 0.0);
            let data = json!({
                "type": "scatter", "mode": "markers", "name": name,
                "x": points.iter().map(|p| p.0).collect::<Vec<_>>(),
                "y": points.iter().map(|p| p.1).collect::<Vec<_>>(),
                "text": points.iter().map(|p| escape(&p.2)).collect::<Vec<_>>(),
                "hovertemplate": "%{text}<br>%{x} · %{y:.4g}<extra></extra>",
                "marker": { "color": colour(q), "size": 7 },
            });
            figures.push(Figure {
                id: format!("key-{i}-{q}"),
                data: vec![data],
                layout: layout(
                    &escape(&format!("{name} vs. {key}")),
                    axis(&escape(key), decades),
                    axis(name, logarithmic),
                ),
            });
        }
    }
    figures
}

/// A value with its standard deviation, where that is known.
fn value(found: &Found) -> String {
    match found.deviation {
        Some(deviation) if deviation.is_finite() => {
            format!("{}\u{a0}±\u{a0}{}", number(found.value), number(deviation))
        }
        _ => number(found.value),
    }
}

fn table(collected: &Collected) -> String {
    let mut html = "<div class=scroll><table>\n<tr><th class=left>problem</th>".to_owned();
    for key in &collected.keys {
        html.push_str(&format!("<th class=left>{}</th>", escape(key)));
    }
    html.push_str(
        "<th class=left>ended</th><th>steps</th><th>seconds</th><th>loss</th><th>χ²/N</th>",
    );
    let names = collected.names();
    match names.len() <= COLUMNS {
        true => names
            .iter()
            .for_each(|name| html.push_str(&format!("<th>{}</th>", escape(name)))),
        false => html.push_str("<th>x</th>"),
    }
    html.push_str("</tr>\n");
    for line in collected.lines.iter().take(SHOWN) {
        html.push_str(&format!(
            "<tr><td class=left>{}</td>",
            escape(&line.title())
        ));
        for value in &line.settings {
            html.push_str(&format!("<td class=left>{}</td>", escape(&plain(value))));
        }
        html.push_str(&format!(
            "<td class=left>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>",
            line.status,
            line.steps,
            number(line.seconds),
            number(line.loss),
            line.chi_squared.map_or_else(|| "–".to_owned(), number),
        ));
        match names.len() <= COLUMNS {
            true => names.iter().for_each(|name| {
                let cell = named(&line.found, name).map_or_else(|| "–".to_owned(), value);
                html.push_str(&format!("<td>{cell}</td>"));
            }),
            false => {
                let cells: Vec<String> = line.found.iter().map(value).collect();
                html.push_str(&format!("<td class=values>{}</td>", cells.join(", ")));
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n");
    if collected.lines.len() > SHOWN {
        html.push_str(&format!(
            "<p class=soft>The first {SHOWN} of {}; table.csv has them all.</p>\n",
            collected.lines.len()
        ));
    }
    html
}
