//! The report of a training.

use serde_json::{Value, json};

use super::curves::{Figure, axis, capital, layout};
use super::page::{chips, document, pairs};
use super::style::{colour, escape, number};
use super::{parity, samples};
use crate::results::quartiles::{Quartiles, median};
use crate::results::verdict::of_training;
use crate::terminal::text::duration;
use crate::training::{
    Contents, Judged, Line, MethodOutcome, Standing, meanings, remarks, standings, statuses,
};

/// The HTML of the report.
pub fn build(contents: &Contents) -> String {
    let manifest = &contents.manifest;
    let mut figures = Vec::new();
    let mut body = format!(
        "<h1>{}</h1>\n<p class=lead>{}.</p>\n<p>{}</p>\n<p class=soft>{}</p>\n",
        escape(&manifest.title),
        escape(&capital(&of_training(contents))),
        escape(&manifest.sentence),
        escape(&manifest.source)
    );
    if let Some((_, network)) = manifest.facts.iter().find(|(key, _)| key == "network") {
        body.push_str(&format!("<p class=soft>Network {}.</p>\n", escape(network)));
    }
    body.push_str("<section>\n");
    body.push_str(&ranking(contents));
    for remark in remarks(contents) {
        body.push_str(&format!("<p class=note>{}</p>\n", escape(&remark)));
    }
    body.push_str("<h2>Learning</h2>\n<p class=soft>Lower and further left is better. ");
    if manifest.seeds > 1 {
        body.push_str(&format!(
            "Lines are medians over {} seeds, bands reach from the lower to the upper quartile. ",
            manifest.seeds
        ));
    }
    body.push_str("Time is the time spent in steps. Click a method to hide it.</p>\n");
    body.push_str(&chips(&manifest.methods));
    let curves = curves(contents);
    body.push_str(&pairs(&curves));
    figures.extend(curves);
    let seen = "Network output on held-out samples";
    let pictures = samples::section(contents);
    if let Some(pictures) = &pictures {
        body.push_str(&format!(
            "<h2>{seen}</h2>\n<p class=soft>The network's x and y = P(x), beside the target y*; values beyond a \
             colour scale are clipped to it.</p>\n{pictures}"
        ));
    }
    for (heading, sentence, found) in [
        (
            seen,
            "y = P(x) for the network's x, in the colour of its method, beside the target y* (grey).",
            if pictures.is_none() {
                reconstructions(contents)
            } else {
                Vec::new()
            },
        ),
        (
            "Predicted against true",
            parity::SENTENCE,
            parity::figures(contents),
        ),
        (
            "Singular values of J",
            "J = ∂y/∂θ of network and physics for a mini-batch, after some of the epochs. Singular values below the \
             dotted line are dropped by the rule's truncation.",
            spectra(contents),
        ),
        (
            "Neurons",
            "The share of each layer's values at which the slope of the activation is almost zero.",
            activity(contents),
        ),
    ] {
        if !found.is_empty() {
            body.push_str(&format!(
                "<h2>{heading}</h2>\n<p class=soft>{sentence}</p>\n"
            ));
            body.push_str(&pairs(&found));
            figures.extend(found);
        }
    }
    body.push_str("</section>\n");
    body.push_str(&provenance(contents));
    document(&manifest.title, &body, &figures)
}

fn outcomes<'a>(contents: &'a Contents, method: &'a str) -> Vec<&'a MethodOutcome> {
    let all = contents.outcomes.iter();
    all.filter(|o| o.method == method).collect()
}

/// The methods, best first: medians over the seeds, with quartiles and worst below where there are several.
fn ranking(contents: &Contents) -> String {
    let judged = Judged::of(contents);
    let mut ranked = standings(contents);
    let loss = |s: &Standing| s.judged.map_or(f64::INFINITY, |q| q.median);
    ranked.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
    let train = judged != Judged::Train && ranked.iter().any(|s| s.train.is_some());
    let known = ranked.iter().any(|s| s.x_half_square.is_some());
    let timed = ranked.iter().any(|s| s.at_equal_time.is_some());
    let head = [
        (true, judged.name()),
        (train, "train loss"),
        (timed, "at equal time"),
        (known, "½‖x − x*‖²"),
        (known, "‖x − x*‖"),
        (true, "epochs"),
        (true, "steps"),
        (true, "time"),
    ];
    let several = contents.manifest.seeds > 1;
    let mut rows = String::new();
    for (place, s) in ranked.iter().enumerate() {
        let Some(first) = contents.of(&s.method).first().copied() else {
            continue;
        };
        let methods = &contents.manifest.methods;
        let index = methods.iter().position(|m| *m == s.method).unwrap_or(0);
        let cells = [
            spread(s.judged, several),
            spread(s.train, several),
            s.at_equal_time.map_or("–".to_owned(), number),
            spread(s.x_half_square, several),
            spread(s.x_distance, several),
            format!("{}<div class=under>best {}</div>", s.epochs, s.best_epoch),
            format!(
                "{}<div class=under>{} each</div>",
                s.steps,
                duration(s.seconds_per_step)
            ),
            format!(
                "{}<div class=under>{} %</div>",
                duration(s.seconds),
                s.shares
                    .map(|share| format!("{:.0}", 100.0 * share))
                    .join(" / ")
            ),
        ];
        let cells = cells.iter().zip(&head).filter(|(_, (shown, _))| *shown);
        let cells: String = cells.map(|(cell, _)| format!("<td>{cell}</td>")).collect();
        rows.push_str(&format!(
            "<tr><td>{}</td><td class=left><span class=swatch style=\"background:{}\"></span>{}\
             <div class=under>{}, {}, batch {}</div></td>{cells}<td class=ended>{}</td></tr>\n",
            place + 1,
            colour(index),
            escape(&s.method),
            escape(&first.strategy),
            escape(&first.rule),
            first.batch,
            escape(&statuses(s)),
        ));
    }
    let heads = head.iter().filter(|(shown, _)| *shown);
    let heads: String = heads.map(|(_, name)| format!("<th>{name}</th>")).collect();
    let spreads = match several {
        true => " Below each median: the quartiles, and the worst seed.",
        false => "",
    };
    format!(
        "<div class=scroll><table class=ranking><thead><tr><th>#</th><th class=left>method</th>{heads}\
         <th class=left>ended</th></tr></thead><tbody>\n{rows}</tbody></table></div>\n\
         <p class=soft>Best first. {}{spreads} Below the time: the shares of network, physics and \
         inversion.</p>\n",
        escape(&capital(&meanings(contents).join(" ")))
    )
}

/// A median, above its quartiles and the worst seed.
fn spread(quartiles: Option<Quartiles>, several: bool) -> String {
    match quartiles {
        None => "–".to_owned(),
        Some(q) if several && q.count > 1 => format!(
            "{}<div class=under>{} to {}<br>worst {}</div>",
            number(q.median),
            number(q.lower),
            number(q.upper),
            number(q.worst)
        ),
        Some(q) => number(q.median),
    }
}

/// What is drawn of a line.
type TrainingQuantity = fn(&Line) -> Option<f64>;

fn curves(contents: &Contents) -> Vec<Figure> {
    let quantities: [(&str, &str, TrainingQuantity); 4] = [
        ("test", "test loss", |l| l.test_loss),
        ("train", "train loss", |l| l.train_loss),
        ("steps", "loss of the steps", |l| l.running_loss),
        ("x", "½‖x − x*‖²", |l| l.x_half_square),
    ];
    let mut figures = Vec::new();
    for (key, title, value) in quantities {
        if contents.lines.iter().all(|l| value(l).is_none()) {
            continue;
        }
        // What the steps lost is drawn where nothing else tells of the training samples.
        if key == "steps" && contents.lines.iter().any(|l| l.train_loss.is_some()) {
            continue;
        }
        for seconds in [false, true] {
            let traces = contents.manifest.methods.iter().enumerate();
            let traces =
                traces.flat_map(|(i, method)| traces_of(contents, method, i, value, seconds));
            let (name, x) = if seconds {
                ("time", axis("time [s]", true))
            } else {
                ("epochs", axis("epochs", false))
            };
            figures.push(Figure {
                id: format!("{key}-{name}"),
                data: traces.collect(),
                layout: layout(
                    &format!("{} vs. {name}", capital(title)),
                    x,
                    axis(title, true),
                ),
            });
        }
    }
    figures
}

/// The median over seeds, epoch by epoch, and the quartiles as a band.
fn traces_of(
    contents: &Contents,
    method: &str,
    index: usize,
    value: TrainingQuantity,
    seconds: bool,
) -> Vec<Value> {
    let own: Vec<&Line> = contents
        .lines
        .iter()
        .filter(|l| l.method == method)
        .collect();
    let epochs = own.iter().map(|l| l.epoch).max().map_or(0, |e| e + 1);
    let (mut x, mut low, mut high, mut middle) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for epoch in u64::from(seconds)..epochs {
        let at = own.iter().filter(|l| l.epoch == epoch);
        let Some(q) = Quartiles::of(at.clone().filter_map(|l| value(l))) else {
            continue;
        };
        x.push(match seconds {
            true => median(at.map(|l| l.seconds)).unwrap_or(0.0),
            false => epoch as f64,
        });
        low.push(q.lower);
        high.push(q.upper);
        middle.push(q.median);
    }
    let mut traces = Vec::new();
    if contents.manifest.seeds > 1 {
        let edge: Vec<f64> = x.iter().chain(x.iter().rev()).copied().collect();
        let around: Vec<f64> = high.iter().chain(low.iter().rev()).copied().collect();
        traces.push(json!({
            "type": "scatter", "mode": "lines", "x": edge, "y": around, "fill": "toself", "meta": method,
            "line": { "width": 0, "color": colour(index) }, "opacity": 0.25, "hoverinfo": "skip",
        }));
    }
    traces.push(json!({
        "type": "scatter", "mode": if x.len() <= 30 { "lines+markers" } else { "lines" },
        "name": method, "meta": method, "x": x, "y": middle,
        "line": { "color": colour(index), "width": 2 }, "marker": { "color": colour(index), "size": 5 },
        "hovertemplate": format!("{}<br>%{{x}} · %{{y:.4g}}<extra></extra>", escape(method).replace('%', "%%")),
    }));
    traces
}

/// y* and each method's y of two held-out samples: a plot for each quantity of a series over time, else value by value.
fn reconstructions(contents: &Contents) -> Vec<Figure> {
    let Some(target) = contents.field("target") else {
        return Vec::new();
    };
    let count = target.shape.first().copied().unwrap_or(1).max(1);
    let length = target.values.len() / count;
    let series = contents.manifest.series.as_ref();
    let series = series.filter(|s| s.times.len() * s.columns.len() == length);
    // For each plot: its title, its axes, its places, and which values of y it shows.
    let parts: Vec<(String, String, String, Vec<f64>)> = match series {
        Some(series) => {
            let time = format!("time [{}]", series.time_unit);
            let columns = series.columns.iter();
            columns
                .map(|(name, unit)| {
                    let label = format!("{name} [{unit}]");
                    (name.clone(), time.clone(), label, series.times.clone())
                })
                .collect()
        }
        None => {
            let places = (0..length).map(|i| i as f64).collect();
            vec![(
                String::new(),
                "value of y".to_owned(),
                "y".to_owned(),
                places,
            )]
        }
    };
    let width = parts.len();
    let mut figures = Vec::new();
    for sample in 0..count.min(2) {
        for (c, (name, x, y, places)) in parts.iter().enumerate() {
            let one = |values: &[f64]| -> Vec<f64> {
                let own = values.iter().skip(sample * length).take(length);
                own.skip(c).step_by(width).copied().collect()
            };
            let mut data = vec![json!({
                "type": "scatter", "mode": if places.len() <= 64 { "lines+markers" } else { "lines" },
                "name": "y*", "x": places, "y": one(&target.values),
                "line": { "color": "#1c2430", "width": 4 }, "opacity": 0.35,
            })];
            for (i, method) in contents.manifest.methods.iter().enumerate() {
                if let Some(found) = contents.field(&format!("{method}/y")) {
                    data.push(json!({
                        "type": "scatter", "mode": "lines", "name": method, "meta": method, "x": places,
                        "y": one(&found.values), "line": { "color": colour(i), "width": 2 },
                    }));
                }
            }
            let title = match name.as_str() {
                "" => format!("Held-out sample {}", sample + 1),
                name => format!("{}, held-out sample {}", capital(name), sample + 1),
            };
            figures.push(Figure {
                id: format!("sample-{sample}-{c}"),
                data,
                layout: layout(&escape(&title), axis(x, false), axis(y, false)),
            });
        }
    }
    figures
}

/// Light to dark: later epochs stand out.
fn shade(place: usize, of: usize) -> f64 {
    0.25 + 0.75 * (place + 1) as f64 / of.max(1) as f64
}

fn spectra(contents: &Contents) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (i, method) in contents.manifest.methods.iter().enumerate() {
        let Some(outcome) = outcomes(contents, method).first().copied() else {
            continue;
        };
        let spectra = &outcome.diagnosis.spectra;
        if spectra.is_empty() {
            continue;
        }
        let mut data = Vec::new();
        let mut longest = 0;
        let mut largest = 0.0_f64;
        for (place, (epoch, values)) in spectra.iter().enumerate() {
            longest = longest.max(values.len());
            largest = values.first().copied().unwrap_or(0.0);
            // Round-off has no place on a logarithmic axis.
            let shown: Vec<f64> = values.iter().map(|s| s.max(1e-14 * largest)).collect();
            data.push(json!({
                "type": "scatter", "mode": "lines", "meta": method, "name": format!("epoch {epoch}"),
                "y": shown, "opacity": shade(place, spectra.len()),
                "line": { "color": colour(i), "width": 1.5 },
                "hovertemplate": format!("epoch {epoch}<br>σ<sub>%{{x}}</sub> = %{{y:.3g}}<extra></extra>"),
            }));
        }
        if let Some(truncation) = outcome.truncation {
            data.push(json!({
                "type": "scatter", "mode": "lines", "meta": method, "x": [0, longest],
                "y": [truncation * largest, truncation * largest], "hoverinfo": "skip",
                "line": { "color": "#1c2430", "width": 1, "dash": "dot" },
            }));
        }
        figures.push(Figure {
            id: format!("spectrum-{i}"),
            data,
            layout: layout(
                &escape(method),
                axis("index", false),
                axis("singular value", true),
            ),
        });
    }
    figures
}

fn activity(contents: &Contents) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (i, method) in contents.manifest.methods.iter().enumerate() {
        let Some(outcome) = outcomes(contents, method).first().copied() else {
            continue;
        };
        let activity = &outcome.diagnosis.activity;
        let Some((_, layers)) = activity.first().filter(|(_, layers)| !layers.is_empty()) else {
            continue;
        };
        let epochs: Vec<u64> = activity.iter().map(|(epoch, _)| *epoch).collect();
        let data = layers.iter().enumerate().map(|(l, layer)| {
            let share: Vec<Value> = activity
                .iter()
                .map(|(_, layers)| layers.get(l).map_or(Value::Null, |l| json!(100.0 * l.saturated)))
                .collect();
            json!({
                "type": "scatter", "mode": "lines+markers", "meta": method, "name": layer.name,
                "x": epochs, "y": share, "opacity": shade(l, layers.len()),
                "line": { "color": colour(i), "width": 2 },
                "hovertemplate": format!("{}<br>epoch %{{x}}: %{{y:.1f}} %<extra></extra>", escape(&layer.name)),
            })
        });
        let mut y = axis("saturated [%]", false);
        y["range"] = json!([-2, 102]);
        figures.push(Figure {
            id: format!("activity-{i}"),
            data: data.collect(),
            layout: layout(&escape(method), axis("epochs", false), y),
        });
    }
    figures
}

fn provenance(contents: &Contents) -> String {
    let manifest = &contents.manifest;
    let facts: String = manifest
        .facts
        .iter()
        .map(|(key, value)| format!("{}: {}\n", escape(key), escape(value)))
        .collect();
    format!(
        "<details><summary>How to reproduce this</summary>\n<p class=soft>retrodict {}, {} threads. Command: \
         <code>{}</code></p>\n<pre>{facts}</pre></details>\n",
        escape(&manifest.version),
        manifest.threads,
        escape(&manifest.command),
    )
}
