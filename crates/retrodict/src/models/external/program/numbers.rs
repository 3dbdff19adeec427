//! Numbers out of JSON, as programs of any language write them: nested lists, and NaN in whatever way.

use serde_json::Value;

/// Reads JSON in which NaN and infinities may stand as Python's `json` writes them, without quotes.
pub(super) fn parse(text: &[u8]) -> Result<Value, serde_json::Error> {
    match serde_json::from_slice(text) {
        Err(error) => match quoted(text) {
            Some(text) => serde_json::from_slice(&text),
            None => Err(error),
        },
        value => value,
    }
}

/// The text with bare `NaN` and `Infinity` as strings, where there are any.
fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    const BARE: [&[u8]; 3] = [b"NaN", b"-Infinity", b"Infinity"];
    let (mut out, mut found) = (Vec::with_capacity(text.len() + 16), false);
    let (mut inside, mut at) = (false, 0);
    while let Some(byte) = text.get(at) {
        let word = match inside {
            true => None,
            false => BARE.iter().find(|word| text[at..].starts_with(word)),
        };
        if let Some(word) = word {
            out.push(b'"');
            out.extend_from_slice(word);
            out.push(b'"');
            (at, found) = (at + word.len(), true);
            continue;
        }
        if inside && *byte == b'\\' {
            // What is escaped ends no string.
            out.extend(text[at..].iter().take(2));
            at += 2;
            continue;
        }
        inside ^= *byte == b'"';
        out.push(*byte);
        at += 1;
    }
    found.then_some(out)
}

/// The numbers of an array of about this shape, in row order; `null` is NaN.
///
/// How many there are is left to whoever asks: only a matrix that lies the other way round is refused.
pub(super) fn array(value: &Value, shape: &[usize]) -> Result<Vec<f64>, String> {
    if let Some(rows) = value.as_array() {
        let widths: Option<Vec<usize>> =
            rows.iter().map(|row| Some(row.as_array()?.len())).collect();
        if let Some([first, ..]) = widths.as_deref() {
            expect_rows(&[rows.len(), *first], shape)?;
        }
    }
    let mut numbers = Vec::new();
    flatten(value, &mut numbers)?;
    Ok(numbers)
}

/// A matrix the other way round has as many numbers, but not those that were asked for.
pub(super) fn expect_rows(found: &[usize], shape: &[usize]) -> Result<(), String> {
    match (found, shape) {
        ([a, b], [m, n]) if (a, b) != (m, n) && a * b == m * n && *m > 1 && *n > 1 => {
            let how = if (a, b) == (n, m) {
                "write its transpose"
            } else {
                "write a row for each value of y"
            };
            Err(format!(
                "its shape is [{a}, {b}], expected [{m}, {n}]: {how}"
            ))
        }
        _ => Ok(()),
    }
}

/// Lists of lists are read in row order.
fn flatten(value: &Value, numbers: &mut Vec<f64>) -> Result<(), String> {
    let number = match value {
        Value::Array(items) => {
            return items.iter().try_for_each(|item| flatten(item, numbers));
        }
        Value::Null => Some(f64::NAN),
        // "NaN" and "-inf", but no "1.5": a number in quotes is a mistake elsewhere.
        Value::String(text) => text.parse().ok().filter(|v: &f64| !v.is_finite()),
        other => other.as_f64(),
    };
    numbers.push(number.ok_or_else(|| {
        format!("it holds {value} among the numbers; write a list such as [1.0, 2.5]")
    })?);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str, shape: &[usize]) -> Result<Vec<f64>, String> {
        array(&parse(text.as_bytes()).unwrap(), shape)
    }

    #[test]
    fn lists_of_lists_are_rows_and_nan_may_be_written_in_any_way() {
        assert_eq!(
            read("[[1, 2], [3, 4]]", &[4]).unwrap(),
            [1.0, 2.0, 3.0, 4.0]
        );
        let odd = r#"[null, NaN, "NaN", "nan", Infinity, -Infinity, "-inf"]"#;
        let odd = read(odd, &[7]).unwrap();
        assert!(odd[..4].iter().all(|v| v.is_nan()), "{odd:?}");
        assert_eq!(odd[4..], [f64::INFINITY, -f64::INFINITY, -f64::INFINITY]);
        for (text, part) in [
            (r#"[1, "two"]"#, "\"two\" among the numbers"),
            (r#"[1, "2.0"]"#, "\"2.0\" among the numbers"),
            ("[true]", "true among the numbers"),
            (r#"{"y": 1}"#, "write a list"),
        ] {
            let message = read(text, &[2]).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn strings_are_left_alone_and_nonsense_stays_nonsense() {
        let text = br#"{"error": "NaN in \"Infinity\"", "value": [NaN]}"#;
        let value = parse(text).unwrap();
        assert_eq!(value["error"], "NaN in \"Infinity\"");
        for text in ["[1, NaN", "NaNs", "[Inf]", "", "\"NaN", "\\NaN"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_matrix_the_other_way_round_is_refused() {
        let wide = "[[1, 2, 3], [4, 5, 6]]";
        assert!(read(wide, &[2, 3]).is_ok());
        assert!(read("[1, 2, 3, 4, 5, 6]", &[2, 3]).is_ok());
        let message = read(wide, &[3, 2]).unwrap_err();
        assert!(
            message.contains("its shape is [2, 3], expected [3, 2]: write its transpose"),
            "{message}"
        );
        // A row and a column hold the same numbers.
        assert!(read("[[1], [2]]", &[1, 2]).is_ok());
    }
}
