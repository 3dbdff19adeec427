//! Loss and error against steps and against seconds.

use serde_json::{Value, json};

use super::style::colour;
use crate::results::folder::{ProblemFacts, Row};

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
type CurveQuantity<'a> = (&'a str, String, &'a dyn Fn(&Row) -> Option<f64>);

/// What a logarithmic axis can show of 0, and of numbers far from all others.
struct AxisRange {
    floor: f64,
    ceiling: f64,
    hit: bool,
}

/// A method that exploded is shown up to so many times the start.
const EXPLOSION: f64 = 1e3;

impl AxisRange {
    /// From a decade below the smallest positive value, but no more than 20 decades below the
    /// largest, up to a thousand times the largest at the start.
    fn of(values: impl Iterator<Item = f64>, starts: impl Iterator<Item = f64>) -> Self {
        let largest = |a: f64, b: f64| if b.is_finite() { a.max(b) } else { a };
        let start = starts.fold(0.0, largest);
        let ceiling = if start > 0.0 {
            EXPLOSION * start
        } else {
            f64::INFINITY
        };
        let positive = values.filter(|v| *v <= ceiling && *v > 0.0);
        let (low, high) = positive.fold((f64::INFINITY, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
        Self {
            floor: (0.1 * low).max(1e-20 * high).max(1e-300),
            ceiling,
            hit: false,
        }
    }

    fn show(&mut self, value: f64) -> Value {
        if !value.is_finite() {
            return Value::Null;
        }
        let shown = value.max(self.floor).min(self.ceiling);
        self.hit |= shown != value;
        shown.into()
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
    let quantities: [CurveQuantity<'_>; 2] = [
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
        let starts = rows.iter().filter(|r| r.step == 0);
        let mut range = AxisRange::of(
            rows.iter().filter_map(|r| value(r)),
            starts.filter_map(|r| value(r)),
        );
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
                        .map(|r| value(r).map_or(Value::Null, |v| range.show(v)))
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
                "{} vs. {}",
                capital(short),
                if seconds { "time" } else { "steps" }
            );
            let x = if seconds {
                axis("time [s]", true)
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
        hit |= range.hit;
    }
    let note = hit.then(|| {
        "Values that are 0, or more than twenty decades below the largest, are drawn at the lower edge of a \
         logarithmic axis; values above a thousand times the start, at the upper edge."
            .to_owned()
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

/// The word with a capital letter in front.
pub(super) fn capital(word: &str) -> String {
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
    fn zeros_and_explosions_are_drawn_at_the_edges() {
        let values = [1.0, 1e-3, 0.0, f64::NAN, 1e100];
        let mut range = AxisRange::of(values.into_iter(), [1.0].into_iter());
        assert!((range.floor - 1e-4).abs() < 1e-12);
        assert_eq!(range.show(0.5), json!(0.5));
        assert!(!range.hit);
        assert_eq!(range.show(0.0), json!(range.floor));
        assert!(range.hit);
        assert_eq!(range.show(1e100), json!(1e3));
        assert_eq!(range.show(f64::INFINITY), Value::Null);
    }
}
