//! The rows of a table: parsed, checked, and made an array, whole or one column of it.

use retrodict::error::suggestion;

use super::cell::{Cell, Said, Separator, cells, excel, is_comment, plain, separator};
use super::comma::{Pairs, commas, decimal_comma};
use crate::data::Array;

/// The rows of a table, and what its columns are called: nothing where nothing is said.
pub(super) struct Table {
    names: Vec<String>,
    lines: Vec<usize>,
    values: Vec<f64>,
    width: usize,
    gaps: Vec<Gap>,
}

/// A value that is missing: its line, its column from 0, and the word for it.
struct Gap {
    line: usize,
    column: usize,
    word: String,
}

impl Table {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut given = None;
        let mut comment = None;
        let mut lines: Vec<(usize, &str)> = Vec::new();
        for (i, line) in text.lines().enumerate() {
            // Tabs separate: at the ends they stand for empty cells.
            let line = line.trim_matches(|c: char| c.is_whitespace() && c != '\t');
            if i == 0 && excel(line).is_some() {
                given = excel(line);
            } else if is_comment(line) {
                if lines.is_empty() {
                    comment = Some(line.trim_start_matches('#').trim());
                }
            } else if !(lines.is_empty() && line.trim().is_empty()) {
                lines.push((i + 1, line));
            }
        }
        while lines.last().is_some_and(|(_, line)| line.trim().is_empty()) {
            lines.pop();
        }
        let separator = given.unwrap_or_else(|| separator(&lines));
        let mut heading: Option<Vec<String>> = None;
        let mut line_of_heading = String::new();
        if let Some((_, first)) = lines.first() {
            let all = cells(first, separator);
            let named = all.iter().all(|c| c.is_name() || c.text.is_empty());
            if named && all.iter().any(Cell::is_name) {
                heading = Some(all.iter().map(|c| c.text.to_string()).collect());
                line_of_heading = (*first).to_owned();
            }
        }
        let rows = &lines[usize::from(heading.is_some())..];
        let Some((_, first)) = rows.iter().find(|(_, line)| !line.trim().is_empty()) else {
            return Err("it contains no numbers".to_owned());
        };
        let width = cells(first, separator).len();
        let mut table = Self {
            names: Vec::new(),
            lines: Vec::new(),
            values: Vec::new(),
            width,
            gaps: Vec::new(),
        };
        let mut pairs = Pairs::new(width == 2 && separator == Separator::Character(','));
        for (i, (number, line)) in rows.iter().enumerate() {
            if line.trim().is_empty() && width > 1 {
                continue;
            }
            table.row(*number, line, separator, i == 0 && heading.is_none())?;
            pairs.look(*number, line);
        }
        pairs.check(heading.as_ref().map(Vec::len))?;
        table.drop_empty_end(heading.as_deref());
        let comment = comment.map(|line| cells(line, separator));
        let names = match heading {
            // Blanks within the name of the only column.
            Some(_) if table.width == 1 && separator == Separator::Blanks => {
                vec![line_of_heading.trim_matches('"').to_owned()]
            }
            Some(mut names) => {
                if names.len() == table.width + 1 && names.last().is_some_and(String::is_empty) {
                    names.pop();
                }
                if names.len() != table.width {
                    return Err(format!(
                        "its header names {} columns ({}), but its rows have {}",
                        names.len(),
                        names.join(", "),
                        table.width
                    ));
                }
                names
            }
            None => comment
                .filter(|all| all.len() == table.width && all.iter().all(Cell::is_name))
                .map(|all| all.iter().map(|c| c.text.to_string()).collect())
                .unwrap_or_default(),
        };
        Ok(Self { names, ..table })
    }

    fn row(
        &mut self,
        number: usize,
        line: &str,
        separator: Separator,
        first: bool,
    ) -> Result<(), String> {
        let mut all = cells(line, separator);
        if all.is_empty() && self.width == 1 {
            all.push(plain(""));
        }
        // A remark after the numbers.
        if let Some(at) = all.iter().position(|c| is_comment(&c.text) && !c.quoted)
            && separator == Separator::Blanks
        {
            all.truncate(at);
        }
        for (column, cell) in all.iter().enumerate() {
            let value = match cell.says() {
                Said::Number(value) => value,
                Said::Missing => {
                    self.gaps.push(Gap {
                        line: number,
                        column,
                        word: cell.text.to_string(),
                    });
                    f64::NAN
                }
                Said::Words => return Err(no_number(number, line, cell, first)),
            };
            self.values.push(value);
        }
        if all.len() != self.width {
            if self.width == 1 && decimal_comma(line).is_some() {
                return Err(commas(number, line));
            }
            return Err(format!(
                "line {number}: it has {} values, but the first row has {}",
                all.len(),
                self.width
            ));
        }
        self.lines.push(number);
        Ok(())
    }

    /// Lines that all end with a separator have no column behind it.
    fn drop_empty_end(&mut self, heading: Option<&[String]>) {
        let last = self.width - 1;
        let named = heading.is_some_and(|names| names.get(last).is_some_and(|n| !n.is_empty()));
        let empty = self
            .gaps
            .iter()
            .filter(|g| g.column == last && g.word.is_empty());
        if last == 0 || named || empty.count() < self.lines.len() {
            return;
        }
        self.gaps.retain(|gap| gap.column != last);
        let rows = self.values.chunks(self.width);
        self.values = rows.flat_map(|row| row[..last].to_vec()).collect();
        self.width = last;
    }

    /// The place of a column, from 0.
    pub(super) fn column(&self, wanted: &str) -> Result<usize, String> {
        let own: Vec<usize> = (0..self.names.len())
            .filter(|i| self.names[*i] == wanted)
            .collect();
        match (own.as_slice(), wanted.parse::<usize>()) {
            ([one], _) => Ok(*one),
            ([], Ok(number)) if (1..=self.width).contains(&number) => Ok(number - 1),
            ([_, _, ..], _) => Err(format!(
                "{} of its columns are called '{wanted}'; select one by its number, from 1 to {}",
                own.len(),
                self.width
            )),
            ([], _) => {
                let hint = suggestion(wanted, self.names.iter().map(String::as_str));
                let known = match self.names.as_slice() {
                    [] => String::new(),
                    names => format!(": {}", names.join(", ")),
                };
                Err(format!(
                    "it has no column '{wanted}'{hint}; it has {} columns{known}; select one by its name or its \
                     number, from 1",
                    self.width
                ))
            }
        }
    }

    /// Every value of what was chosen must be finite, but for those that may be missing.
    pub(super) fn check(&self, chosen: Option<usize>, gaps: bool) -> Result<(), String> {
        let of = |column: usize| chosen.is_none_or(|chosen| chosen == column);
        let place = |line: usize, column: usize| {
            let name = self.names.get(column).filter(|name| !name.is_empty());
            let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
            format!("line {line}, column {}{name}", column + 1)
        };
        if let Some(gap) = self.gaps.iter().find(|gap| !gaps && of(gap.column)) {
            let what = match gap.word.as_str() {
                "" => "the cell is empty".to_owned(),
                word => format!("'{word}' is not a finite number"),
            };
            return Err(format!(
                "{}: {what}; fill it in, or if observations are missing, say so with --missing",
                place(gap.line, gap.column)
            ));
        }
        // Where values may be missing, the caller says what else they may be.
        let infinite = |i: &usize| !gaps && self.values[*i].is_infinite() && of(i % self.width);
        match (0..self.values.len()).find(infinite) {
            None => Ok(()),
            Some(i) => Err(format!(
                "{}: it holds {}, but every value must be finite",
                place(self.lines[i / self.width], i % self.width),
                self.values[i]
            )),
        }
    }

    pub(super) fn array(self, chosen: Option<usize>) -> Array {
        let (height, width) = (self.lines.len(), self.width);
        if let Some(column) = chosen {
            let values = self.values.iter().skip(column).step_by(width);
            return Array::new(vec![height], values.copied().collect());
        }
        if height == 1 || width == 1 {
            return Array::new(vec![height * width], self.values);
        }
        let columns = match self.names.is_empty() {
            true => vec![String::new(); width],
            false => self.names,
        };
        Array {
            columns,
            ..Array::new(vec![height, width], self.values)
        }
    }
}

/// The message about a cell that is no number, where a number must be.
fn no_number(number: usize, line: &str, cell: &Cell<'_>, first: bool) -> String {
    if decimal_comma(&cell.text).is_some() {
        return commas(number, &cell.text);
    }
    // 1,5 2,5: the comma was taken to separate.
    let words: Vec<&str> = line.split_whitespace().collect();
    if let Some(word) = words.iter().find(|word| decimal_comma(word).is_some())
        && words
            .iter()
            .all(|word| decimal_comma(word).is_some() || word.parse::<f64>().is_ok())
    {
        return commas(number, word);
    }
    let advice = match first {
        true => {
            "; nor is the line a header, whose cells must be words that do not begin like numbers"
        }
        false => "",
    };
    format!("line {number}: '{}' is not a number{advice}", cell.text)
}
