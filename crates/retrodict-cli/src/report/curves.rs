//! Loss and error against steps and against seconds.

use serde_json::{Value, json};

use super::style::colour;
use crate::folder::{ProblemFacts, Row};

/// A figure for plotly.js.
pub struct Figure {
    /// The id of its element.
    pub id: String,
    /// Its traces.
    pub data: Vec<Value>,
    /// Its layout.
    pub layout: Value,
}

/// The layout that all figures share.
pub fn layout(title: &str, x: Value, y: Value) -> Value {
    json!({
        "title": { "text": title, "font": { "size": 15 }, "x": 0, "xref": "paper", "xanchor": "left" },
        "font": { "family": "system-ui, sans-serif", "size": 13, "color": "#1c2430" },
        "margin": { "l": 70, "r": 12, "t": 40, "b": 52 },
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": false, "hovermode": "closest",
        "xaxis": x, "yaxis": y,
    })
}

/// An axis with a title.
pub fn axis(title: &str, logarithmic: bool) -> Value {
    let mut axis = json!({
        "title": { "text": title, "standoff": 8 }, "automargin": true,
        "gridcolor": "#e8ebef", "zeroline": false, "linecolor": "#c9d0d8", "showline": true,
    });
    if logarithmic {
        axis["type"] = "log".into();
        axis["exponentformat"] = "power".into();
    }
    axis
}

/// What is drawn of a row.
type Quantity<'a> = (&'a str, String, &'a dyn Fn(&Row) -> Option<f64>);

/// What a logarithmic axis can show of 0 and of numbers below its floor.
struct Floor {
    value: f64,
    hit: bool,
}

impl Floor {
    /// A decade below the smallest positive value, but no more than 20 decades below the largest.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let positive = values.filter(|v| v.is_finite() && *v > 0.0);
        let (low, high) = positive.fold((f64::INFINITY, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
        Self {
            value: (0.1 * low).max(1e-20 * high).max(1e-300),
            hit: false,
        }
    }

    fn raise(&mut self, value: f64) -> Value {
        if !value.is_finite() {
            return Value::Null;
        }
        if value < self.value {
            self.hit = true;
            return self.value.into();
        }
        value.into()
    }
}

/// Four figures: loss and error against steps and seconds; and a note if something lies below
/// what the axes show.
pub fn figures(
    key: &str,
    problem: &ProblemFacts,
    rows: &[&Row],
    order: &[String],
) -> (Vec<Figure>, Option<String>) {
    let mut figures = Vec::new();
    let mut hit = false;
    let loss = |r: &Row| Some(r.loss);
    let error = |r: &Row| r.x_error;
    let quantities: [Quantity<'_>; 2] = [
        (
            "loss",
            format!("loss  {}  [{}]", problem.loss, squared(&problem.y.unit)),
            &loss,
        ),
        (
            "error",
            format!("error  {}  [{}]", problem.error, problem.x.unit),
            &error,
        ),
    ];
    for (short, label, value) in quantities {
        if rows.iter().all(|r| value(r).is_none()) {
            continue;
        }
        let mut floor = Floor::of(rows.iter().filter_map(|r| value(r)));
        for seconds in [false, true] {
            let data = order
                .iter()
                .enumerate()
                .filter_map(|(i, method)| {
                    let own: Vec<&&Row> = rows.iter().filter(|r| r.method == *method).collect();
                    let (own, marks) = if seconds { (&own[1.min(own.len())..], true) } else { (&own[..], false) };
                    if own.is_empty() {
                        return None;
                    }
                    let x: Vec<f64> = own
                        .iter()
                        .map(|r| if seconds { r.seconds.max(1e-7) } else { r.step as f64 })
                        .collect();
                    let y: Vec<Value> = own
                        .iter()
                        .map(|r| value(r).map_or(Value::Null, |v| floor.raise(v)))
                        .collect();
                    let mode = if own.len() <= 12 || marks && own.len() <= 2 { "lines+markers" } else { "lines" };
                    Some(json!({
                        "type": "scatter", "mode": mode, "name": method, "meta": method,
                        "x": x, "y": y, "line": { "color": colour(i), "width": 2 },
                        "marker": { "color": colour(i), "size": 6 },
                        "hovertemplate": format!("{}<br>%{{x}} · %{{y:.4g}}<extra></extra>", escape_template(method)),
                    }))
                })
                .collect();
            let title = format!(
                "{} against {}",
                capital(short),
                if seconds { "time" } else { "steps" }
            );
            let x = if seconds {
                axis("seconds [s]", true)
            } else {
                axis("steps", false)
            };
            figures.push(Figure {
                id: format!(
                    "{key}-{short}-{}",
                    if seconds { "seconds" } else { "steps" }
                ),
                data,
                layout: layout(&title, x, axis(&label, true)),
            });
        }
        hit |= floor.hit;
    }
    let note = hit.then(|| {
        "Values that are 0, or beyond twenty decades, are drawn at the lower edge of a logarithmic axis.".to_owned()
    });
    (figures, note)
}

fn squared(unit: &str) -> String {
    if unit == "1" {
        "1".to_owned()
    } else {
        format!("{unit}²")
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|c| c.to_uppercase().collect::<String>())
        .unwrap_or_default()
        + letters.as_str()
}

/// plotly.js reads a small HTML dialect in hover texts.
fn escape_template(text: &str) -> String {
    super::style::escape(text).replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_drawn_at_the_floor() {
        let mut floor = Floor::of([1.0, 1e-3, 0.0, f64::NAN].into_iter());
        assert!((floor.value - 1e-4).abs() < 1e-12);
        assert_eq!(floor.raise(0.5), json!(0.5));
        assert!(!floor.hit);
        assert_eq!(floor.raise(0.0), json!(floor.value));
        assert!(floor.hit);
        assert_eq!(floor.raise(f64::INFINITY), Value::Null);
    }
}
