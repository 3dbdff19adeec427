//! The cells of a line: what separates them, and what each says.

use std::borrow::Cow;

use super::comma::decimal_comma;

/// Words for a value that is missing; NaN is one too.
const MISSING: [&str; 8] = [
    "na", "n/a", "#n/a", "#na", "null", "none", "missing", "<na>",
];

/// What stands between the cells of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    Character(char),
    Blanks,
}

/// A cell, without its quotes.
pub(super) struct Cell<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) quoted: bool,
}

/// What a cell says.
pub(super) enum Said {
    Number(f64),
    Missing,
    Words,
}

impl Cell<'_> {
    pub(super) fn says(&self) -> Said {
        let text = self.text.as_ref();
        match text.parse::<f64>() {
            Ok(value) if value.is_nan() => Said::Missing,
            Ok(value) => Said::Number(value),
            Err(_) if text.is_empty() || MISSING.contains(&text.to_lowercase().as_str()) => {
                Said::Missing
            }
            Err(_) => Said::Words,
        }
    }

    /// Whether it can be the name of a column: words, and not a number with a slip in it.
    pub(super) fn is_name(&self) -> bool {
        let bare = self.text.trim_start_matches(['+', '-', '.', ',']);
        matches!(self.says(), Said::Words)
            && (self.quoted && decimal_comma(&self.text).is_none()
                || !bare.starts_with(|c: char| c.is_ascii_digit()))
    }
}

pub(super) fn plain(text: &str) -> Cell<'_> {
    Cell {
        text: Cow::Borrowed(text.trim()),
        quoted: false,
    }
}

/// The cells of a line; what stands in double quotes is one cell.
pub(super) fn cells(line: &str, separator: Separator) -> Vec<Cell<'_>> {
    match separator {
        Separator::Blanks if !line.contains('"') => line.split_whitespace().map(plain).collect(),
        Separator::Character(c) if !line.contains('"') => line.split(c).map(plain).collect(),
        _ => quoted(line, separator),
    }
}

fn quoted(line: &str, separator: Separator) -> Vec<Cell<'static>> {
    let mut cells: Vec<(String, bool)> = vec![(String::new(), false)];
    let mut inside = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let ends = !inside
            && match separator {
                Separator::Blanks => c.is_whitespace(),
                Separator::Character(end) => c == end,
            };
        let Some((text, quoted)) = cells.last_mut() else {
            break;
        };
        match c {
            '"' if inside && characters.peek() == Some(&'"') => {
                characters.next();
                text.push('"');
            }
            '"' => (inside, *quoted) = (!inside, true),
            // Several blanks separate once.
            _ if ends && separator == Separator::Blanks && text.is_empty() && !*quoted => {}
            _ if ends => cells.push((String::new(), false)),
            c => text.push(c),
        }
    }
    if separator == Separator::Blanks && cells.last().is_some_and(|(t, q)| t.is_empty() && !q) {
        cells.pop();
    }
    let cell = |(text, quoted): (String, bool)| Cell {
        text: Cow::Owned(text.trim().to_owned()),
        quoted,
    };
    cells.into_iter().map(cell).collect()
}

pub(super) fn separator(lines: &[(usize, &str)]) -> Separator {
    let any = |c: char| lines.iter().any(|(_, line)| line.contains(c));
    // A comma before a tab separates; the tab only sets off.
    let tabs = any('\t') && !lines.iter().any(|(_, line)| line.contains(",\t"));
    if any(';') {
        Separator::Character(';')
    } else if tabs {
        Separator::Character('\t')
    } else if any(',') {
        Separator::Character(',')
    } else {
        Separator::Blanks
    }
}

/// Excel's `sep=;`, which says what separates cells.
pub(super) fn excel(line: &str) -> Option<Separator> {
    let rest = line.strip_prefix("sep=")?;
    let mut characters = rest.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) => Some(Separator::Character(c)),
        _ => None,
    }
}

pub(super) fn is_comment(line: &str) -> bool {
    let lower = line.to_lowercase();
    line.starts_with('#') && !MISSING.iter().any(|word| lower.starts_with(word))
}
