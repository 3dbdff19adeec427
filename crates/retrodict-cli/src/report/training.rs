//! The report of a training.

use serde_json::{Value, json};

use super::curves::{Figure, axis, layout};
use super::page::{chips, document, pairs};
use super::samples;
use super::style::{colour, escape, number};
use crate::results::verdict::of_training;
use crate::terminal::text::duration;
use crate::training::{Contents, Line, MethodOutcome, last, remarks};

/// The HTML of the report.
pub fn build(contents: &Contents) -> String {
    let manifest = &contents.manifest;
    let mut figures = Vec::new();
    let mut body = format!(
        "<h1>{}</h1>\n{}<p>{}</p>\n<p class=soft>{}</p>\n",
        escape(&manifest.title),
        of_training(contents).map_or(String::new(), |sentence| format!(
            "<p class=lead>{}.</p>\n",
            escape(&sentence)
        )),
        escape(&manifest.sentence),
        escape(&manifest.source)
    );
    if manifest.interrupted {
        body.push_str(
            "<p class=note>The training was interrupted; the results so far are shown.</p>\n",
        );
    }
    body.push_str("<section>\n");
    body.push_str(&ranking(contents));
    for remark in remarks(contents) {
        body.push_str(&format!("<p class=note>{}</p>\n", escape(&remark)));
    }
    body.push_str("<h2>Learning</h2>\n<p class=soft>Lower and further left is better. ");
    if manifest.seeds > 1 {
        body.push_str(&format!(
            "Lines are means over {} seeds, bands their range. ",
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
            "y = P(x) for the network's x, beside the target y*.",
            if pictures.is_none() {
                reconstructions(contents)
            } else {
                Vec::new()
            },
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

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// The methods, best first.
fn ranking(contents: &Contents) -> String {
    let order = &contents.manifest.methods;
    let mut ranked: Vec<(usize, f64, Vec<&MethodOutcome>)> = order
        .iter()
        .enumerate()
        .map(|(i, method)| (i, outcomes(contents, method)))
        .filter(|(_, all)| !all.is_empty())
        .map(|(i, all)| (i, mean(all.iter().map(|o| o.loss)), all))
        .collect();
    ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
    let known = contents.lines.iter().any(|l| l.x_half_square.is_some());
    let mut rows = String::new();
    for (place, (i, loss, all)) in ranked.iter().enumerate() {
        let first = all[0];
        let of = |pick: &dyn Fn(&MethodOutcome) -> f64| mean(all.iter().map(|o| pick(o)));
        let at_end = |pick: fn(&Line) -> Option<f64>| {
            let values: Vec<f64> = all
                .iter()
                .filter_map(|o| last(contents, o).and_then(pick))
                .collect();
            if values.is_empty() {
                "–".to_owned()
            } else {
                number(mean(values.into_iter()))
            }
        };
        let error = if known {
            format!(
                "<td>{}</td><td>{}</td>",
                at_end(|l| l.x_half_square),
                at_end(|l| l.x_distance)
            )
        } else {
            String::new()
        };
        rows.push_str(&format!(
            "<tr><td>{}</td><td class=left><span class=swatch style=\"background:{}\"></span>{}\
             <div class=under>{}, {}, batch {}</div></td><td>{}</td><td>{}</td>{error}\
             <td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.0} / {:.0} / {:.0} %</td>\
             <td class=ended>{}</td></tr>\n",
            place + 1,
            colour(*i),
            escape(&first.method),
            escape(&first.strategy),
            escape(&first.rule),
            first.batch,
            number(*loss),
            at_end(|l| l.train_loss.or(l.running_loss)),
            first.epochs,
            first.steps,
            duration(of(&|o| o.seconds)),
            duration(of(&|o| o.seconds / o.steps.max(1) as f64)),
            100.0 * of(&|o| o.shares[0]),
            100.0 * of(&|o| o.shares[1]),
            100.0 * of(&|o| o.shares[2]),
            first.status,
        ));
    }
    let error = if known {
        "<th>½‖x − x*‖²</th><th>‖x − x*‖</th>"
    } else {
        ""
    };
    format!(
        "<div class=scroll><table class=ranking><thead><tr><th>#</th><th class=left>method</th><th>best test loss</th><th>train loss</th>{error}\
         <th>epochs</th><th>steps</th><th>time</th><th>per step</th><th>network / physics<br>/ inversion</th>\
         <th class=left>ended</th></tr></thead><tbody>\n{rows}</tbody></table></div>\n\
         <p class=soft>Best first, by the loss on held-out samples. The last columns break down the time of a \
         step.</p>\n"
    )
}

/// What is drawn of a line.
type TrainingQuantity = fn(&Line) -> Option<f64>;

fn curves(contents: &Contents) -> Vec<Figure> {
    let quantities: [(&str, &str, TrainingQuantity); 3] = [
        ("test", "loss on held-out samples", |l| l.test_loss),
        ("train", "loss on training samples", |l| {
            l.train_loss.or(l.running_loss)
        }),
        ("x", "½‖x − x*‖² on held-out samples", |l| {
            l.x_half_square
        }),
    ];
    let mut figures = Vec::new();
    for (key, title, value) in quantities {
        if contents.lines.iter().all(|l| value(l).is_none()) {
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
            let mut capital = title.to_owned();
            if let Some(first) = capital.get_mut(0..1) {
                first.make_ascii_uppercase();
            }
            figures.push(Figure {
                id: format!("{key}-{name}"),
                data: traces.collect(),
                layout: layout(&format!("{capital} vs. {name}"), x, axis(title, true)),
            });
        }
    }
    figures
}

/// The mean over seeds, epoch by epoch, and the range as a band.
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
        let at: Vec<&&Line> = own.iter().filter(|l| l.epoch == epoch).collect();
        let values: Vec<f64> = at.iter().filter_map(|l| value(l)).collect();
        if values.is_empty() {
            continue;
        }
        x.push(if seconds {
            mean(at.iter().map(|l| l.seconds))
        } else {
            epoch as f64
        });
        low.push(values.iter().copied().fold(f64::INFINITY, f64::min));
        high.push(values.iter().copied().fold(0.0, f64::max));
        middle.push(mean(values.into_iter()));
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

/// y* and each method's y of two held-out samples, value by value.
fn reconstructions(contents: &Contents) -> Vec<Figure> {
    let Some(target) = contents.field("target") else {
        return Vec::new();
    };
    let count = target.shape.first().copied().unwrap_or(1).max(1);
    let length = target.values.len() / count;
    let mut figures = Vec::new();
    for sample in 0..count.min(2) {
        let one = |values: &[f64]| values[sample * length..(sample + 1) * length].to_vec();
        let places: Vec<usize> = (0..length).collect();
        let mut data = vec![json!({
            "type": "scatter", "mode": if length <= 64 { "lines+markers" } else { "lines" },
            "name": "y*", "x": places, "y": one(&target.values),
            "line": { "color": "#1c2430", "width": 4 }, "opacity": 0.35,
        })];
        for (i, method) in contents.manifest.methods.iter().enumerate() {
            if let Some(y) = contents.field(&format!("{method}/y")) {
                data.push(json!({
                    "type": "scatter", "mode": "lines", "name": method, "meta": method, "x": places,
                    "y": one(&y.values), "line": { "color": colour(i), "width": 2 },
                }));
            }
        }
        figures.push(Figure {
            id: format!("sample-{sample}"),
            data,
            layout: layout(
                &format!("Held-out sample {}", sample + 1),
                axis("value of y", false),
                axis("y", false),
            ),
        });
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
