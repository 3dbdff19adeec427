//! Columns by their names and numbers, and rows by what they say.

use retrodict::error::suggestion;

use super::header::Column;
use super::number::Decimal;
use super::table::{Content, Table};

impl Table {
    /// The place of a column, from 0: by its name, with or without the unit, or its number from 1.
    pub(super) fn column(&self, wanted: &str) -> Result<usize, String> {
        let by = |name: fn(&Column) -> &str| -> Vec<usize> {
            let is = |i: &usize| !wanted.is_empty() && name(&self.columns[*i]) == wanted;
            (0..self.width()).filter(is).collect()
        };
        let (whole, bare) = (by(|column| &column.header), by(|column| &column.name));
        let number = wanted.parse::<usize>().ok();
        match (whole.as_slice(), bare.as_slice(), number) {
            ([one], ..) | ([], [one], _) => Ok(*one),
            ([], [], Some(number)) if (1..=self.width()).contains(&number) => Ok(number - 1),
            ([], [], _) => Err(self.unknown(wanted)),
            (whole, bare, _) => {
                let same = if whole.is_empty() { bare } else { whole };
                Err(format!(
                    "{} of its columns are called '{wanted}' (numbers {}); select one by its number, from 1 to {}",
                    same.len(),
                    join(same.iter().map(|column| (column + 1).to_string())),
                    self.width()
                ))
            }
        }
    }

    /// How a column is named as an argument: by the shortest name that means it alone, or its number.
    pub fn notation(&self, column: usize) -> String {
        let about = &self.columns[column];
        let means = |name: &&String| {
            !name.contains([',', '?', '&']) && self.column(name).is_ok_and(|found| found == column)
        };
        let name = [&about.name, &about.header].into_iter().find(means);
        name.map_or_else(|| (column + 1).to_string(), Clone::clone)
    }

    /// Whether its first row is 0, 1, …, and all others have fractions: pandas writes such names of columns.
    pub fn may_begin_with_names(&self) -> bool {
        let names: Vec<String> = (0..self.width()).map(|i| i.to_string()).collect();
        let counts = self.width() > 1 && self.first == names.join(",");
        let rest = self.values.get(self.width()..).unwrap_or_default();
        counts && !rest.is_empty() && rest.iter().any(|v| v.fract() != 0.0)
    }

    /// How its fractions are written, where that is not with a point.
    pub fn decimal_words(&self) -> &'static str {
        match self.decimal {
            Decimal::Point => "",
            Decimal::Comma => " with decimal commas",
        }
    }

    /// The values of a column; NaN where it holds no number.
    pub fn numbers(&self, column: usize) -> impl Iterator<Item = f64> {
        let of_column = self.values.iter().skip(column);
        of_column.step_by(self.width().max(1)).copied()
    }

    /// Whether a column is called so.
    pub(super) fn is_column(&self, wanted: &str) -> bool {
        self.columns
            .iter()
            .any(|column| column.header == wanted || column.name == wanted)
            || self.column(wanted).is_ok()
    }

    fn unknown(&self, wanted: &str) -> String {
        let names = self.columns.iter().flat_map(|c| [&c.header, &c.name]);
        let names = names.filter(|name| !name.is_empty()).map(String::as_str);
        let hint = suggestion(wanted, names);
        let known = match self.columns.iter().all(|column| column.header.is_empty()) {
            true => String::new(),
            false => format!(": {}", self.names()),
        };
        format!(
            "it has no column '{wanted}'{hint}; it has {} columns{known}; select one by its name or its number, from 1",
            self.width()
        )
    }

    /// The names of all columns; those without one by their number.
    pub(super) fn names(&self) -> String {
        join((0..self.width()).map(|column| self.called(column)))
    }

    /// What a column is called, or its number.
    pub(super) fn called(&self, column: usize) -> String {
        match self.columns.get(column) {
            Some(found) if !found.header.is_empty() => found.header.clone(),
            _ => format!("column {}", column + 1),
        }
    }

    /// The columns that hold data: not those that number the rows or are empty.
    pub(super) fn data_columns(&self) -> Vec<usize> {
        let data =
            |column: &usize| !matches!(self.content(*column), Content::Index | Content::Nothing);
        (0..self.width()).filter(data).collect()
    }

    /// Whether a cell says a value: the same number, or the same words.
    pub(super) fn is(&self, row: usize, column: usize, value: &str) -> bool {
        match self.word(row, column) {
            Some(word) => !word.missing && word.text == value,
            None => {
                let number = self.values[row * self.width() + column];
                value.parse::<f64>().is_ok_and(|value| value == number)
            }
        }
    }

    /// The first different values of a column, in their order.
    pub fn distinct(&self, column: usize, most: usize) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for row in 0..self.height() {
            let said = match self.word(row, column) {
                Some(word) if word.missing => continue,
                Some(word) => word.text.clone(),
                None => self.values[row * self.width() + column].to_string(),
            };
            if found.len() == most {
                break;
            }
            if !found.contains(&said) {
                found.push(said);
            }
        }
        found
    }
}

fn join(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
