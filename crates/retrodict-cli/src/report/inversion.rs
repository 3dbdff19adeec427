//! The report of an inversion of the user's data.

use serde_json::json;

use super::curves::{self, Figure, axis, capital, layout};
use super::page::{chips, document, pairs, provenance};
use super::pictures::{self, ERRORS, VALUES};
use super::series;
use super::style::{colour, escape, number};
use super::{certainty, posterior, profiles, trade};
use crate::data::Array;
use crate::inversion::{Answer, Parameter, headline};
use crate::results::folder::{ProblemFacts, Row, RunContents};
use crate::results::own_units::OwnUnit;
use crate::results::survey::sentence;

/// Values of x up to which they stand in a table.
const LISTED_UP_TO: usize = 40;

/// The HTML of the report.
pub fn build(contents: &RunContents, answers: &[Answer]) -> String {
    let manifest = &contents.manifest;
    let mut body = format!("<h1>{}</h1>\n", escape(&manifest.title));
    let mut figures = Vec::new();
    for problem in &manifest.problems {
        body.push_str(&format!(
            "<p class=lead>{}.</p>\n<p class=soft>{}: {}.</p>\n",
            escape(&headline(&contents.summary.methods, answers)),
            escape(&problem.simulator),
            escape(&problem.sentence)
        ));
        if manifest.interrupted {
            body.push_str(
                "<p class=note>The run was interrupted; the results so far are shown.</p>\n",
            );
        }
        body.push_str("<section>\n");
        // Each part tells for itself what it has to show, and a figure for each of its plots. What was found comes first, how
        // it was found after it.
        let sections = [
            fit(contents, problem),
            unknowns(contents, problem, answers),
            certainty::section(contents, problem, answers),
            profiles::section(contents, problem, answers),
            posterior::section(contents, problem, answers),
            trade::section(contents, problem, answers),
            (ending(contents, answers), Vec::new()),
            convergence(contents, problem),
        ];
        for (html, more) in sections {
            body.push_str(&html);
            figures.extend(more);
        }
        body.push_str("</section>\n");
    }
    body.push_str(&provenance(contents));
    document(&manifest.title, &body, &figures)
}

/// How each field ended, what it cost, and what to try next.
fn ending(contents: &RunContents, answers: &[Answer]) -> String {
    let known = answers.iter().any(|answer| answer.chi_squared.is_some());
    let chi = if known { "<th>χ²/N</th>" } else { "" };
    let mut html = format!(
        "<h2>How it ended</h2>\n<div class=scroll><table>\n<tr><th class=left></th><th class=left>ended</th><th>steps</th>\
         <th>seconds</th><th>loss</th>{chi}<th>forward</th><th>jvp</th><th>vjp</th><th>inverse</th></tr>\n"
    );
    for (i, (answer, method)) in answers.iter().zip(&contents.summary.methods).enumerate() {
        let chi = answer.chi_squared.map_or("–".to_owned(), number);
        let chi = if known {
            format!("<td>{chi}</td>")
        } else {
            String::new()
        };
        let counts = answer.counts;
        html.push_str(&format!(
            "<tr><td class=left><span class=swatch style=\"background:{}\"></span>{}</td>\
             <td class=ended>{}</td><td>{}</td><td>{}</td><td>{}</td>{chi}<td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td></tr>\n",
            colour(i),
            escape(&method.method),
            answer.status,
            answer.steps,
            number(answer.seconds),
            match answer.loss.is_nan() {
                true => "–".to_owned(),
                false => number(answer.loss),
            },
            counts.forward,
            counts.jvp,
            counts.vjp,
            counts.inverse
        ));
    }
    html.push_str("</table></div>\n");
    let mut said: Vec<&str> = Vec::new();
    for answer in answers.iter().filter(|answer| !answer.message.is_empty()) {
        if said.contains(&answer.message.as_str()) {
            continue;
        }
        said.push(&answer.message);
        html.push_str(&format!(
            "<p><b>{}</b>: {}</p>\n",
            answer.status,
            escape(&answer.message)
        ));
    }
    for method in &contents.summary.methods {
        for notice in &method.notices {
            html.push_str(&format!("<p class=note>{}</p>\n", escape(notice)));
        }
        for found in &method.solutions {
            html.push_str(&format!("<p>{}</p>\n", escape(&sentence(found))));
        }
    }
    html
}

type Section = (String, Vec<Figure>);

/// The labels of the fields, which are the methods of the summary.
fn labels(contents: &RunContents) -> Vec<String> {
    let methods = contents.summary.methods.iter();
    methods.map(|m| m.method.clone()).collect()
}

/// The data, where x leads, and what is left between the two.
fn fit(contents: &RunContents, problem: &ProblemFacts) -> Section {
    let mut html = "<h2>Data and fit</h2>\n".to_owned();
    if problem.data_sets.is_empty() {
        let (section, figures) = fit_of(contents, problem, "");
        html.push_str(&section);
        return (html, figures);
    }
    let mut figures = Vec::new();
    for (i, set) in problem.data_sets.iter().enumerate() {
        let (section, more) = fit_of(contents, set, &format!("set-{i}-"));
        html.push_str(&format!(
            "<h3>{} <span class=soft>({})</span></h3>\n{section}",
            escape(&set.name),
            escape(&set.simulator)
        ));
        figures.extend(more);
    }
    (html, figures)
}

/// The same of one data set; `prefix` tells its figures from those of others.
fn fit_of(contents: &RunContents, problem: &ProblemFacts, prefix: &str) -> Section {
    let order = labels(contents);
    let key = format!("{prefix}fit");
    let mut html = String::new();
    let data = contents.field(&format!("{}/data", problem.name));
    let mut figures = Vec::new();
    let mut plots = String::new();
    if let (Some(series), Some(data)) = (&problem.series, data) {
        (plots, figures) = series::plots(contents, problem, (series, data), &order, &key);
    }
    for (i, label) in order.iter().enumerate() {
        let own = |what: &str| contents.field(&format!("{}/{label}/{what}", problem.name));
        let (Some(data), Some(fit)) = (own("target"), own("fit")) else {
            continue;
        };
        let rest: Vec<f64> = data
            .values
            .iter()
            .zip(&fit.values)
            .map(|(d, f)| d - f)
            .collect();
        let rest = Array::new(data.shape.clone(), rest);
        let y = format!("{} [{}]", problem.y.name, problem.y.unit);
        if let Some(series) = &problem.series
            && series.times.len() * series.columns.len() == rest.values.len()
        {
            let title = match order.len() {
                1 => "residuals",
                _ => label.as_str(),
            };
            let unit = &problem.y.unit;
            let figure = series::rest(
                series,
                &rest,
                unit,
                &capital(title),
                &format!("{prefix}rest-{i}"),
            );
            // Beside a single plot of the fit; below several, as wide as two.
            let class = match (order.len(), series.columns.len() % 2) {
                (1, 0) => "plot wide",
                _ => "plot",
            };
            plots.push_str(&format!(
                "<div class=\"{class}\" id=\"{}\"></div>\n",
                figure.id
            ));
            figures.push(figure);
            continue;
        }
        if pictures::is_picture(data) {
            html.push_str(&three_pictures(label, problem, [data, fit, &rest]));
            continue;
        }
        let marks = |name: &str, values: &[f64], mode: &str, colour: &str| {
            json!({ "type": "scatter", "mode": mode, "name": name, "y": values,
                    "line": { "color": colour, "width": 2 },
                    "marker": { "color": colour, "size": 5 } })
        };
        let own = [
            Figure {
                id: format!("{prefix}fit-{i}"),
                data: vec![
                    marks("fit", &fit.values, "lines", colour(i)),
                    marks("data", &data.values, "markers", "#1c2430"),
                ],
                layout: layout(
                    &escape(&format!("{label}: data (dots) and fit (line)")),
                    axis("index", false),
                    axis(&y, false),
                ),
            },
            Figure {
                id: format!("{prefix}rest-{i}"),
                data: vec![marks("data − fit", &rest.values, "markers", colour(i))],
                layout: layout(
                    &escape(&format!("{label}: data − fit")),
                    axis("index", false),
                    axis(&y, false),
                ),
            },
        ];
        html.push_str(&pairs(&own));
        figures.extend(own);
    }
    if !plots.is_empty() {
        html.push_str(&format!(
            "<p class=soft>Dots are the data, lines P(x) at the x that was found.</p>\n<div class=pair>\n{plots}</div>\n"
        ));
    }
    (html, figures)
}

fn three_pictures(label: &str, problem: &ProblemFacts, [data, fit, rest]: [&Array; 3]) -> String {
    let scale = pictures::range([data, fit].into_iter());
    let worst = rest.values.iter().fold(0.0_f64, |w, v| w.max(v.abs()));
    let errors = (-worst, worst);
    let figure = |image: String, title: &str| {
        format!(
            "<figure><img src=\"{image}\" alt=\"{title}\"><figcaption><b>{title}</b></figcaption></figure>\n"
        )
    };
    format!(
        "<h3>{}</h3>\n<div class=bars>{}{}</div>\n<div class=fields>\n{}{}{}</div>\n",
        escape(label),
        pictures::bar(&VALUES, scale, &problem.y.name, &problem.y.unit),
        pictures::bar(&ERRORS, errors, "data − fit", &problem.y.unit),
        figure(pictures::coloured(data, &VALUES, scale), "data y*"),
        figure(pictures::coloured(fit, &VALUES, scale), "fit P(x)"),
        figure(pictures::coloured(rest, &ERRORS, errors), "data − fit"),
    )
}

/// x: a table while there are few values, a line or a picture else; nothing where the table of intervals lists all of them.
fn unknowns(contents: &RunContents, problem: &ProblemFacts, answers: &[Answer]) -> Section {
    if !answers.is_empty() && answers.iter().all(certainty::lists_all) {
        return (String::new(), Vec::new());
    }
    let order = labels(contents);
    let title = format!("{} [{}]", problem.x.name, problem.x.unit);
    let heading = match problem.labels.is_empty() {
        true => title.as_str(),
        false => "parameters",
    };
    let mut html = format!("<h2>{}</h2>\n", escape(&capital(heading)));
    let found: Vec<(&String, &Array, Option<&Array>)> = order
        .iter()
        .filter_map(|label| {
            let x = contents.field(&format!("{}/{label}", problem.name))?;
            Some((
                label,
                x,
                contents.field(&format!("{}/{label}/start", problem.name)),
            ))
        })
        .collect();
    let Some((_, first, _)) = found.first() else {
        return (String::new(), Vec::new());
    };
    if first.values.len() <= LISTED_UP_TO {
        let statistics = answers
            .first()
            .and_then(|answer| answer.statistics.as_ref());
        let names = statistics.map_or(&[][..], |statistics| &statistics.parameters);
        html.push_str(&listed(&found, names, &problem.own_units));
        return (html, Vec::new());
    }
    if pictures::is_picture(first) {
        let scale = pictures::range(found.iter().map(|(_, x, _)| *x));
        html.push_str(&format!(
            "<div class=bars>{}</div>\n<div class=fields>\n",
            pictures::bar(&VALUES, scale, &problem.x.name, &problem.x.unit)
        ));
        for (label, x, _) in &found {
            html.push_str(&format!(
                "<figure><img src=\"{}\" alt=\"x of {1}\"><figcaption><b>{1}</b></figcaption></figure>\n",
                pictures::coloured(x, &VALUES, scale),
                escape(label)
            ));
        }
        html.push_str("</div>\n");
        return (html, Vec::new());
    }
    html.push_str("<div class=\"plot tall\" id=\"x\"></div>\n");
    let lines = found.iter().enumerate().map(|(i, (label, x, _))| {
        json!({ "type": "scatter", "mode": "lines", "name": label, "y": x.values,
                "line": { "color": colour(i), "width": 2 } })
    });
    let figure = Figure {
        id: "x".to_owned(),
        data: lines.collect(),
        layout: layout("", axis("index", false), axis(&title, false)),
    };
    (html, vec![figure])
}

/// A line for each value, with its name where that is known.
fn listed(
    found: &[(&String, &Array, Option<&Array>)],
    names: &[Parameter],
    own_units: &[Option<OwnUnit>],
) -> String {
    let mut html = "<div class=scroll><table>\n<tr><th class=left>value</th>".to_owned();
    for (label, ..) in found {
        html.push_str(&format!("<th>{0}</th><th>start</th>", escape(label)));
    }
    html.push_str("</tr>\n");
    let count = found.first().map_or(0, |(_, x, _)| x.values.len());
    for i in 0..count {
        let named = names.iter().find(|parameter| parameter.index == i);
        let name = named.map_or_else(|| (i + 1).to_string(), |parameter| parameter.name.clone());
        let mut row = |name: &str, of: &dyn Fn(f64) -> f64| {
            html.push_str(&format!("<tr><td class=left>{}</td>", escape(name)));
            for (_, x, start) in found {
                let x = x.values.get(i).map(|v| of(*v));
                let start = start.and_then(|start| start.values.get(i)).map(|v| of(*v));
                html.push_str(&format!(
                    "<td>{}</td><td>{}</td>",
                    x.map_or_else(String::new, |v| format!("{v:.8}")),
                    start.map_or_else(String::new, number)
                ));
            }
            html.push_str("</tr>\n");
        };
        row(&name, &|v| v);
        if let Some(Some(own)) = own_units.get(i) {
            row(&format!("{} [{}]", own.name, own.unit), &|v| own.of(v));
        }
    }
    html.push_str("</table></div>\n");
    html
}

fn convergence(contents: &RunContents, problem: &ProblemFacts) -> Section {
    let order = labels(contents);
    let rows: Vec<&Row> = contents.rows.iter().collect();
    let (figures, note) = curves::figures("run", problem, &rows, &order);
    let mut html = "<h2>Convergence</h2>\n".to_owned();
    if order.len() > 1 {
        html.push_str(&chips(&order));
    }
    html.push_str(&pairs(&figures));
    let note = match rows.is_empty() {
        true => Some("No loss was evaluated before the run ended.".to_owned()),
        false => note,
    };
    if let Some(note) = note {
        html.push_str(&format!("<p class=soft>{}</p>\n", escape(&note)));
    }
    (html, figures)
}
