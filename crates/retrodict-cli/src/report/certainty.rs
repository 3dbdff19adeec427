//! The uncertainty of an answer: intervals, correlations, what is not identifiable.

use serde_json::json;

use super::curves::{Figure, axis, layout};
use super::pictures::{self, ERRORS, VALUES};
use super::style::{colour, escape, number};
use crate::data::Array;
use crate::inversion::{Answer, Statistics};
use crate::results::folder::{ProblemFacts, RunContents};
use crate::results::own_units::OwnUnit;

/// Unknowns up to which correlations are a table with numbers.
const TABLED: usize = 12;
/// Unknowns up to which they are a picture: of more, no single one can be told.
const PICTURED: usize = 30;

/// The sections of all fields; a heading for each where there are several.
pub fn section(
    contents: &RunContents,
    problem: &ProblemFacts,
    answers: &[Answer],
) -> (String, Vec<Figure>) {
    let (mut html, mut figures) = (String::new(), Vec::new());
    for (i, answer) in answers.iter().enumerate() {
        let Some(label) = contents.summary.methods.get(i).map(|m| &m.method) else {
            continue;
        };
        let own = |what: &str| contents.field(&format!("{}/{label}/{what}", problem.name));
        let mut part = String::new();
        if let Some(found) = &answer.statistics {
            let start = own("start").filter(|start| start.values.len() == found.unknowns);
            part.push_str(&statistics(found, start, &problem.own_units));
            if let Some(correlation) = own("correlation") {
                part.push_str(&correlations(found, correlation));
            }
            if let Some(deviation) =
                own("deviation").filter(|_| found.parameters.len() < found.unknowns)
            {
                let x = contents.field(&format!("{}/{label}", problem.name));
                let (more, figure) =
                    deviations(problem, x, deviation, &format!("deviation-{i}"), colour(i));
                part.push_str(&more);
                figures.extend(figure);
            }
        }
        // A remark that an earlier field has made already is no news.
        let news = |remark: &&String| {
            !answers[..i]
                .iter()
                .any(|before| before.remarks.contains(remark))
        };
        for remark in answer.remarks.iter().filter(news) {
            part.push_str(&format!("<p class=note>{}</p>\n", escape(remark)));
        }
        if part.is_empty() {
            continue;
        }
        if answers.len() > 1 {
            html.push_str(&format!("<h3>{}</h3>\n", escape(label)));
        }
        html.push_str(&part);
    }
    if !html.is_empty() {
        let heading = match answers.iter().all(lists_all) {
            true => "Parameters",
            false => "Uncertainty",
        };
        html.insert_str(0, &format!("<h2>{heading}</h2>\n"));
    }
    (html, figures)
}

/// Whether the table of intervals has a line for each value of x.
pub fn lists_all(answer: &Answer) -> bool {
    let statistics = answer.statistics.as_ref();
    statistics.is_some_and(|found| found.parameters.len() == found.unknowns)
}

/// A name, and its unit where it has one, beside it and smaller.
fn with_unit(name: &str, unit: &str) -> String {
    match unit {
        "" | "1" => escape(name),
        unit => format!(
            "{} <span class=under>[{}]</span>",
            escape(name),
            escape(unit)
        ),
    }
}

fn statistics(found: &Statistics, start: Option<&Array>, own_units: &[Option<OwnUnit>]) -> String {
    let mut html = format!("<p class=soft>{}</p>\n", escape(&found.heading()));
    html.push_str(
        "<div class=scroll><table>\n<tr><th class=left>parameter</th><th>value</th><th>standard \
         deviation</th><th>lower</th><th>upper</th><th>start</th></tr>\n",
    );
    let start = |index: usize, of: &dyn Fn(f64) -> f64| {
        let value = start.and_then(|start| start.values.get(index));
        value.map_or_else(String::new, |value| number(of(*value)))
    };
    let cell =
        |value: Option<f64>, infinite: &str| value.map_or_else(|| infinite.to_owned(), number);
    let mut row = |class: &str, name: &str, unit: &str, cells: [String; 5]| {
        let name = with_unit(name, unit);
        let cells = cells.map(|cell| format!("<td>{cell}</td>")).concat();
        html.push_str(&format!(
            "<tr{class}><td class=left>{name}</td>{cells}</tr>\n"
        ));
    };
    for parameter in &found.parameters {
        let deviation = match found.fixed.contains(&parameter.name) {
            true => "fixed".to_owned(),
            false => cell(parameter.deviation, "∞"),
        };
        let cells = [
            format!("<b>{}</b>", number(parameter.value)),
            deviation,
            cell(parameter.low, "−∞"),
            cell(parameter.high, "∞"),
            start(parameter.index, &|x| x),
        ];
        row("", &parameter.name, &parameter.unit, cells);
        if let Some(own) = &parameter.own {
            let unit = own_units.get(parameter.index).and_then(Option::as_ref);
            let cells = [
                number(own.value),
                String::new(),
                cell(own.low, "−∞"),
                cell(own.high, "∞"),
                unit.map_or_else(String::new, |unit| start(parameter.index, &|x| unit.of(x))),
            ];
            row(" class=own", &own.name, &own.unit, cells);
        }
    }
    for quantity in &found.quantities {
        let deviation = match quantity.formula {
            None => "fixed".to_owned(),
            Some(_) => cell(quantity.deviation, "∞"),
        };
        let cells = [
            format!("<b>{}</b>", number(quantity.value)),
            deviation,
            cell(quantity.low, "−∞"),
            cell(quantity.high, "∞"),
            String::new(),
        ];
        row("", &quantity.label(), &quantity.unit, cells);
    }
    html.push_str("</table></div>\n");
    for sentence in found.sentences() {
        html.push_str(&format!("<p>{}</p>\n", escape(&sentence)));
    }
    for words in &found.words {
        html.push_str(&format!("<p class=note>{}</p>\n", escape(words)));
    }
    html
}

/// A table with a colour for each number while that can be read, a picture beyond.
fn correlations(found: &Statistics, table: &Array) -> String {
    let n = found.unknowns;
    let bar = pictures::bar(&ERRORS, (-1.0, 1.0), "correlation", "1");
    if !(2..=PICTURED).contains(&n) {
        return String::new();
    }
    if n > TABLED || found.parameters.len() < n {
        let picture = pictures::coloured(table, &ERRORS, (-1.0, 1.0));
        return format!(
            "<h3>Correlations</h3>\n<div class=bars>{bar}</div>\n<div class=fields>\n<figure><img src=\"{picture}\" \
             alt=\"correlations\"><figcaption>of each unknown (row) with each other \
                  (column)</figcaption></figure>\n</div>\n"
        );
    }
    let mut html = "<h3>Correlations</h3>\n<div class=scroll><table>\n<tr><th></th>".to_owned();
    for parameter in &found.parameters {
        html.push_str(&format!("<th>{}</th>", escape(&parameter.name)));
    }
    html.push_str("</tr>\n");
    for (parameter, row) in found.parameters.iter().zip(table.values.chunks(n)) {
        html.push_str(&format!(
            "<tr><td class=left>{}</td>",
            escape(&parameter.name)
        ));
        for value in row {
            let ink = if value.abs() > 0.75 {
                "#fff"
            } else {
                "#1c2430"
            };
            html.push_str(&match value.is_finite() {
                true => format!(
                    "<td style=\"background:{};color:{ink}\">{}</td>",
                    pictures::css(&ERRORS, 0.5 + 0.5 * value),
                    format!("{value:.3}").replace('-', "−")
                ),
                false => "<td>–</td>".to_owned(),
            });
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n");
    html
}

/// The deviation of each of many values: as a picture, or as a band around x.
pub fn deviations(
    problem: &ProblemFacts,
    x: Option<&Array>,
    deviation: &Array,
    id: &str,
    colour: &str,
) -> (String, Option<Figure>) {
    if pictures::is_picture(deviation) {
        let scale = pictures::range([deviation].into_iter());
        let bar = pictures::bar(&VALUES, scale, "standard deviation", &problem.x.unit);
        let picture = pictures::coloured(deviation, &VALUES, scale);
        return (
            format!(
                "<div class=bars>{bar}</div>\n<div class=fields>\n<figure><img src=\"{picture}\" \
                 alt=\"standard deviation\"><figcaption><b>standard deviation of each value</b></figcaption></figure>\n\
                 </div>\n"
            ),
            None,
        );
    }
    let Some(x) = x.filter(|x| x.values.len() == deviation.values.len()) else {
        return (String::new(), None);
    };
    let html = format!("<div class=\"plot tall\" id=\"{id}\"></div>\n");
    let label = format!("{} [{}]", problem.x.name, problem.x.unit);
    let figure = Figure {
        id: id.to_owned(),
        data: band(x, deviation, colour),
        layout: layout(
            "x ± two standard deviations",
            axis("index", false),
            axis(&label, false),
        ),
    };
    (html, Some(figure))
}

/// x as a line in a band of two standard deviations; no band where these are infinite.
pub fn band(x: &Array, deviation: &Array, colour: &str) -> Vec<serde_json::Value> {
    let edge = |side: f64| -> Vec<Option<f64>> {
        let pairs = x.values.iter().zip(&deviation.values);
        pairs
            .map(|(x, d)| d.is_finite().then_some(x + side * d))
            .collect()
    };
    let thin = json!({ "color": colour, "width": 0.5 });
    vec![
        json!({ "type": "scatter", "mode": "lines", "name": "x − 2σ", "y": edge(-2.0), "line": thin }),
        json!({ "type": "scatter", "mode": "lines", "name": "x + 2σ", "y": edge(2.0), "line": thin,
                "fill": "tonexty", "fillcolor": format!("{colour}33") }),
        json!({ "type": "scatter", "mode": "lines", "name": "x", "y": x.values,
                "line": { "color": colour, "width": 2 } }),
    ]
}
