//! What a cell says: a number, with a decimal point or comma, or that it is missing, or words.

use super::cell::{Separator, cells};
use super::lines::TextLine;

/// Words for a value that is missing; NaN is one too.
const MISSING: [&str; 8] = [
    "na", "n/a", "#n/a", "#na", "null", "none", "missing", "<na>",
];

/// What a cell says.
pub(super) enum Said {
    Number(f64),
    Missing,
    Words,
}

/// What stands before the digits of a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimal {
    /// 1.5
    Point,
    /// 1,5
    Comma,
}

pub(super) fn is_missing(text: &str) -> bool {
    // The longest word has seven letters.
    text.is_empty() || text.len() < 8 && MISSING.contains(&text.to_lowercase().as_str())
}

impl Decimal {
    /// How the fractions of some lines are written. Excel writes commas where cells are separated by semicolons or tabs.
    pub(super) fn of(lines: &[TextLine<'_>], separator: Separator) -> Result<Self, String> {
        let commas = lines.iter().any(|(_, line)| line.contains(','));
        if separator == Separator::Character(',') || !commas {
            return Ok(Self::Point);
        }
        let (mut comma, mut point, mut sure) = (None, None, separator == Separator::Character(';'));
        for (number, line) in lines {
            for cell in cells(line, separator) {
                let text = cell.text.as_ref();
                if decimal_comma(text).is_some() {
                    sure |= !may_be_thousands(text);
                    comma.get_or_insert_with(|| (*number, text.to_owned()));
                } else if text.contains('.') && text.parse::<f64>().is_ok() {
                    point.get_or_insert_with(|| (*number, text.to_owned()));
                }
            }
        }
        match (comma, point) {
            (None, _) => Ok(Self::Point),
            (Some((line, comma)), Some((other, point))) => Err(format!(
                "line {line}: '{comma}' has a decimal comma, but line {other}: '{point}' has a decimal point; use one of \
                 them throughout the file"
            )),
            (Some((line, comma)), None) if !sure => Err(format!(
                "line {line}: '{comma}' may have a decimal comma or a comma between thousands; write decimal points and no \
                 separators of thousands"
            )),
            (Some(_), None) => Ok(Self::Comma),
        }
    }

    pub(super) fn says(self, text: &str) -> Said {
        let read = match self {
            Self::Comma if text.contains(',') => {
                decimal_comma(text).and_then(|text| text.parse::<f64>().ok())
            }
            _ => text.parse::<f64>().ok().or_else(|| fortran(text)),
        };
        match read {
            Some(value) if value.is_nan() => Said::Missing,
            Some(value) => Said::Number(value),
            None if is_missing(text) => Said::Missing,
            None => Said::Words,
        }
    }
}

/// `1.0D+03`, as Fortran writes double precision.
fn fortran(text: &str) -> Option<f64> {
    let at = text.find(['d', 'D'])?;
    let digits = text[..at].bytes().any(|b| b.is_ascii_digit());
    let number = format!("{}e{}", &text[..at], &text[at + 1..]);
    number.parse().ok().filter(|_| digits)
}

/// `-1,5e-3` as it would be written with a point.
pub(super) fn decimal_comma(text: &str) -> Option<String> {
    let (whole, rest) = text.split_once(',')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let sign = whole.trim_start_matches(['+', '-']);
    let point = format!("{whole}.{rest}");
    let fits = digits(sign) && rest.starts_with(|c: char| c.is_ascii_digit());
    (fits && point.parse::<f64>().is_ok()).then_some(point)
}

/// Whether a comma may stand between thousands, as in 1,234.
fn may_be_thousands(text: &str) -> bool {
    let Some((whole, rest)) = text.split_once(',') else {
        return false;
    };
    let whole = whole.trim_start_matches(['+', '-']);
    rest.len() == 3 && whole.len() <= 3 && !whole.starts_with('0')
}

/// Whether a word is a number but for separators of thousands: 1.234,5 or 1'234 or 1,234,567.
pub(super) fn has_thousands(text: &str) -> bool {
    let marks = ['.', ',', '\'', '’', ' ', '\u{a0}', '\u{202f}', '_'];
    let bare: String = text.chars().filter(|c| !marks.contains(c)).collect();
    let digits = bare.trim_start_matches(['+', '-']);
    digits.len() > 3
        && digits.bytes().all(|b| b.is_ascii_digit())
        && text.chars().any(|c| marks.contains(&c))
}

/// What to do about a comma that may be part of a number.
pub(super) fn commas(line: usize, text: &str) -> String {
    let point = decimal_comma(text).unwrap_or_default();
    format!(
        "line {line}: '{text}' has a decimal comma: write {point}, not {text}, throughout the file, or separate the cells \
         by semicolons"
    )
}

/// Whether lines are a name and one column of numbers with decimal commas, which are no separators then. Where the whole
/// parts count the rows they may be a second column, and nothing is decided.
pub(super) fn is_one_column(lines: &[TextLine<'_>]) -> bool {
    let Some(((_, header), rows)) = lines.split_first() else {
        return false;
    };
    let names = cells(header, Separator::Character(','));
    let [name] = names.as_slice() else {
        return false;
    };
    let whole = |text: &str| text.parse::<i64>().is_ok();
    let says = |text: &str| whole(text) || is_missing(text) || decimal_comma(text).is_some();
    if !name.is_name() || !rows.iter().all(|(_, line)| says(line.trim())) {
        return false;
    }
    let fractions = rows.iter().filter(|(_, line)| line.contains(','));
    let parts =
        fractions.filter_map(|(_, line)| line.split_once(',')?.0.trim().parse::<i64>().ok());
    let parts: Vec<i64> = parts.collect();
    let counts = parts
        .windows(2)
        .all(|pair| pair[1] == pair[0].saturating_add(1));
    parts.len() > 1 && !counts
}

/// Whether lines are numbers between blanks, some of which have decimal commas.
pub(super) fn are_blanks(lines: &[TextLine<'_>]) -> bool {
    let says = |word: &str| {
        decimal_comma(word).is_some() || !word.contains(',') && word.parse::<f64>().is_ok()
    };
    let several = |line: &str| line.split_whitespace().count() > 1;
    !lines.is_empty()
        && lines
            .iter()
            .all(|(_, line)| several(line) && line.split_whitespace().all(says))
        && lines.iter().any(|(_, line)| line.contains(','))
}

/// Rows of two whole numbers, which decimal commas make of one number each.
pub(super) struct Pairs {
    /// Whether all rows so far are such.
    all: bool,
    /// A row that a pair of whole numbers does not look like.
    telling: Option<Located>,
    first: Option<Located>,
}

type Located = (usize, String);

impl Pairs {
    pub(super) fn new(all: bool) -> Self {
        Self {
            all,
            telling: None,
            first: None,
        }
    }

    pub(super) fn look(&mut self, number: usize, line: &str) {
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
    pub(super) fn check(self, named: Option<usize>) -> Result<(), String> {
        let misread = match (self.all, named) {
            (false, _) => None,
            (true, Some(1)) => self.first,
            (true, _) => self.telling,
        };
        misread.map_or(Ok(()), |(number, line)| Err(commas(number, &line)))
    }
}
