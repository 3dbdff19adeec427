//! The rows of a table: parsed whole; what must be a number is asked of what is taken of it.

use std::collections::HashMap;

use super::cell::{Cell, Separator, TextLine, cells, is_comment, plain, separator};
use super::commas::{Pairs, are_blanks, decimal, is_one_column};
use super::decode::Encoding;
use super::header::{Column, Header};
use super::lines::Lines;
use super::number::{Decimal, Said};
use super::refusal;
use crate::data::bounded;

/// A table, as the file has it.
pub struct Table {
    /// What its columns are called; without names where the file gives none.
    pub columns: Vec<Column>,
    /// What separates its cells.
    pub separator: Separator,
    /// How its fractions are written.
    pub decimal: Decimal,
    /// How its characters are written.
    pub encoding: Encoding,
    /// How many lines are comments.
    pub comments: usize,
    pub(super) has_header: bool,
    /// The first row, as it stands in the file.
    pub(super) first: String,
    /// Where each row stands in the file.
    pub(super) lines: Vec<usize>,
    /// Row by row; NaN where the cell is no number.
    pub(super) values: Vec<f64>,
    /// The cells that are no numbers: their place in `values`, and which of `words` they say.
    others: Vec<(u32, u32)>,
    words: Vec<Word>,
    /// Which words are known already.
    known: HashMap<String, u32>,
    /// Whether the first cell of each row is quoted, as R writes the names of rows.
    first_quoted: bool,
}

/// Text of a cell that is no number; cells share it.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) missing: bool,
}

impl Table {
    pub(super) fn parse(text: &str, encoding: Encoding) -> Result<Self, String> {
        let lines = Lines::of(text)?;
        let all = &lines.rows;
        let separator = match lines.separator {
            Some(given) => given,
            // What separates is no comma then.
            None if is_one_column(all) => Separator::Character(';'),
            None if are_blanks(all) || are_blanks(all.get(1..).unwrap_or_default()) => {
                Separator::Blanks
            }
            None => separator(all),
        };
        let header = Header::of(&lines, separator);
        let has_header = matches!(header, Header::Line(_));
        let rows = &all[usize::from(has_header)..];
        let rows = &rows[..rows.len() - empty_at_end(rows, separator)];
        let Some((_, first)) = rows.iter().find(|(_, line)| !line.trim().is_empty()) else {
            return Err("it contains no numbers".to_owned());
        };
        let width = cells(first, separator).len();
        let mut table = Self {
            columns: vec![Column::default(); width],
            separator,
            decimal: decimal(rows, separator)?,
            encoding,
            comments: lines.comments,
            has_header,
            first: (*first).to_owned(),
            lines: Vec::new(),
            values: Vec::new(),
            others: Vec::new(),
            words: Vec::new(),
            known: HashMap::new(),
            first_quoted: true,
        };
        let mut pairs = Pairs::new(width == 2 && separator == Separator::Character(','));
        for (number, line) in rows {
            if line.trim().is_empty() && width > 1 {
                continue;
            }
            table.row(*number, line)?;
            pairs.look(*number, line);
        }
        let names = match &header {
            Header::Line(names) => Some(names.len()),
            _ => None,
        };
        pairs.check(names)?;
        table.name(header, all.first())?;
        Ok(table)
    }

    fn row(&mut self, number: usize, line: &str) -> Result<(), String> {
        let width = self.width();
        let mut all = cells(line, self.separator);
        if all.is_empty() && width == 1 {
            all.push(plain(""));
        }
        // A remark after the numbers.
        if let Some(at) = all.iter().position(|c| is_comment(&c.text) && !c.quoted)
            && self.separator == Separator::Blanks
        {
            all.truncate(at);
        }
        while all.len() > width && all.last().is_some_and(|c| c.is_empty() && !c.quoted) {
            all.pop();
        }
        // A number that is wrong tells more than how many there are.
        if all.len() != width {
            return Err(refusal::other_width(number, line, &all, width));
        }
        self.first_quoted &= all.first().is_some_and(|c| c.quoted);
        for cell in &all {
            self.push(cell);
        }
        self.lines.push(number);
        bounded::count(&[self.lines.len(), width]).map(drop)
    }

    fn push(&mut self, cell: &Cell<'_>) {
        let missing = match self.decimal.says(&cell.text) {
            Said::Number(value) => return self.values.push(value),
            Said::Missing => true,
            Said::Words => false,
        };
        let text = cell.text.as_ref();
        let word = match self.known.get(text) {
            Some(word) => *word,
            None => {
                let word = self.words.len() as u32;
                let text = text.to_owned();
                self.known.insert(text.clone(), word);
                self.words.push(Word { text, missing });
                word
            }
        };
        self.others.push((self.values.len() as u32, word));
        self.values.push(f64::NAN);
    }

    /// Gives the columns their names, which must be as many.
    fn name(&mut self, header: Header, line: Option<&TextLine<'_>>) -> Result<(), String> {
        let width = self.width();
        match header {
            Header::Line(_) if width == 1 && self.separator == Separator::Blanks => {
                self.columns = line.map(Header::joined).unwrap_or_default();
            }
            Header::Line(mut names) => {
                while names.len() > width && names.last().is_some_and(|n| n.header.is_empty()) {
                    names.pop();
                }
                // Columns that hold nothing need no name.
                while names.len() < width && self.content(names.len()) == Content::Nothing {
                    names.push(Column::default());
                }
                // R gives no name to those of the rows.
                if names.len() + 1 == width && self.first_quoted {
                    names.insert(0, Column::default());
                }
                if names.len() != width {
                    return Err(refusal::other_names(&names, width));
                }
                self.columns = names;
            }
            Header::Comment(names) if names.len() == width => self.columns = names,
            Header::Comment(_) | Header::None => {}
        }
        Ok(())
    }

    /// How many columns the file has.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// How many rows it has.
    pub fn height(&self) -> usize {
        self.lines.len()
    }

    /// What a cell says that is no number.
    pub(super) fn word(&self, row: usize, column: usize) -> Option<&Word> {
        let place = (row * self.width() + column) as u32;
        let at = self.others.binary_search_by_key(&place, |(at, _)| *at);
        let (_, word) = self.others.get(at.ok()?)?;
        self.words.get(*word as usize)
    }
}

/// How many rows at the end hold nothing but empty cells, as spreadsheets leave them.
fn empty_at_end(rows: &[TextLine<'_>], separator: Separator) -> usize {
    let Separator::Character(c) = separator else {
        return 0;
    };
    let empty = |line: &str| {
        line.chars()
            .all(|found| found == c || found.is_whitespace())
    };
    rows.iter()
        .rev()
        .take_while(|(_, line)| empty(line))
        .count()
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Numbers, but for those that are missing.
    Numbers,
    /// Words in some rows.
    Words,
    /// The numbers of the rows, without a name: what pandas and R write before the data.
    Index,
    /// Nothing at all, not even a name.
    Nothing,
}

impl Table {
    /// What a column holds.
    pub fn content(&self, column: usize) -> Content {
        let named = self
            .columns
            .get(column)
            .is_some_and(|c| !c.header.is_empty());
        let words = |row| {
            self.word(row, column)
                .filter(|word| !word.missing)
                .is_some()
        };
        if !self.others.is_empty() && (0..self.height()).any(words) {
            return match column == 0 && self.has_header && !named && self.width() > 1 {
                true => Content::Index,
                false => Content::Words,
            };
        }
        if !named && self.width() > 1 && self.is_empty(column) {
            // Within a table without names, a column may be one of which everything is missing.
            let outside = |mut columns: std::ops::Range<usize>| columns.all(|c| self.is_empty(c));
            if self.has_header || outside(column..self.width()) || outside(0..column) {
                return Content::Nothing;
            }
        }
        let counts = || {
            let values = || (0..self.height()).map(|row| self.values[row * self.width() + column]);
            let first = values()
                .next()
                .filter(|first| *first == 0.0 || *first == 1.0);
            first.is_some_and(|first| values().enumerate().all(|(i, v)| v == first + i as f64))
        };
        match column == 0 && self.has_header && !named && self.width() > 1 && counts() {
            true => Content::Index,
            false => Content::Numbers,
        }
    }

    fn is_empty(&self, column: usize) -> bool {
        let empty = |row| {
            self.word(row, column)
                .is_some_and(|word| word.text.is_empty())
        };
        (0..self.height()).all(empty)
    }
}
