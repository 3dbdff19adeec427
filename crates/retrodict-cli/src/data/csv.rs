//! Tables as text: numbers in lines, with or without a heading.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

use retrodict::error::suggestion;

use super::Array;
use crate::failure::{Failure, Outcome};

/// Words for a value that is missing; NaN is one too.
const MISSING: [&str; 8] = [
    "na", "n/a", "#n/a", "#na", "null", "none", "missing", "<na>",
];

/// What stands between the cells of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Character(char),
    Blanks,
}

/// A cell, without its quotes.
struct Cell<'a> {
    text: Cow<'a, str>,
    quoted: bool,
}

/// What a cell says.
enum Said {
    Number(f64),
    Missing,
    Words,
}

/// A value that is missing: its line, its column from 0, and the word for it.
struct Gap {
    line: usize,
    column: usize,
    word: String,
}

/// The rows of a table, and what its columns are called: nothing where nothing is said.
struct Table {
    names: Vec<String>,
    lines: Vec<usize>,
    values: Vec<f64>,
    width: usize,
    gaps: Vec<Gap>,
}

/// An array from a table of numbers, whole or one column of it, by its name or its number from 1. One row or one column
/// makes a vector. With `gaps`, cells that are empty or say NA are NaN.
pub fn read(path: &Path, bytes: &[u8], column: Option<&str>, gaps: bool) -> Outcome<Array> {
    let unreadable = |why: String| Failure::unreadable(path, why);
    let text = decode(bytes).map_err(unreadable)?;
    let table = Table::parse(&text).map_err(unreadable)?;
    let chosen = column
        .map(|wanted| table.column(wanted))
        .transpose()
        .map_err(unreadable)?;
    table.check(chosen, gaps).map_err(unreadable)?;
    Ok(table.array(chosen))
}

/// UTF-8, with or without a byte order mark.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let other = |name: &str| Err(format!("it is {name}; save it as UTF-8 (plain CSV)"));
    let bytes = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return other("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return other("UTF-16"),
        [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        bytes => bytes,
    };
    if bytes.contains(&0) {
        return other("not text but binary or UTF-16, since it contains zero bytes");
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        format!(
            "line {line}: the byte 0x{:02x} is not UTF-8; save it as UTF-8",
            bytes[e.valid_up_to()]
        )
    })?;
    // Line ends of old machines.
    Ok(match text.contains('\r') && !text.contains('\n') {
        true => Cow::Owned(text.replace('\r', "\n")),
        false => Cow::Borrowed(text),
    })
}

fn is_comment(line: &str) -> bool {
    let lower = line.to_lowercase();
    line.starts_with('#') && !MISSING.iter().any(|word| lower.starts_with(word))
}

/// Excel's `sep=;`, which says what separates cells.
fn excel(line: &str) -> Option<Separator> {
    let rest = line.strip_prefix("sep=")?;
    let mut characters = rest.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) => Some(Separator::Character(c)),
        _ => None,
    }
}

fn separator(lines: &[(usize, &str)]) -> Separator {
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

fn plain(text: &str) -> Cell<'_> {
    Cell {
        text: Cow::Borrowed(text.trim()),
        quoted: false,
    }
}

/// The cells of a line; what stands in double quotes is one cell.
fn cells(line: &str, separator: Separator) -> Vec<Cell<'_>> {
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

impl Cell<'_> {
    fn says(&self) -> Said {
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
    fn is_name(&self) -> bool {
        let bare = self.text.trim_start_matches(['+', '-', '.', ',']);
        matches!(self.says(), Said::Words)
            && (self.quoted && decimal_comma(&self.text).is_none()
                || !bare.starts_with(|c: char| c.is_ascii_digit()))
    }
}

/// `-1,5e-3` as it would be written with a point.
fn decimal_comma(text: &str) -> Option<String> {
    let (whole, rest) = text.split_once(',')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let sign = whole.trim_start_matches(['+', '-']);
    let point = format!("{whole}.{rest}");
    let fits = digits(sign) && rest.starts_with(|c: char| c.is_ascii_digit());
    (fits && point.parse::<f64>().is_ok()).then_some(point)
}

fn commas(line: usize, text: &str) -> String {
    let point = decimal_comma(text).unwrap_or_default();
    format!(
        "line {line}: '{text}' has a decimal comma: write {point}, not {text}, throughout the file"
    )
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

impl Table {
    fn parse(text: &str) -> Result<Self, String> {
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
    fn column(&self, wanted: &str) -> Result<usize, String> {
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
    fn check(&self, chosen: Option<usize>, gaps: bool) -> Result<(), String> {
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

    fn array(self, chosen: Option<usize>) -> Array {
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

/// Rows of two whole numbers, which decimal commas make of one number each.
struct Pairs {
    /// Whether all rows so far are such.
    all: bool,
    /// A row that a pair of whole numbers does not look like.
    telling: Option<(usize, String)>,
    first: Option<(usize, String)>,
}

impl Pairs {
    fn new(all: bool) -> Self {
        Self {
            all,
            telling: None,
            first: None,
        }
    }

    fn look(&mut self, number: usize, line: &str) {
        let Some((whole, rest)) = line.split_once(',').filter(|_| self.all) else {
            return;
        };
        if decimal_comma(line).is_none() || !rest.bytes().all(|b| b.is_ascii_digit()) {
            self.all = false;
            return;
        }
        self.first.get_or_insert_with(|| (number, line.to_owned()));
        let padded = rest.len() > 1 && rest.starts_with('0');
        let minus = whole.starts_with('-') && whole.bytes().all(|b| b == b'-' || b == b'0');
        if padded || minus {
            self.telling
                .get_or_insert_with(|| (number, line.to_owned()));
        }
    }

    /// `named`: how many columns a heading names.
    fn check(self, named: Option<usize>) -> Result<(), String> {
        let told = match (self.all, named) {
            (false, _) => None,
            (true, Some(1)) => self.first,
            (true, _) => self.telling,
        };
        told.map_or(Ok(()), |(number, line)| Err(commas(number, &line)))
    }
}

/// A row a line, in full precision; a vector is written as a column.
pub fn bytes(path: &Path, array: &Array) -> Outcome<Vec<u8>> {
    let width = match array.shape.as_slice() {
        [_] => 1,
        [_, width] => *width,
        shape => {
            return Err(Failure::Misuse(format!(
                "cannot write {}: a table has at most two axes, the array has the shape {shape:?}; \
                 write .npy instead",
                path.display()
            )));
        }
    };
    let mut text = String::new();
    for row in array.values.chunks(width.max(1)) {
        for (i, value) in row.iter().enumerate() {
            let separator = if i == 0 { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(text, "{separator}{value}");
        }
        text.push('\n');
    }
    Ok(text.into_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn whole(text: impl AsRef<[u8]>) -> Outcome<Array> {
        read(Path::new("a.csv"), text.as_ref(), None, false)
    }

    #[test]
    fn tables_come_back_and_mistakes_are_located() {
        let path = Path::new("a.csv");
        let array = Array::new(vec![2, 2], vec![1.0, 0.1, -3.0, 1e-30]);
        let back = whole(bytes(path, &array).unwrap()).unwrap();
        assert_eq!((back.shape, back.values), (array.shape, array.values));
        assert_eq!(whole("x\n1\n2\n").unwrap().shape, [2]);
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        for text in [
            "\u{feff}1.5\r\n-2\r\n3\r\n",
            "1.5\n-2\n3\n\n \n",
            "y\n1.5\n-2\n3",
            "# made today\n\n\"y, in K\"\n1.5\n-2\n3",
            "temperature in K\n1.5\n-2\n3",
            "\"1.5\"\n\"-2\"\n\"3\"",
            "1.5,-2,3\n",
            "1.5;-2;3",
            "sep=;\r\n1.5;-2;3\r\n",
            "1.5\t-2\t3",
            "1.5, -2,\t3",
            "1.5\r-2\r3\r",
        ] {
            let array = whole(text).unwrap();
            assert_eq!(array.values, [1.5, -2.0, 3.0], "{text:?}");
            assert_eq!(array.shape, [3], "{text:?}");
            assert!(array.columns.is_empty(), "{text:?}");
        }
        for text in [
            "t,y\n0,1\n1,2\n",
            "\"t\";\"y\"\n0;1\n\n1;2\n",
            "t\ty\t\n0\t1\t\n1\t2\t\n",
            "# t y\n0 1\n1 2",
        ] {
            let array = whole(text).unwrap();
            assert_eq!(
                (&array.shape[..], &array.columns[..]),
                (&[2, 2][..], &["t".to_owned(), "y".to_owned()][..]),
                "{text:?}"
            );
        }
    }

    #[test]
    fn no_line_is_dropped_and_what_is_wrong_is_named() {
        for (text, part) in [
            (
                "0.0x\n1\n2\n",
                "line 1: '0.0x' is not a number; nor is the line a header",
            ),
            ("1..5\n1\n", "line 1: '1..5'"),
            ("-1O\n1\n", "line 1: '-1O'"),
            ("time,1.0\n1,2\n", "line 1: 'time' is not a number"),
            ("x\ny\n1\n", "line 2: 'y' is not a number"),
            ("1,2\n3,four\n", "line 2: 'four' is not a number"),
            (
                "1,2\n3\n",
                "line 2: it has 1 values, but the first row has 2",
            ),
            (
                "a,b,c\n1,2\n3,4\n",
                "its header names 3 columns (a, b, c), but its rows have 2",
            ),
            ("", "it contains no numbers"),
            ("x\n", "it contains no numbers"),
            ("1\n\n2\n", "line 2, column 1: the cell is empty"),
            (
                "t,y\n0,1\n1,\n2,3\n",
                "line 3, column 2 (y): the cell is empty",
            ),
            (
                "0,1\n1,NA\n",
                "line 2, column 2: 'NA' is not a finite number",
            ),
            ("1\nnan\n", "--missing"),
            ("1\ninf\n", "line 2, column 1: it holds inf"),
            (
                "1,5;2,5\n3,5;4,5\n",
                "line 1: '1,5' has a decimal comma: write 1.5, not 1,5",
            ),
            ("y\n1\n2,5\n", "decimal comma"),
            ("1,5 2,5\n3,5 4\n", "decimal comma"),
            ("1,5\t2,5\n", "decimal comma"),
            ("\"1,5\"\n\"2,5\"\n", "decimal comma"),
            (
                "y\n0,5\n1,5\n",
                "line 2: '0,5' has a decimal comma: write 0.5",
            ),
            ("1,50\n2,05\n", "line 2: '2,05' has a decimal comma"),
            ("-0,5\n2,5\n", "line 1: '-0,5' has a decimal comma"),
        ] {
            let message = whole(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text:?}: {message}");
        }
        let wide: Vec<u8> = "1\n2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [&[0xff, 0xfe][..], &wide].concat();
        for bytes in [&wide[..], &marked] {
            let message = whole(bytes).unwrap_err().to_string();
            assert!(message.contains("UTF-16"), "{message}");
        }
        let message = whole(b"\xb5m\n1\n").unwrap_err().to_string();
        assert!(message.contains("line 1: the byte 0xb5"), "{message}");
    }

    #[test]
    fn missing_values_are_nan_where_they_may_be() {
        let path = Path::new("a.csv");
        for text in [
            "1\n\n3\n",
            "1\nNA\n3",
            "y\n1\n\"\"\n3",
            "1\n#N/A\n3\n",
            "1,,3",
        ] {
            let array = read(path, text.as_bytes(), None, true).unwrap();
            assert_eq!(array.shape, [3], "{text:?}");
            assert!(
                array.values[1].is_nan() && array.values[2] == 3.0,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_column_is_picked_by_name_or_number() {
        let text = b"time,height [m]\n0,5\n1,7\n2,\n";
        let pick = |name: &str, gaps| read(Path::new("a.csv"), text, Some(name), gaps);
        assert_eq!(pick("time", false).unwrap().values, [0.0, 1.0, 2.0]);
        assert_eq!(pick("1", false).unwrap().values, [0.0, 1.0, 2.0]);
        assert_eq!(pick("height [m]", true).unwrap().values[..2], [5.0, 7.0]);
        for (name, part) in [
            ("2", "line 4, column 2 (height [m])"),
            (
                "tme",
                "no column 'tme' (did you mean 'time'?); it has 2 columns: time, height [m]",
            ),
            ("3", "it has 2 columns"),
            ("0", "it has 2 columns"),
        ] {
            let message = pick(name, false).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        let message = read(Path::new("a.csv"), b"y,y\n1,2\n", Some("y"), false);
        let message = message.unwrap_err().to_string();
        assert!(
            message.contains("2 of its columns are called 'y'"),
            "{message}"
        );
    }
}
