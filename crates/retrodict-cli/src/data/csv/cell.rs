//! The cells of a line: what separates them, and which can be the name of a column.

use std::borrow::Cow;

use super::number::{Decimal, Said, decimal_comma, is_missing};

/// A line of cells, and which of the file's it is, from 1.
pub(super) type TextLine<'a> = (usize, &'a str);

/// What Excel writes where a formula failed: no comments, though they begin like them.
const EXCEL_ERRORS: [&str; 7] = [
    "#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!", "#spill!",
];

/// What stands between the cells of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// One character, such as a comma.
    Character(char),
    /// Any number of blanks.
    Blanks,
}

impl Separator {
    /// Its name.
    pub fn name(self) -> String {
        match self {
            Self::Character(',') => "commas".to_owned(),
            Self::Character(';') => "semicolons".to_owned(),
            Self::Character('\t') => "tabs".to_owned(),
            Self::Character(c) => format!("'{c}'"),
            Self::Blanks => "blanks".to_owned(),
        }
    }
}

/// A cell, without its quotes.
pub(super) struct Cell<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) quoted: bool,
}

impl Cell<'_> {
    /// Whether it can be the name of a column: words, and not a number with a slip in it.
    pub(super) fn is_name(&self) -> bool {
        let bare = self.text.trim_start_matches(['+', '-', '.', ',']);
        matches!(Decimal::Point.says(&self.text), Said::Words)
            && !is_excel_error(&self.text)
            && (self.quoted && decimal_comma(&self.text).is_none()
                || !bare.starts_with(|c: char| c.is_ascii_digit()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
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
            // A name that goes over lines is one name.
            '\r' => {}
            '\n' => text.push(' '),
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

/// What separates the cells of some lines, by the characters outside of quotes.
pub(super) fn separator(lines: &[TextLine<'_>]) -> Separator {
    let (mut semicolon, mut comma, mut tab, mut comma_and_tab) = (false, false, false, false);
    for (_, line) in lines {
        let (mut inside, mut before) = (false, '\n');
        for c in line.chars() {
            match c {
                '"' => inside = !inside,
                ';' if !inside => semicolon = true,
                ',' if !inside => comma = true,
                '\t' if !inside && before == ',' => comma_and_tab = true,
                '\t' if !inside => tab = true,
                _ => {}
            }
            before = c;
        }
    }
    // A comma before a tab separates; the tab only sets off.
    if semicolon {
        Separator::Character(';')
    } else if tab && !comma_and_tab {
        Separator::Character('\t')
    } else if comma {
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

fn is_excel_error(text: &str) -> bool {
    text.starts_with('#') && EXCEL_ERRORS.contains(&text.to_lowercase().as_str())
}

pub(super) fn is_comment(line: &str) -> bool {
    if !line.starts_with(['#', '%']) {
        return false;
    }
    let lower = line.to_lowercase();
    let word = lower.split([',', ';', '\t']).next().unwrap_or_default();
    !is_missing(word.trim()) && !EXCEL_ERRORS.contains(&word.trim())
}
