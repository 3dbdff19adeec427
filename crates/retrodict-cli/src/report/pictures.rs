//! Fields as pictures: one colour scale for all values of a problem, one for all errors.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use png::{BitDepth, ColorType, Compression, Encoder};
use serde_json::json;

use super::curves::{Figure, axis, layout};
use super::style::{colour, escape, number};
use crate::data::Array;
use crate::results::folder::{ProblemFacts, RunContents};

/// Anchors of a scale for values: dark to bright, even in lightness (after viridis).
pub(super) const VALUES: [[u8; 3]; 6] = [
    [68, 1, 84],
    [65, 68, 135],
    [42, 120, 142],
    [34, 168, 132],
    [122, 209, 81],
    [253, 231, 37],
];

/// Anchors of a scale for errors: blue below 0, white at 0, red above.
pub(super) const ERRORS: [[u8; 3]; 5] = [
    [33, 76, 150],
    [140, 178, 218],
    [247, 247, 247],
    [232, 150, 122],
    [165, 25, 40],
];

/// The colour at t in [0, 1].
fn blend(anchors: &[[u8; 3]], t: f64) -> [u8; 3] {
    let position = t.clamp(0.0, 1.0) * (anchors.len() - 1) as f64;
    let low = (position as usize).min(anchors.len() - 2);
    let part = position - low as f64;
    let mut out = [0; 3];
    for (c, out) in out.iter_mut().enumerate() {
        let (a, b) = (f64::from(anchors[low][c]), f64::from(anchors[low + 1][c]));
        *out = (a + part * (b - a)).round() as u8;
    }
    out
}

/// The colour at t in [0, 1] as CSS writes it.
pub(super) fn css(anchors: &[[u8; 3]], t: f64) -> String {
    let [r, g, b] = blend(anchors, t);
    format!("rgb({r},{g},{b})")
}

/// A PNG as a data URI; NaN is grey.
fn data_uri(width: usize, height: usize, pixel: impl Fn(usize) -> [u8; 3]) -> String {
    let pixels: Vec<u8> = (0..width * height).flat_map(pixel).collect();
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, width as u32, height as u32);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&pixels)?;
        writer.finish()
    });
    if written.is_err() {
        return String::new();
    }
    format!("data:image/png;base64,{}", STANDARD.encode(out))
}

/// A field as one picture: itself, or the middle slice of a 3-D field.
struct Slice<'a> {
    width: usize,
    height: usize,
    values: &'a [f64],
}

fn slice(array: &Array) -> Option<Slice<'_>> {
    match array.shape.as_slice() {
        [height, width] => Some(Slice {
            width: *width,
            height: *height,
            values: &array.values,
        }),
        [depth, height, width] => {
            let size = height * width;
            let start = depth / 2 * size;
            let values = array.values.get(start..start + size)?;
            Some(Slice {
                width: *width,
                height: *height,
                values,
            })
        }
        _ => None,
    }
}

/// Whether an array is shown as a picture.
pub(super) fn is_picture(array: &Array) -> bool {
    slice(array).is_some()
}

/// The least and the largest value.
pub(super) fn range<'a>(arrays: impl Iterator<Item = &'a Array>) -> (f64, f64) {
    let values = arrays
        .flat_map(|a| a.values.iter().copied())
        .filter(|v| v.is_finite());
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
        (l.min(v), h.max(v))
    });
    // A flat field, or one without numbers, still needs a scale.
    if low < high { (low, high) } else { (0.0, 1.0) }
}

/// The end of the scale for errors: what 99.5 % of the values of the median method stay below,
/// so that one method that went wrong does not paint all others white.
fn error_scale(truth: &Array, methods: &[(&String, &Array)]) -> f64 {
    let high = |field: &Array| {
        let pairs = field.values.iter().zip(&truth.values);
        let mut sizes: Vec<f64> = pairs
            .map(|(a, b)| (a - b).abs())
            .filter(|d| d.is_finite())
            .collect();
        sizes.sort_by(f64::total_cmp);
        sizes.get(sizes.len() * 995 / 1000).copied().unwrap_or(0.0)
    };
    let mut highs: Vec<f64> = methods.iter().map(|(_, field)| high(field)).collect();
    highs.sort_by(f64::total_cmp);
    let median = highs.get(highs.len() / 2).copied().unwrap_or(0.0);
    if median > 0.0 { median } else { 1.0 }
}

/// The section of a problem's fields; nothing for problems whose x is no field.
pub fn section(
    contents: &RunContents,
    problem: &ProblemFacts,
    order: &[String],
    key: &str,
) -> (String, Vec<Figure>) {
    let field = |what: &str| contents.field(&format!("{}/{what}", problem.name));
    let (target, truth) = (field("target"), field("truth"));
    if problem.x.shape.len() == 1 {
        return lines(contents, problem, order, key, truth, target);
    }
    let (Some(target), Some(truth)) = (target, truth) else {
        return (String::new(), Vec::new());
    };
    let methods: Vec<(&String, &Array)> = order
        .iter()
        .filter_map(|m| field(m).map(|f| (m, f)))
        .collect();
    let same = problem.x.unit == problem.y.unit;
    let scale = range([truth].into_iter().chain(same.then_some(target)));
    let target_scale = if same {
        scale
    } else {
        range([target].into_iter())
    };
    let worst = error_scale(truth, &methods);

    let (mut html, colour_picture) = (String::new(), problem.colour);
    html.push_str("<h3>Fields</h3>\n<p class=soft>");
    html.push_str(if problem.count > 1 && !colour_picture {
        "The first example of the batch. "
    } else {
        ""
    });
    html.push_str(if truth.shape.len() == 3 && !colour_picture {
        "The middle slice of each field. "
    } else {
        ""
    });
    html.push_str("Above: the reconstruction; below: its error x − x* (white is zero). Values beyond a scale are \
         clipped to it");
    html.push_str(if colour_picture {
        " (mean of the three colours).</p>\n"
    } else {
        ".</p>\n"
    });
    html.push_str("<div class=bars>");
    if !colour_picture {
        html.push_str(&bar(&VALUES, scale, &problem.x.name, &problem.x.unit));
        if !same {
            html.push_str(&bar(
                &VALUES,
                target_scale,
                &problem.y.name,
                &problem.y.unit,
            ));
        }
    }
    html.push_str(&bar(
        &ERRORS,
        (-worst, worst),
        "error x − x*",
        &problem.x.unit,
    ));
    html.push_str("</div>\n<div class=fields>\n");

    let show = |array: &Array, scale: (f64, f64)| {
        if colour_picture {
            photograph(array)
        } else {
            coloured(array, &VALUES, scale)
        }
    };
    let mut figure = |image: String, error: Option<String>, title: &str, caption: &str| {
        let error = error
            .map(|e| format!("<img src=\"{e}\" alt=\"error of {0}\">", escape(title)))
            .unwrap_or_default();
        html.push_str(&format!(
            "<figure><img src=\"{image}\" alt=\"{0}\">{error}<figcaption><b>{0}</b>{1}</figcaption></figure>\n",
            escape(title),
            escape(caption)
        ));
    };
    figure(
        show(target, target_scale),
        None,
        "target y*",
        "the observations",
    );
    figure(show(truth, scale), None, "truth x*", "the unknown");
    for (method, array) in methods {
        let difference = difference(array, truth, colour_picture);
        let error = coloured(&difference, &ERRORS, (-worst, worst));
        let ended = contents
            .summary
            .methods
            .iter()
            .find(|m| m.problem == problem.name && m.method == *method);
        let caption = ended.map_or(String::new(), |m| {
            let error = m
                .x_error
                .map_or(String::new(), |e| format!("error {}, ", number(e)));
            format!("{error}{} s", number(m.seconds))
        });
        figure(show(array, scale), Some(error), method, &caption);
    }
    html.push_str("</div>\n");
    (html, Vec::new())
}

fn difference(array: &Array, truth: &Array, colour: bool) -> Array {
    let differences: Vec<f64> = array
        .values
        .iter()
        .zip(&truth.values)
        .map(|(a, b)| a - b)
        .collect();
    if !colour {
        return Array::new(array.shape.clone(), differences);
    }
    let size = differences.len() / 3;
    let mean = (0..size)
        .map(|i| (differences[i] + differences[size + i] + differences[2 * size + i]) / 3.0)
        .collect();
    Array::new(array.shape[1..].to_vec(), mean)
}

/// A field, or the middle slice of one, as a data URI.
pub(super) fn coloured(array: &Array, anchors: &[[u8; 3]], (low, high): (f64, f64)) -> String {
    let Some(picture) = slice(array) else {
        return String::new();
    };
    data_uri(picture.width, picture.height, |i| {
        let value = picture.values[i];
        if value.is_nan() {
            [150; 3]
        } else {
            blend(anchors, (value - low) / (high - low))
        }
    })
}

fn photograph(array: &Array) -> String {
    let [3, height, width] = array.shape[..] else {
        return String::new();
    };
    let byte = |v: f64| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
    let size = height * width;
    data_uri(width, height, |i| {
        [
            byte(array.values[i]),
            byte(array.values[size + i]),
            byte(array.values[2 * size + i]),
        ]
    })
}

/// A colour scale with its ends.
pub(super) fn bar(anchors: &[[u8; 3]], (low, high): (f64, f64), name: &str, unit: &str) -> String {
    let stops: Vec<String> = anchors
        .iter()
        .map(|[r, g, b]| format!("rgb({r},{g},{b})"))
        .collect();
    format!(
        "<div class=bar><i style=\"background:linear-gradient(90deg,{})\"></i>\
         <div><span>{}</span><span>{} [{}]</span><span>{}</span></div></div>",
        stops.join(","),
        number(low),
        escape(name),
        escape(unit),
        number(high)
    )
}

/// 1-D fields as lines; x of two values is shown as paths instead.
fn lines(
    contents: &RunContents,
    problem: &ProblemFacts,
    order: &[String],
    key: &str,
    truth: Option<&Array>,
    target: Option<&Array>,
) -> (String, Vec<Figure>) {
    let count: usize = problem.x.shape.iter().product();
    // A few parameters of a series are no field; its curves show them better.
    if count <= 2 || problem.series.is_some() {
        return (String::new(), Vec::new());
    }
    let line = |name: &str, values: &[f64], colour: &str, dash: &str, meta: &str| {
        json!({ "type": "scatter", "mode": "lines", "name": name, "meta": meta, "y": values,
                "line": { "color": colour, "dash": dash, "width": 2 } })
    };
    let mut data = Vec::new();
    if let Some(truth) = truth {
        data.push(line("truth x*", &truth.values, "#1c2430", "dash", ""));
    }
    if let Some(target) = target
        && problem.x.unit == problem.y.unit
        && target.values.len() == count
        && truth.is_some()
    {
        data.push(line("target y*", &target.values, "#9aa3ad", "dot", ""));
    }
    for (i, method) in order.iter().enumerate() {
        if let Some(field) = contents.field(&format!("{}/{method}", problem.name)) {
            data.push(line(method, &field.values, colour(i), "solid", method));
        }
    }
    let label = format!("{} [{}]", problem.x.name, problem.x.unit);
    let id = format!("{key}-lines");
    let note = match (truth, problem.count) {
        (Some(_), _) => "The truth is dashed.",
        (None, 1) => "",
        (None, _) => "The x of the first problem.",
    };
    let html = format!(
        "<h3>Reconstructions</h3>\n<p class=soft>{note}</p>\n<div class=\"plot tall\" id=\"{id}\"></div>\n"
    );
    let layout = layout("", axis("index", false), axis(&label, false));
    (html, vec![Figure { id, data, layout }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_start_and_end_at_their_anchors() {
        assert_eq!(blend(&VALUES, 0.0), VALUES[0]);
        assert_eq!(blend(&VALUES, 2.0), VALUES[5]);
        assert_eq!(blend(&ERRORS, 0.5), ERRORS[2]);
        assert!(data_uri(2, 2, |_| [1, 2, 3]).starts_with("data:image/png;base64,"));
    }
}
