//! What is taken of a table: columns, and the rows in which another column has a value, as in `counts?site=north`.

use retrodict::error::suggestion;

use super::table::Table;

/// Columns and rows of a table, by their places from 0.
pub(super) struct Selection {
    /// The columns, in the order asked for; all that hold data where none is named.
    pub(super) columns: Vec<usize>,
    /// Whether columns were named.
    pub(super) named: bool,
    /// The rows.
    pub(super) rows: Vec<usize>,
}

/// The most values of a column that a message lists.
const LISTED: usize = 10;

impl Selection {
    /// `COLUMN,COLUMN?COLUMN=VALUE&COLUMN=VALUE`, either part of which may be left out; a name with such a character in it is
    /// tried first.
    pub(super) fn of(table: &Table, text: Option<&str>) -> Result<Self, String> {
        let text = text.unwrap_or_default();
        let (columns, conditions) = match text.split_once('?') {
            Some(_) if table.is_column(text) => (text, None),
            Some((columns, conditions)) => (columns, Some(conditions)),
            None => (text, None),
        };
        let mut rows: Vec<usize> = (0..table.height()).collect();
        for condition in conditions.iter().flat_map(|text| text.split('&')) {
            let (column, value) = condition.split_once('=').ok_or_else(|| {
                format!("'?{condition}' selects no rows: write ?COLUMN=VALUE, as in ?site=north")
            })?;
            let column = table.column(column.trim())?;
            rows.retain(|row| table.is(*row, column, value.trim()));
            if rows.is_empty() {
                return Err(none_of(table, column, value.trim()));
            }
        }
        let named = !columns.trim().is_empty();
        let columns = match columns.trim() {
            "" => table.data_columns(),
            one if table.is_column(one) => vec![table.column(one)?],
            several => several
                .split(',')
                .map(|name| table.column(name.trim()))
                .collect::<Result<_, _>>()?,
        };
        Ok(Self {
            columns,
            named,
            rows,
        })
    }
}

fn none_of(table: &Table, column: usize, value: &str) -> String {
    let all = table.distinct(column, LISTED + 1);
    let hint = suggestion(value, all.iter().map(String::as_str));
    let more = if all.len() > LISTED { ", …" } else { "" };
    let shown = all[..all.len().min(LISTED)].join(", ");
    format!(
        "no row of those selected has {} = '{value}'{hint}; its values: {shown}{more}",
        table.called(column)
    )
}
