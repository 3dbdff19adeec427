//! Profile likelihoods, each with the parabola of the linearised model.

use serde_json::json;

use super::curves::{Figure, axis, layout};
use super::page::pairs;
use super::style::{colour, escape};
use crate::inversion::{Answer, ProfileFacts};
use crate::results::folder::{ProblemFacts, RunContents};

/// The sections of all fields; a heading for each where there are several.
pub fn section(
    contents: &RunContents,
    _: &ProblemFacts,
    answers: &[Answer],
) -> (String, Vec<Figure>) {
    let (mut html, mut all) = (String::new(), Vec::new());
    for (i, answer) in answers.iter().enumerate() {
        let Some(method) = contents.summary.methods.get(i) else {
            continue;
        };
        if answer.profiles.is_empty() {
            continue;
        }
        if answers.len() > 1 {
            html.push_str(&format!("<h3>{}</h3>\n", escape(&method.method)));
        }
        for found in &answer.profiles {
            html.push_str(&format!("<p>{}</p>\n", escape(&found.sentence)));
        }
        let figures: Vec<Figure> = answer
            .profiles
            .iter()
            .enumerate()
            .map(|(k, found)| figure(found, &format!("profile-{i}-{k}"), colour(i)))
            .collect();
        html.push_str(&pairs(&figures));
        all.extend(figures);
    }
    if !html.is_empty() {
        html.insert_str(0, "<h2>Profile likelihoods</h2>\n<p class=soft>Λ is twice the excess of −ln of the likelihood over its \
                            minimum, with all other unknowns at their best; the interval is where it stays below the \
                            horizontal line. The dotted parabola is that of the linearised model.</p>\n");
    }
    (html, all)
}

fn figure(found: &ProfileFacts, id: &str, colour: &str) -> Figure {
    let profile = &found.profile;
    let (values, excess): (Vec<f64>, Vec<f64>) =
        profile.points.iter().map(|p| (p.value, p.excess)).unzip();
    let (low, high) = ends(&values);
    let threshold = profile.threshold;
    let mut data = vec![
        json!({ "type": "scatter", "mode": "lines+markers", "name": "profile", "x": values, "y": excess,
                "line": { "color": colour, "width": 2 }, "marker": { "size": 4 } }),
        json!({ "type": "scatter", "mode": "lines", "name": "threshold", "x": [low, high], "y": [threshold, threshold],
                "line": { "color": "#1c2430", "width": 1, "dash": "dash" } }),
    ];
    if profile.deviation.is_finite() && profile.deviation > 0.0 {
        const FINE: usize = 80;
        let at = |k: usize| low + (high - low) * k as f64 / FINE as f64;
        let parabola = |x: f64| ((x - profile.value) / profile.deviation).powi(2);
        let shown = (0..=FINE)
            .map(at)
            .filter(|x| parabola(*x) <= 1.6 * threshold);
        let (x, y): (Vec<f64>, Vec<f64>) = shown.map(|x| (x, parabola(x))).unzip();
        data.push(
            json!({ "type": "scatter", "mode": "lines", "name": "linearised", "x": x, "y": y,
                    "line": { "color": "#8a94a0", "width": 2, "dash": "dot" } }),
        );
    }
    let unit = match found.unit.as_str() {
        "1" => String::new(),
        unit => format!(" [{unit}]"),
    };
    let mut vertical = axis("Λ", false);
    vertical["range"] = json!([-0.05 * threshold, 1.6 * threshold]);
    // A side that stays open reaches over decades.
    let wide = low > 0.0 && high > 100.0 * low;
    Figure {
        id: id.to_owned(),
        data,
        layout: layout(
            &escape(&format!("Profile of {}", found.name)),
            axis(&escape(&format!("{}{unit}", found.name)), wide),
            vertical,
        ),
    }
}

/// The least and the greatest value.
fn ends(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (low, high)
}
