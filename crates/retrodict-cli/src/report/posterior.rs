//! Posterior of a field: its deviation, and fields drawn from the posterior.

use serde_json::json;

use super::certainty::{band, deviations};
use super::curves::{Figure, axis, layout};
use super::pictures::{self, VALUES};
use super::style::{colour, escape};
use crate::data::Array;
use crate::inversion::Answer;
use crate::results::folder::{ProblemFacts, RunContents};

/// The sections of all fields.
pub fn section(
    contents: &RunContents,
    problem: &ProblemFacts,
    answers: &[Answer],
) -> (String, Vec<Figure>) {
    let (mut html, mut figures) = (String::new(), Vec::new());
    for (i, answer) in answers.iter().enumerate() {
        let (Some(found), Some(method)) = (&answer.posterior, contents.summary.methods.get(i))
        else {
            continue;
        };
        let label = &method.method;
        if answers.len() > 1 {
            html.push_str(&format!("<h3>{}</h3>\n", escape(label)));
        }
        html.push_str(&format!("<p>{}</p>\n", escape(&found.sentence())));
        for words in &found.words {
            html.push_str(&format!("<p class=note>{}</p>\n", escape(words)));
        }
        let own = |what: &str| contents.field(&format!("{}/{label}/{what}", problem.name));
        let x = contents.field(&format!("{}/{label}", problem.name));
        let (Some(x), Some(deviation)) = (x, own("posterior-deviation")) else {
            continue;
        };
        let samples = own("posterior-samples").map(each).unwrap_or_default();
        let id = format!("posterior-{i}");
        if pictures::is_picture(deviation) {
            html.push_str(&deviations(problem, Some(x), deviation, &id, colour(i)).0);
            html.push_str(&drawn(problem, x, &samples));
            continue;
        }
        html.push_str(&format!("<div class=\"plot tall\" id=\"{id}\"></div>\n"));
        let mut data = band(x, deviation, colour(i));
        data.extend(samples.iter().enumerate().map(|(k, sample)| {
            json!({ "type": "scatter", "mode": "lines", "name": format!("sample {}", k + 1),
                    "y": sample.values, "line": { "color": "#9aa3ad", "width": 1 } })
        }));
        figures.push(Figure {
            id,
            data,
            layout: layout(
                "x ± two standard deviations, and samples (grey)",
                axis("index", false),
                axis(&format!("{} [{}]", problem.x.name, problem.x.unit), false),
            ),
        });
    }
    if !html.is_empty() {
        html.insert_str(0, "<h2>Posterior</h2>\n");
    }
    (html, figures)
}

/// The fields of an array that has one more axis than they.
fn each(samples: &Array) -> Vec<Array> {
    let [count, shape @ ..] = samples.shape.as_slice() else {
        return Vec::new();
    };
    let size = samples.values.len() / (*count).max(1);
    let fields = samples.values.chunks(size.max(1));
    fields
        .map(|values| Array::new(shape.to_vec(), values.to_vec()))
        .collect()
}

/// x beside the samples, on one scale.
fn drawn(problem: &ProblemFacts, x: &Array, samples: &[Array]) -> String {
    let scale = pictures::range(samples.iter().chain([x]));
    let mut html = format!(
        "<div class=bars>{}</div>\n<div class=fields>\n",
        pictures::bar(&VALUES, scale, &problem.x.name, &problem.x.unit)
    );
    let mut figure = |field: &Array, title: &str| {
        html.push_str(&format!(
            "<figure><img src=\"{}\" alt=\"{title}\"><figcaption><b>{title}</b></figcaption></figure>\n",
            pictures::coloured(field, &VALUES, scale)
        ));
    };
    figure(x, "x");
    for (k, sample) in samples.iter().enumerate() {
        figure(sample, &format!("sample {}", k + 1));
    }
    html.push_str("</div>\n");
    html
}
