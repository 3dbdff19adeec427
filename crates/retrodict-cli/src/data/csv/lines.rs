//! The lines of a table: comments apart, and a quoted cell in one line however many it goes over.

use super::cell::{Separator, TextLine, excel, is_comment};

/// What stands in the lines of a text.
pub(super) struct Lines<'a> {
    /// What Excel's `sep=` says.
    pub(super) separator: Option<Separator>,
    /// The last comment before the first cells.
    pub(super) comment: Option<&'a str>,
    /// The lines of cells; those at the end that are blank are left out.
    pub(super) rows: Vec<TextLine<'a>>,
    /// How many lines were comments.
    pub(super) comments: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Result<Self, String> {
        let mut found = Self {
            separator: None,
            comment: None,
            rows: Vec::new(),
            comments: 0,
        };
        let (mut number, mut rest) = (0, text);
        while !rest.is_empty() {
            number += 1;
            let first = until_newline(rest);
            // Tabs separate: at the ends they stand for empty cells.
            let trim = |line: &'a str| line.trim_matches(|c: char| c.is_whitespace() && c != '\t');
            let line = trim(first);
            if number == 1 && excel(line).is_some() {
                found.separator = excel(line);
            } else if is_comment(line) {
                found.comments += 1;
                if found.rows.is_empty() {
                    found.comment = Some(line.trim_start_matches(['#', '%']).trim());
                }
            } else {
                let (whole, lines) = quoted_to_its_end(rest, number)?;
                if !(found.rows.is_empty() && whole.trim().is_empty()) {
                    found.rows.push((number, trim(whole)));
                }
                number += lines - 1;
                rest = &rest[whole.len()..];
                continue;
            }
            rest = &rest[first.len()..];
        }
        let blank = |(_, line): &TextLine<'_>| line.trim().is_empty();
        while found.rows.last().is_some_and(blank) {
            found.rows.pop();
        }
        Ok(found)
    }
}

/// The text up to its first line end, which belongs to it.
fn until_newline(text: &str) -> &str {
    match text.find('\n') {
        Some(at) => &text[..=at],
        None => text,
    }
}

/// A line with all that follows until its quotes are closed, and how many lines these are.
fn quoted_to_its_end(text: &str, number: usize) -> Result<(&str, usize), String> {
    let (mut inside, mut remark, mut lines, mut before) = (false, false, 1, '\n');
    for (at, c) in text.char_indices() {
        match c {
            '"' if !remark => inside = !inside,
            '#' if !inside && before.is_whitespace() => remark = true,
            '\n' if inside => lines += 1,
            '\n' => return Ok((&text[..=at], lines)),
            _ => {}
        }
        before = c;
    }
    match inside {
        true => Err(format!(
            "line {number}: a quote (\") is opened and never closed"
        )),
        false => Ok((text, lines)),
    }
}
