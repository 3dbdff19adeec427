//! Whether what is taken of a table is numbers; if not, which line and column, and what to try.

use super::number::{commas, decimal_comma, has_thousands};
use super::table::{Table, Word};

impl Table {
    /// Every value of what was taken must be a finite number, but for those that may be missing.
    pub(super) fn check(
        &self,
        columns: &[usize],
        rows: &[usize],
        gaps: bool,
    ) -> Result<(), String> {
        let width = self.width();
        for row in rows {
            for column in columns {
                let value = self.values[row * width + column];
                if value.is_finite() || value.is_infinite() && gaps {
                    continue;
                }
                match self.word(*row, *column) {
                    Some(word) if word.missing && gaps => {}
                    Some(word) => return Err(self.refused(*row, *column, word, columns)),
                    None => {
                        return Err(format!(
                            "{}: it holds {value}, but every value must be finite",
                            self.place(*row, *column)
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    fn place(&self, row: usize, column: usize) -> String {
        let name = &self.columns[column].header;
        let name = match name.is_empty() {
            true => String::new(),
            false => format!(" ({name})"),
        };
        format!("line {}, column {}{name}", self.lines[row], column + 1)
    }

    fn refused(&self, row: usize, column: usize, word: &Word, taken: &[usize]) -> String {
        if word.missing {
            let what = match word.text.as_str() {
                "" => "the cell is empty".to_owned(),
                word => format!("'{word}' is not a finite number"),
            };
            return format!(
                "{}: {what}; fill it in, or if observations are missing, say so with --missing",
                self.place(row, column)
            );
        }
        let line = self.lines[row];
        let text = &word.text;
        if decimal_comma(text).is_some() {
            return commas(line, text);
        }
        let found = format!("line {line}: '{text}' is not a number");
        if has_thousands(text) {
            return format!("{found}; write it without separators of thousands");
        }
        // Of a first row, as it stands in the file: 1,5 2,5 was cut at its commas.
        let words: Vec<&str> = match row {
            0 => self.first.split_whitespace().collect(),
            _ => text.split_whitespace().collect(),
        };
        if let Some(word) = words.iter().find(|word| decimal_comma(word).is_some()) {
            return commas(line, word);
        }
        if is_date(text) {
            return format!(
                "{found} but a date or time of day; write times as numbers, such as seconds since the start"
            );
        }
        let beside = taken.len() > 1 && self.has_header;
        match (row, self.has_header) {
            (0, false) => format!(
                "{found}; nor is the line a header, whose cells must be words that do not begin like numbers"
            ),
            (0, true) if self.words_only(row) => format!(
                "{found}; a header is one line, with units in it, as in 't [s]'; put # before other lines of words"
            ),
            _ if beside => format!(
                "{found} (column {}); select columns of numbers, as FILE:COLUMN or FILE:COLUMN,COLUMN; it has {}",
                self.called(column),
                self.names()
            ),
            _ => found,
        }
    }

    fn words_only(&self, row: usize) -> bool {
        (0..self.width()).all(|column| self.word(row, column).is_some())
    }
}

/// 2024-01-31, 31.01.2024, 1/31/24 or 12:30.
fn is_date(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let marks = |mark: char| text.matches(mark).count();
    let plain = |c: char| c.is_ascii_digit() || "-/.: TZ+".contains(c);
    digits >= 3
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(plain)
        && (marks('-') == 2 || marks('/') == 2 || marks(':') >= 1 || marks('.') == 2)
}
