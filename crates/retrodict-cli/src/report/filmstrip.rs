//! The way from x to y as a strip of frames, for the truth and for each method.

use super::curves::capital;
use super::pictures::{VALUES, bar, coloured, range};
use super::style::escape;
use crate::data::Array;
use crate::results::folder::{ProblemFacts, RunContents};

/// The strips; nothing for problems whose y is no picture that comes about in time.
pub fn section(contents: &RunContents, problem: &ProblemFacts, order: &[String]) -> String {
    let truth = contents.field(&format!("{}/film", problem.name));
    let Some(truth) = truth.filter(|film| film.shape.len() == 3) else {
        return String::new();
    };
    let scale = range([truth].into_iter());
    let mut html = format!(
        "<h3>From x to y</h3>\n<p class=soft>{} after some of the steps, from the true x and from that of each \
         method. The last frame is the only one that a method has to match.</p>\n<div class=bars>{}</div>\n\
         <div class=scroll><table class=film><thead><tr><th class=left>x of</th>",
        escape(&capital(&problem.y.name)),
        bar(&VALUES, scale, &problem.y.name, &problem.y.unit)
    );
    for step in &problem.film {
        html.push_str(&format!("<th>step {step}</th>"));
    }
    html.push_str("</tr></thead><tbody>\n");
    html.push_str(&strip("the truth", truth, scale));
    for method in order {
        if let Some(film) = contents.field(&format!("{}/{method}/film", problem.name)) {
            html.push_str(&strip(method, film, scale));
        }
    }
    html.push_str("</tbody></table></div>\n");
    html
}

fn strip(name: &str, film: &Array, scale: (f64, f64)) -> String {
    let [frames, height, width] = film.shape[..] else {
        return String::new();
    };
    let name = escape(name);
    let mut html = format!("<tr><td class=left>{name}</td>");
    for (i, values) in film.values.chunks(height * width).take(frames).enumerate() {
        let picture = coloured(
            &Array::new(vec![height, width], values.to_vec()),
            &VALUES,
            scale,
        );
        html.push_str(&format!(
            "<td><img src=\"{picture}\" alt=\"frame {} of {name}\"></td>",
            i + 1
        ));
    }
    html.push_str("</tr>\n");
    html
}
