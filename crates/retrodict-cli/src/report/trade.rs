//! How the weight of a prior was chosen: misfit against prior, and both over the weight.

use serde_json::{Value, json};

use super::curves::{Figure, axis, layout};
use super::page::pairs;
use super::style::{colour, escape};
use crate::inversion::{Answer, Chosen, chosen, doubts};
use crate::results::folder::{ProblemFacts, RunContents};

/// The sections of all fields for which a rule chose the weight.
pub fn section(
    contents: &RunContents,
    _: &ProblemFacts,
    answers: &[Answer],
) -> (String, Vec<Figure>) {
    let (mut html, mut all) = (String::new(), Vec::new());
    for (i, answer) in answers.iter().enumerate() {
        let (Some(weight), Some(method)) = (&answer.weight, contents.summary.methods.get(i)) else {
            continue;
        };
        if answers.len() > 1 {
            html.push_str(&format!("<h3>{}</h3>\n", escape(&method.method)));
        }
        html.push_str(&format!("<p>{}</p>\n", escape(&chosen(weight))));
        for words in doubts(weight) {
            html.push_str(&format!("<p class=note>{}</p>\n", escape(&words)));
        }
        let figures = figures(weight, i);
        html.push_str(&pairs(&figures));
        all.extend(figures);
    }
    if !html.is_empty() {
        html.insert_str(0, "<h2>Regularisation parameter</h2>\n");
    }
    (html, all)
}

fn figures(weight: &Chosen, i: usize) -> [Figure; 2] {
    let off = |w: f64| (w / weight.weight).ln().abs();
    let nearest = weight
        .curve
        .iter()
        .min_by(|a, b| off(a.weight).total_cmp(&off(b.weight)));
    let line = |name: &str, x: Vec<f64>, y: Vec<f64>, colour: &str, dash: &str| {
        json!({ "type": "scatter", "mode": "lines", "name": name, "x": x, "y": y,
                "line": { "color": colour, "width": 2, "dash": dash } })
    };
    let mark = |x: f64, y: f64| -> Value {
        json!({ "type": "scatter", "mode": "markers", "name": "chosen", "x": [x], "y": [y],
                "marker": { "color": "#1c2430", "size": 10, "symbol": "circle-open", "line": { "width": 2 } } })
    };
    let of = |value: fn(&retrodict::uncertainty::weight::WeightPoint) -> f64| {
        weight.curve.iter().map(value).collect::<Vec<f64>>()
    };
    let (weights, misfits, priors) = (of(|p| p.weight), of(|p| p.misfit), of(|p| p.prior));
    let mut trade = vec![line(
        "weights",
        misfits.clone(),
        priors.clone(),
        colour(i),
        "solid",
    )];
    trade.extend(nearest.map(|point| mark(point.misfit, point.prior)));
    let over = vec![
        line(
            "misfit of the data",
            weights.clone(),
            misfits,
            colour(i),
            "solid",
        ),
        line("prior", weights, priors, colour(i), "dot"),
        mark(weight.weight, weight.misfit),
    ];
    [
        Figure {
            id: format!("trade-{i}"),
            data: trade,
            layout: layout(
                "L-curve: misfit vs. prior; the chosen weight is circled",
                axis("misfit of the data ‖W (P(x) − y*)‖²", true),
                axis("prior ‖W (R(x) − R(x₀))‖²", true),
            ),
        },
        Figure {
            id: format!("weights-{i}"),
            data: over,
            layout: layout(
                "Misfit (solid) and prior (dotted) vs. weight",
                axis("weight", true),
                axis("misfit, prior", true),
            ),
        },
    ]
}
