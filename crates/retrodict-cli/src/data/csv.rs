use std::fmt::Write;
use std::path::Path;

use super::Array;
use crate::failure::{Failure, Outcome};

/// Numbers separated by commas, semicolons or blanks; a line is a row. Lines that start with #
/// and a first line of words are passed over. One row or one column makes a vector.
pub fn read(path: &Path, bytes: &[u8]) -> Outcome<Array> {
    let text = std::str::from_utf8(bytes).map_err(|e| Failure::unreadable(path, e))?;
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line
            .split(|c: char| c == ',' || c == ';' || c.is_whitespace())
            .filter(|w| !w.is_empty())
            .collect();
        let row: Result<Vec<f64>, &str> = words.iter().map(|w| w.parse().map_err(|_| *w)).collect();
        match row {
            Ok(row) => rows.push(row),
            Err(_) if rows.is_empty() && number == 0 => {}
            Err(word) => {
                return Err(Failure::unreadable(
                    path,
                    format!("line {}: '{word}' is not a number", number + 1),
                ));
            }
        }
        let width = rows.first().map_or(0, Vec::len);
        if rows.last().is_some_and(|row| row.len() != width) {
            return Err(Failure::unreadable(
                path,
                format!(
                    "line {}: it has not {width} values as the first row",
                    number + 1
                ),
            ));
        }
    }
    if rows.is_empty() {
        return Err(Failure::unreadable(path, "it holds no numbers"));
    }
    let (height, width) = (rows.len(), rows[0].len());
    let shape = if height == 1 || width == 1 {
        vec![height * width]
    } else {
        vec![height, width]
    };
    Ok(Array::new(shape, rows.concat()))
}

/// A row a line, in full precision; a vector is written as a column.
pub fn bytes(path: &Path, array: &Array) -> Outcome<Vec<u8>> {
    let width = match array.shape.as_slice() {
        [_] => 1,
        [_, width] => *width,
        shape => {
            return Err(Failure::Misuse(format!(
                "cannot write {}: a table has at most two axes, the array has the shape {shape:?}; \
                 write .npy instead",
                path.display()
            )));
        }
    };
    let mut text = String::new();
    for row in array.values.chunks(width) {
        for (i, value) in row.iter().enumerate() {
            let separator = if i == 0 { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(text, "{separator}{value}");
        }
        text.push('\n');
    }
    Ok(text.into_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tables_come_back_and_mistakes_are_located() {
        let path = Path::new("a.csv");
        let array = Array::new(vec![2, 2], vec![1.0, 0.1, -3.0, 1e-30]);
        assert_eq!(read(path, &bytes(path, &array).unwrap()).unwrap(), array);
        assert_eq!(read(path, b"x\n1\n2\n").unwrap().shape, [2]);
        let message = read(path, b"1,2\n3,four\n").unwrap_err().to_string();
        assert!(
            message.contains("line 2: 'four' is not a number"),
            "{message}"
        );
        assert!(read(path, b"1,2\n3\n").is_err());
        assert!(read(path, b"").is_err());
    }
}
