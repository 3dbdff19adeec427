//! The names of columns, and the units that follow them.

use super::cell::{Cell, Separator, TextLine, cells};
use super::lines::Lines;

/// What a column is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    /// As the file says it; empty where it says nothing.
    pub header: String,
    /// Without the unit.
    pub name: String,
    /// The unit, such as s of `t [s]`, 1/s of `counts (1/s)`, K of `temperature in K` and s of `time / s`.
    pub unit: Option<String>,
}

impl Column {
    fn of(header: &str) -> Self {
        let (name, unit) = name_and_unit(header);
        Self {
            header: header.to_owned(),
            name: name.to_owned(),
            unit: unit.map(str::to_owned),
        }
    }
}

fn name_and_unit(header: &str) -> (&str, Option<&str>) {
    let whole = (header, None);
    for (open, close) in [('[', ']'), ('(', ')')] {
        if let Some(inner) = header.strip_suffix(close)
            && let Some((name, unit)) = inner.rsplit_once(open)
        {
            return match name.trim().is_empty() {
                true => whole,
                false => (name.trim(), Some(unit.trim())),
            };
        }
    }
    for between in [" in ", " / "] {
        if let Some((name, unit)) = header.rsplit_once(between)
            && !name.trim().is_empty()
            && !unit.trim().is_empty()
            && !unit.trim().contains(char::is_whitespace)
        {
            return (name.trim_end_matches(',').trim(), Some(unit.trim()));
        }
    }
    whole
}

/// The names that stand in the first line, if it is a header, or in the last comment before it.
pub(super) enum Header {
    /// In the first line.
    Line(Vec<Column>),
    /// In a comment: used only where as many columns follow.
    Comment(Vec<Column>),
    None,
}

impl Header {
    pub(super) fn of(lines: &Lines<'_>, separator: Separator) -> Self {
        let names = |line: &str| {
            let all = with_units(cells(line, separator), separator);
            let named = all.iter().all(|c| c.is_name() || c.is_empty());
            let columns = all.iter().map(|cell| Column::of(&cell.text)).collect();
            let counted = is_counted(&all);
            (named && all.iter().any(Cell::is_name) || counted).then_some(columns)
        };
        let first = lines.rows.first().and_then(|(_, line)| names(line));
        let comment = || lines.comment.and_then(names);
        match first {
            Some(columns) => Self::Line(columns),
            None => comment().map_or(Self::None, Self::Comment),
        }
    }

    /// The whole line as one name: blanks within the name of the only column.
    pub(super) fn joined((_, line): &TextLine<'_>) -> Vec<Column> {
        vec![Column::of(line.trim().trim_matches('"'))]
    }
}

/// `,0,1,2`: what pandas writes before an index where columns have no names.
fn is_counted(all: &[Cell<'_>]) -> bool {
    let [first, rest @ ..] = all else {
        return false;
    };
    let counts = |(i, cell): (usize, &Cell<'_>)| cell.text == i.to_string();
    first.is_empty() && !rest.is_empty() && rest.iter().enumerate().all(counts)
}

/// Between blanks, a unit in brackets belongs to the name before it.
fn with_units(all: Vec<Cell<'_>>, separator: Separator) -> Vec<Cell<'_>> {
    let mut joined: Vec<Cell<'_>> = Vec::new();
    for cell in all {
        let unit =
            separator == Separator::Blanks && !cell.quoted && cell.text.starts_with(['[', '(']);
        match joined.last_mut() {
            Some(name) if unit => {
                let text = name.text.to_mut();
                text.push(' ');
                text.push_str(&cell.text);
            }
            _ => joined.push(cell),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_follow_names() {
        for (header, name, unit) in [
            ("t [s]", "t", Some("s")),
            ("counts (1/s)", "counts", Some("1/s")),
            ("temperature in K", "temperature", Some("K")),
            ("y, in K", "y", Some("K")),
            ("time / s", "time", Some("s")),
            ("t", "t", None),
            ("t/s", "t/s", None),
            ("[s]", "[s]", None),
            ("rise in the first hour", "rise in the first hour", None),
            ("", "", None),
        ] {
            assert_eq!(name_and_unit(header), (name, unit), "{header}");
        }
    }
}
