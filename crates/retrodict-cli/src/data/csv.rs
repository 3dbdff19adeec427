//! Tables as text: numbers in lines, with or without a heading.

mod cell;
mod comma;
mod decode;
mod table;

use std::fmt::Write;
use std::path::Path;

use super::Array;
use crate::failure::{Failure, Outcome};
use decode::decode;
use table::Table;

/// An array from a table of numbers, whole or one column of it, by its name or its number from 1. One row or one column
/// makes a vector. With `gaps`, cells that are empty or say NA are NaN.
pub fn read(path: &Path, bytes: &[u8], column: Option<&str>, gaps: bool) -> Outcome<Array> {
    let unreadable = |why: String| Failure::unreadable(path, why);
    let text = decode(bytes).map_err(unreadable)?;
    let table = Table::parse(&text).map_err(unreadable)?;
    let chosen = column
        .map(|wanted| table.column(wanted))
        .transpose()
        .map_err(unreadable)?;
    table.check(chosen, gaps).map_err(unreadable)?;
    Ok(table.array(chosen))
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
    for row in array.values.chunks(width.max(1)) {
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

    fn whole(text: impl AsRef<[u8]>) -> Outcome<Array> {
        read(Path::new("a.csv"), text.as_ref(), None, false)
    }

    #[test]
    fn tables_come_back_and_mistakes_are_located() {
        let path = Path::new("a.csv");
        let array = Array::new(vec![2, 2], vec![1.0, 0.1, -3.0, 1e-30]);
        let back = whole(bytes(path, &array).unwrap()).unwrap();
        assert_eq!((back.shape, back.values), (array.shape, array.values));
        assert_eq!(whole("x\n1\n2\n").unwrap().shape, [2]);
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        for text in [
            "\u{feff}1.5\r\n-2\r\n3\r\n",
            "1.5\n-2\n3\n\n \n",
            "y\n1.5\n-2\n3",
            "# made today\n\n\"y, in K\"\n1.5\n-2\n3",
            "temperature in K\n1.5\n-2\n3",
            "\"1.5\"\n\"-2\"\n\"3\"",
            "1.5,-2,3\n",
            "1.5;-2;3",
            "sep=;\r\n1.5;-2;3\r\n",
            "1.5\t-2\t3",
            "1.5, -2,\t3",
            "1.5\r-2\r3\r",
        ] {
            let array = whole(text).unwrap();
            assert_eq!(array.values, [1.5, -2.0, 3.0], "{text:?}");
            assert_eq!(array.shape, [3], "{text:?}");
            assert!(array.columns.is_empty(), "{text:?}");
        }
        for text in [
            "t,y\n0,1\n1,2\n",
            "\"t\";\"y\"\n0;1\n\n1;2\n",
            "t\ty\t\n0\t1\t\n1\t2\t\n",
            "# t y\n0 1\n1 2",
        ] {
            let array = whole(text).unwrap();
            assert_eq!(
                (&array.shape[..], &array.columns[..]),
                (&[2, 2][..], &["t".to_owned(), "y".to_owned()][..]),
                "{text:?}"
            );
        }
    }

    #[test]
    fn no_line_is_dropped_and_what_is_wrong_is_named() {
        for (text, part) in [
            (
                "0.0x\n1\n2\n",
                "line 1: '0.0x' is not a number; nor is the line a header",
            ),
            ("1..5\n1\n", "line 1: '1..5'"),
            ("-1O\n1\n", "line 1: '-1O'"),
            ("time,1.0\n1,2\n", "line 1: 'time' is not a number"),
            ("x\ny\n1\n", "line 2: 'y' is not a number"),
            ("1,2\n3,four\n", "line 2: 'four' is not a number"),
            (
                "1,2\n3\n",
                "line 2: it has 1 values, but the first row has 2",
            ),
            (
                "a,b,c\n1,2\n3,4\n",
                "its header names 3 columns (a, b, c), but its rows have 2",
            ),
            ("", "it contains no numbers"),
            ("x\n", "it contains no numbers"),
            ("1\n\n2\n", "line 2, column 1: the cell is empty"),
            (
                "t,y\n0,1\n1,\n2,3\n",
                "line 3, column 2 (y): the cell is empty",
            ),
            (
                "0,1\n1,NA\n",
                "line 2, column 2: 'NA' is not a finite number",
            ),
            ("1\nnan\n", "--missing"),
            ("1\ninf\n", "line 2, column 1: it holds inf"),
            (
                "1,5;2,5\n3,5;4,5\n",
                "line 1: '1,5' has a decimal comma: write 1.5, not 1,5",
            ),
            ("y\n1\n2,5\n", "decimal comma"),
            ("1,5 2,5\n3,5 4\n", "decimal comma"),
            ("1,5\t2,5\n", "decimal comma"),
            ("\"1,5\"\n\"2,5\"\n", "decimal comma"),
            (
                "y\n0,5\n1,5\n",
                "line 2: '0,5' has a decimal comma: write 0.5",
            ),
            ("1,50\n2,05\n", "line 2: '2,05' has a decimal comma"),
            ("-0,5\n2,5\n", "line 1: '-0,5' has a decimal comma"),
        ] {
            let message = whole(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text:?}: {message}");
        }
        let wide: Vec<u8> = "1\n2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [&[0xff, 0xfe][..], &wide].concat();
        for bytes in [&wide[..], &marked] {
            let message = whole(bytes).unwrap_err().to_string();
            assert!(message.contains("UTF-16"), "{message}");
        }
        let message = whole(b"\xb5m\n1\n").unwrap_err().to_string();
        assert!(message.contains("line 1: the byte 0xb5"), "{message}");
    }

    #[test]
    fn missing_values_are_nan_where_they_may_be() {
        let path = Path::new("a.csv");
        for text in [
            "1\n\n3\n",
            "1\nNA\n3",
            "y\n1\n\"\"\n3",
            "1\n#N/A\n3\n",
            "1,,3",
        ] {
            let array = read(path, text.as_bytes(), None, true).unwrap();
            assert_eq!(array.shape, [3], "{text:?}");
            assert!(
                array.values[1].is_nan() && array.values[2] == 3.0,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_column_is_picked_by_name_or_number() {
        let text = b"time,height [m]\n0,5\n1,7\n2,\n";
        let pick = |name: &str, gaps| read(Path::new("a.csv"), text, Some(name), gaps);
        assert_eq!(pick("time", false).unwrap().values, [0.0, 1.0, 2.0]);
        assert_eq!(pick("1", false).unwrap().values, [0.0, 1.0, 2.0]);
        assert_eq!(pick("height [m]", true).unwrap().values[..2], [5.0, 7.0]);
        for (name, part) in [
            ("2", "line 4, column 2 (height [m])"),
            (
                "tme",
                "no column 'tme' (did you mean 'time'?); it has 2 columns: time, height [m]",
            ),
            ("3", "it has 2 columns"),
            ("0", "it has 2 columns"),
        ] {
            let message = pick(name, false).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        let message = read(Path::new("a.csv"), b"y,y\n1,2\n", Some("y"), false);
        let message = message.unwrap_err().to_string();
        assert!(
            message.contains("2 of its columns are called 'y'"),
            "{message}"
        );
    }
}
