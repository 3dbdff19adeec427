//! Held-out samples whose y are fields, as pictures: what was asked for, and what each network makes of it.

use super::pictures::{VALUES, bar, coloured, range};
use super::style::escape;
use crate::data::Array;
use crate::training::Contents;

/// Fields with fewer cells along a side are curves rather than pictures.
const LEAST: usize = 8;

/// Samples that are drawn.
const MOST: usize = 4;

/// The pictures; nothing where y is no field of two dimensions.
pub fn section(contents: &Contents) -> Option<String> {
    let target = contents.field("target").filter(|t| is_picture(t))?;
    let label = contents.field("label").filter(|l| is_picture(l));
    let of = |method: &str, what: &str| {
        let array = contents.field(&format!("{method}/{what}"));
        array.filter(|a| is_picture(a))
    };
    let methods = &contents.manifest.methods;
    let y_scale = range([target].into_iter());
    // What x should be sets the scale; where that is not known, what was found.
    let x_scale = match label {
        Some(label) => range([label].into_iter()),
        None => range(methods.iter().filter_map(|m| of(m, "x"))),
    };
    let count = target.shape[0].min(MOST);
    let mut html = format!(
        "<div class=bars>{}{}</div>\n<div class=scroll><table class=film><thead><tr><th></th>",
        bar(&VALUES, y_scale, "y", unit(contents, "y")),
        bar(&VALUES, x_scale, "x", unit(contents, "x"))
    );
    for sample in 1..=count {
        html.push_str(&format!("<th>sample {sample}</th>"));
    }
    html.push_str("</tr></thead><tbody>\n");
    html.push_str(&row("target y*", target, y_scale));
    for method in methods {
        if let Some(y) = of(method, "y") {
            html.push_str(&row(&format!("y of {method}"), y, y_scale));
        }
    }
    if let Some(label) = label {
        html.push_str(&row("true x*", label, x_scale));
    }
    for method in methods {
        if let Some(x) = of(method, "x") {
            html.push_str(&row(&format!("x of {method}"), x, x_scale));
        }
    }
    html.push_str("</tbody></table></div>\n");
    Some(html)
}

/// The unit of x or y, which is the last word of what the folder says of it.
fn unit<'a>(contents: &'a Contents, of: &str) -> &'a str {
    let mut facts = contents.manifest.facts.iter();
    let said = facts.find(|(key, _)| key == of);
    said.and_then(|(_, text)| text.rsplit_once(", in "))
        .map_or("1", |(_, unit)| unit)
}

/// Whether an array holds a field of two dimensions, or several components of one, for each sample.
fn is_picture(array: &Array) -> bool {
    let fields = array.shape.get(1..).unwrap_or_default();
    (2..=3).contains(&fields.len()) && fields[fields.len() - 2..].iter().all(|n| *n >= LEAST)
}

/// One picture for each sample; of several components, the first.
fn row(name: &str, array: &Array, scale: (f64, f64)) -> String {
    let sides = array.shape[array.shape.len() - 2..].to_vec();
    let cells: usize = sides.iter().product();
    let samples = array.shape[0].max(1);
    let name = escape(name);
    let mut html = format!("<tr><td class=left>{name}</td>");
    for (i, values) in array
        .values
        .chunks(array.values.len() / samples)
        .take(MOST)
        .enumerate()
    {
        let field = Array::new(sides.clone(), values[..cells].to_vec());
        let picture = coloured(&field, &VALUES, scale);
        html.push_str(&format!(
            "<td><img src=\"{picture}\" alt=\"{name}, sample {}\"></td>",
            i + 1
        ));
    }
    html.push_str("</tr>\n");
    html
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_pictures_and_curves_do_not() {
        let mut contents = Contents::default();
        contents.manifest.methods = vec!["sip".to_owned()];
        let ramp = |shape: &[usize]| {
            let count = shape.iter().product::<usize>();
            Array::new(shape.to_vec(), (0..count).map(|i| i as f64).collect())
        };
        contents.fields = vec![("target".to_owned(), ramp(&[2, 8, 8]))];
        contents.fields.push(("sip/y".to_owned(), ramp(&[2, 8, 8])));
        contents
            .fields
            .push(("sip/x".to_owned(), ramp(&[2, 2, 8, 8])));
        let html = section(&contents).unwrap();
        assert_eq!(html.matches("<img").count(), 3 * 2);
        contents.fields[0] = ("target".to_owned(), ramp(&[2, 64]));
        assert!(section(&contents).is_none());
    }
}
