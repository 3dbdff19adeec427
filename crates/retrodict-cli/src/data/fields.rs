//! Fields out of arrays: one whose shape fits, or several along the leading axes.

use retrodict::spec::Named;

use crate::registry;

use super::{Array, place};
use crate::failure::{Failure, Outcome};

/// What the column of times is called; a unit may follow.
const TIME: [&str; 3] = ["t", "time", "times"];

/// What columns of standard deviations are called; the name of the data may stand before it.
const DEVIATION: [&str; 13] = [
    "sigma",
    "σ",
    "std",
    "stddev",
    "sd",
    "se",
    "err",
    "error",
    "errors",
    "uncertainty",
    "yerr",
    "dy",
    "deviation",
];

fn words(name: &str) -> impl DoubleEndedIterator<Item = &str> {
    name.split([' ', '[', '(', '/', '_', ',', '.'])
        .filter(|word| !word.is_empty())
}

/// Whether a column holds times, by its name.
pub fn is_time(name: &str) -> bool {
    let word = words(name).next();
    word.is_some_and(|word| TIME.contains(&word.to_lowercase().as_str()))
}

/// Whether a column holds standard deviations, by its name without a unit.
pub fn is_deviation(name: &str) -> bool {
    let bare = name.split(['[', '(']).next().unwrap_or_default();
    let is = |word: &str| DEVIATION.contains(&word.to_lowercase().as_str());
    words(bare).next().is_some_and(is) || words(bare).next_back().is_some_and(is)
}

/// Whether a column of a whole table belongs to the data.
fn is_data(name: &str) -> bool {
    !is_time(name) && !is_deviation(name)
}

/// A grid simulator takes its shape from the data, and the width of its cells, unless the user sets them; a simulator of
/// vectors its size. Returns what is to be said of it.
pub fn fit_shape(
    name: &str,
    options: &mut toml::Table,
    data: &Array,
    what: &str,
) -> Outcome<Option<String>> {
    let entry = registry().simulator(name)?;
    let takes = |key: &str| entry.accepts(key) && !options.contains_key(key);
    let named = data.columns.iter().any(|name| !name.is_empty());
    let whole = named && !data.selected;
    if (takes("shape") && whole) || (takes("size") && !data.columns.is_empty()) {
        return Err(Failure::Misuse(format!(
            "{what} is a table of {} columns, of which {} would make one field; {}",
            data.columns.len(),
            entry.name,
            pick(data, what)
        )));
    }
    let own = if data.colour {
        &data.shape[1..]
    } else {
        &data.shape[..]
    };
    let (shape, size, cell) = (takes("shape"), takes("size"), takes("cell"));
    if shape {
        let shape: Vec<toml::Value> = own.iter().map(|n| (*n as i64).into()).collect();
        options.insert("shape".into(), shape.into());
    }
    if size {
        options.insert("size".into(), (data.values.len() as i64).into());
    }
    Ok(take_cell(entry.name, cell, options, data, what))
}

/// The width of a cell goes to the simulator, where the file says it; returns what is to be said of it.
fn take_cell(
    name: &str,
    takes: bool,
    options: &mut toml::Table,
    data: &Array,
    what: &str,
) -> Option<String> {
    let grid = data.grid.as_ref().filter(|_| takes)?;
    let known: Vec<String> = grid
        .axes
        .iter()
        .filter_map(|axis| Some(axis.spacing?.abs().to_string()))
        .collect();
    let unit = grid
        .axes
        .iter()
        .map(|axis| axis.unit.as_str())
        .find(|unit| !unit.is_empty());
    let unit = unit.map_or_else(String::new, |unit| format!(" {unit}"));
    match grid.cell() {
        Some(cell) => {
            options.insert("cell".to_owned(), cell.into());
            Some(format!(
                "{what} gives the width of a cell of {name}: {cell}{unit}"
            ))
        }
        None if known.is_empty() => None,
        None => Some(format!(
            "the axes of {what} have the spacings {}{unit}, but {name} takes one width of a cell; set it with --set cell=WIDTH",
            known.join(", ")
        )),
    }
}

/// The column of times of a table goes to the simulator, where it takes times; returns what is to be said of it.
pub fn take_times(
    name: &str,
    options: &mut toml::Table,
    data: &mut Array,
    what: &str,
) -> Outcome<Option<String>> {
    let entry = registry().simulator(name)?;
    let Some(at) = data.columns.iter().position(|name| is_time(name)) else {
        return Ok(None);
    };
    if !entry.accepts("times") {
        return Ok(None);
    }
    let width = data.columns.len();
    let rows = data.values.chunks(width);
    let times: Vec<f64> = rows.clone().map(|row| row[at]).collect();
    let column = data.columns.remove(at);
    if times.iter().any(|t| !t.is_finite()) {
        return Err(Failure::Misuse(format!(
            "{what}: the column '{column}' gives the times of {}, so none may be missing",
            entry.name
        )));
    }
    if let Some(given) = options.get("times") {
        let given = given.as_array().map_or(&[][..], Vec::as_slice);
        let given = given
            .iter()
            .map(|v| v.as_float().or(v.as_integer().map(|v| v as f64)));
        if !given.eq(times.iter().copied().map(Some)) {
            return Err(Failure::Misuse(format!(
                "{what}: its column '{column}' gives other times than the option times of {}; leave the option out, \
                 or select the column of the data, as {}",
                entry.name,
                example(&data.columns, what)
            )));
        }
    }
    data.values = rows
        .flat_map(|row| [&row[..at], &row[at + 1..]].concat())
        .collect();
    options.insert("times".to_owned(), times.into());
    if width == 2 {
        data.shape.pop();
        data.columns.clear();
    } else {
        data.shape[1] = width - 1;
    }
    Ok(Some(format!(
        "the column '{column}' of {what} gives the times of {}, and the other columns are the data",
        entry.name
    )))
}

/// The fields of an array: itself, or the members of its leading axes, each of the shape `field` or as a plain list.
/// Values are never cut into fields across the axes of a file.
pub fn split<'a>(array: &'a Array, field: &[usize], what: &str) -> Outcome<Vec<&'a [f64]>> {
    let len: usize = field.iter().product();
    if len > 0 && !array.values.is_empty() && fits(array, field, len) {
        return Ok(array.values.chunks(len).collect());
    }
    let shape = &array.shape;
    let advice = match (shape.as_slice(), array.columns.is_empty()) {
        (_, false) => pick(array, what),
        (shape, _) if shape.iter().product::<usize>() == len => {
            "it has as many values, but in another order: transpose or reshape it".to_owned()
        }
        ([total], _) if len > 1 && total.is_multiple_of(len) => format!(
            "several fields are stored in rows, as in the shape [{}, {len}]",
            total / len
        ),
        _ => "set its shape or size to that of the data".to_owned(),
    };
    Err(Failure::Misuse(format!(
        "{what} has the shape {shape:?}, which does not fit the {len} values, shape {field:?}, that the simulator \
         takes; {advice}"
    )))
}

fn fits(array: &Array, field: &[usize], len: usize) -> bool {
    let long =
        |shape: &[usize]| -> Vec<usize> { shape.iter().copied().filter(|n| *n != 1).collect() };
    let (shape, field) = (long(&array.shape), long(field));
    if !array.columns.is_empty() {
        // Times and standard deviations are no data, unless the user names their columns.
        let meant = array.selected || array.columns.iter().all(|name| is_data(name));
        return meant && (shape == field || array.columns.len() == len);
    }
    let list = if len == 1 { vec![] } else { vec![len] };
    // To a simulator of a plain list an array is the list of its values.
    let whole = field.len() <= 1 && array.values.len() == len;
    shape.ends_with(&field) || shape.ends_with(&list) || whole
}

/// What to do about a table of several columns where one field is wanted.
fn pick(table: &Array, what: &str) -> String {
    let named = table.columns.iter().any(|name| !name.is_empty());
    let columns = match named {
        true => format!(" ({})", table.columns.join(", ")),
        false => String::new(),
    };
    let whole = |v: &f64| v.fract() == 0.0;
    let commas = match !named && table.columns.len() == 2 && table.values.iter().all(whole) {
        true => "; if its commas are decimal commas, write 1.5, not 1,5",
        false => "",
    };
    let deviations = table.columns.iter().find(|name| is_deviation(name));
    let deviations = deviations.map_or_else(String::new, |name| {
        format!(
            "; standard deviations are given as --noise-std {}",
            column_of(what, name)
        )
    });
    format!(
        "select one of its {} columns{columns}, as {}{deviations}{commas}",
        table.columns.len(),
        example(&table.columns, what)
    )
}

/// What to do about an array where a list of numbers is wanted.
pub fn not_a_list(array: &Array, what: &str) -> Failure {
    let advice = match array.columns.is_empty() {
        true => "give a file with one axis".to_owned(),
        false => pick(array, what),
    };
    Failure::Misuse(format!(
        "{what} has the shape {:?}, but one list of numbers is needed; {advice}",
        array.shape
    ))
}

/// How a column of data is selected.
fn example(columns: &[String], what: &str) -> String {
    let last = columns.iter().rposition(|name| is_data(name));
    let last = last.unwrap_or_default();
    let name = columns.get(last).filter(|name| !name.is_empty());
    let name = name.map_or_else(|| (last + 1).to_string(), Clone::clone);
    column_of(what, &name)
}

/// A column of a file as an argument: with quotes, where a shell needs them, and the same rows.
fn column_of(what: &str, name: &str) -> String {
    let (path, selected) = place(what);
    let rows = selected.and_then(|text| text.split_once('?'));
    let rows = rows.map_or_else(String::new, |(_, rows)| format!("?{rows}"));
    shell(&format!("{}:{name}{rows}", path.display()))
}

/// A word as a shell reads it.
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:,+=@%^".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// What of the target's file is not used, though the simulator or the noise could be told it.
pub fn not_used(
    simulator: &Named,
    noise_is_known: bool,
    data: &Array,
    what: &str,
) -> Outcome<Vec<String>> {
    let entry = registry().simulator(&simulator.name)?;
    let open = entry.accepts("times") && !simulator.options.contains_key("times");
    let beside = |is: fn(&str) -> bool| data.beside.iter().find(|name| is(name));
    let mut notes = Vec::new();
    if let Some(name) = beside(is_time).filter(|_| open) {
        notes.push(format!(
            "the times of {} are its own: the column '{name}' of the data is not used; use it with --times {}",
            entry.name,
            column_of(what, name)
        ));
    }
    if let Some(name) = beside(is_deviation).filter(|_| !noise_is_known) {
        notes.push(format!(
            "the column '{name}' of the data is not used; if it holds standard deviations, give them with --noise-std {}",
            column_of(what, name)
        ));
    }
    Ok(notes)
}

/// The shape of a result: that of one field, behind the axes that count fields.
pub fn joined_shape(data: &Array, len: usize, field: &[usize]) -> Vec<usize> {
    let mut shape = Vec::new();
    let mut rest = data.values.len();
    for extent in &data.shape {
        if rest <= len {
            break;
        }
        shape.push(*extent);
        rest /= (*extent).max(1);
    }
    shape.extend_from_slice(field);
    shape
}

#[cfg(test)]
mod tests;
