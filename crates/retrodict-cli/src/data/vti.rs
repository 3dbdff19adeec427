//! VTI, an image of VTK: fields for ParaView and its like. Written, not read.

use std::fmt::Write;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};

use super::Array;
use super::grid::FieldGrid;
use crate::failure::{Failure, Outcome};

/// A field of up to three axes, or several behind an axis that counts them, as points with their spacing.
pub fn bytes(path: &Path, array: &Array) -> Outcome<Vec<u8>> {
    let grid = array.grid.clone().unwrap_or_default();
    let counted = match (grid.axes.is_empty(), array.colour) {
        (_, true) => 1,
        (true, false) => 0,
        (false, false) => array.shape.len().saturating_sub(grid.axes.len()),
    };
    let (fields, shape) = array.shape.split_at(counted);
    if shape.len() > 3 || shape.is_empty() {
        return Err(Failure::Misuse(format!(
            "cannot write {}: a VTI has one to three axes, the array has the shape {:?}; write .npy instead",
            path.display(),
            array.shape
        )));
    }
    let count: usize = fields.iter().product();
    let size: usize = shape.iter().product();
    // x first.
    let axis = |i: usize| (i < shape.len()).then(|| shape.len() - 1 - i);
    let extent: Vec<String> = (0..3)
        .map(|i| format!("0 {}", axis(i).map_or(0, |at| shape[at].saturating_sub(1))))
        .collect();
    let known = |i: usize| axis(i).and_then(|at| grid.axes.get(at));
    let triple = |of: &dyn Fn(usize) -> f64| {
        let numbers: Vec<String> = (0..3).map(|i| of(i).to_string()).collect();
        numbers.join(" ")
    };
    let spacing = |i: usize| known(i).and_then(|axis| axis.spacing).unwrap_or(1.0);
    // VTK wants steps upwards: what runs down begins at its other end.
    let is_down = |i: usize| spacing(i) < 0.0;
    let origin = |i: usize| {
        let first = known(i).map_or(0.0, |axis| axis.origin);
        let last = axis(i).map_or(0, |at| shape[at].saturating_sub(1));
        match is_down(i) {
            true => first + spacing(i) * last as f64,
            false => first,
        }
    };
    let extent = extent.join(" ");
    let mut text = format!(
        "<?xml version=\"1.0\"?>\n<VTKFile type=\"ImageData\" version=\"1.0\" byte_order=\"LittleEndian\" \
         header_type=\"UInt64\">\n<ImageData WholeExtent=\"{extent}\" Origin=\"{}\" Spacing=\"{}\">\n\
         <Piece Extent=\"{extent}\">\n<PointData>\n",
        triple(&origin),
        triple(&|i| spacing(i).abs())
    );
    let down: Vec<bool> = (0..shape.len())
        .map(|at| is_down(shape.len() - 1 - at))
        .collect();
    for (i, field) in array.values.chunks(size.max(1)).enumerate().take(count) {
        let values = upwards(field, shape, &down);
        let mut data = ((8 * values.len()) as u64).to_le_bytes().to_vec();
        data.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "<DataArray type=\"Float64\" Name=\"{}\" format=\"binary\">\n{}\n</DataArray>",
            escaped(&name(&grid, i, count)),
            BASE64_STANDARD.encode(data)
        );
    }
    text.push_str("</PointData>\n</Piece>\n</ImageData>\n</VTKFile>\n");
    Ok(text.into_bytes())
}

/// What a field is called, with its unit and, of several, its number.
fn name(grid: &FieldGrid, i: usize, count: usize) -> String {
    let name = match grid.name.as_str() {
        "" => "field",
        name => name,
    };
    let unit = match grid.unit.as_str() {
        "" => String::new(),
        unit => format!(" [{unit}]"),
    };
    match count {
        1 => format!("{name}{unit}"),
        _ => format!("{name} {}{unit}", i + 1),
    }
}

/// A field with the axes turned round that run down.
fn upwards(field: &[f64], shape: &[usize], down: &[bool]) -> Vec<f64> {
    if !down.contains(&true) {
        return field.to_vec();
    }
    let place = |mut at: usize| {
        let mut place = 0;
        let mut stride = 1;
        for (length, down) in shape.iter().zip(down).rev() {
            let i = at % length;
            at /= length;
            place += stride * if *down { length - 1 - i } else { i };
            stride *= length;
        }
        place
    };
    (0..field.len()).map(|at| field[place(at)]).collect()
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::data::grid::GridAxis;

    #[test]
    fn points_have_their_spacing_name_and_unit() {
        let axis = |spacing: f64, origin: f64| GridAxis {
            spacing: Some(spacing),
            origin,
            ..GridAxis::default()
        };
        let grid = FieldGrid {
            name: "a<b".to_owned(),
            unit: "K".to_owned(),
            axes: vec![axis(-0.5, 3.0), axis(2.0, 1.0)],
        };
        let array = Array {
            grid: Some(grid),
            ..Array::new(vec![2, 2, 3], (0..12).map(f64::from).collect())
        };
        let text = String::from_utf8(bytes(Path::new("a.vti"), &array).unwrap()).unwrap();
        assert!(
            text.contains("WholeExtent=\"0 2 0 1 0 0\" Origin=\"1 2.5 0\" Spacing=\"2 0.5 1\""),
            "{text}"
        );
        assert!(
            text.contains("Name=\"a&lt;b 1 [K]\"") && text.contains("Name=\"a&lt;b 2 [K]\""),
            "{text}"
        );
        let first = text
            .lines()
            .skip_while(|line| !line.starts_with("<DataArray"))
            .nth(1)
            .unwrap();
        let data = BASE64_STANDARD.decode(first).unwrap();
        assert_eq!(data[..8], 48_u64.to_le_bytes());
        let values: Vec<f64> = data[8..]
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| f64::from_le_bytes(*b))
            .collect();
        // The second row is the lower one.
        assert_eq!(values, [3.0, 4.0, 5.0, 0.0, 1.0, 2.0]);
        let four = Array::new(vec![1; 4], vec![0.0]);
        let message = bytes(Path::new("a.vti"), &four).unwrap_err().to_string();
        assert!(message.contains("one to three axes"), "{message}");
    }
}
