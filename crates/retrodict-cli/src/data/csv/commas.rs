//! Commas within numbers, told from commas between cells by looking at all lines.

use super::cell::{Separator, TextLine, cells};
use super::number::{Decimal, commas, decimal_comma, is_missing, may_be_thousands};

/// How the fractions of some lines are written. Excel writes commas where cells are separated by semicolons or tabs.
pub(super) fn decimal(lines: &[TextLine<'_>], separator: Separator) -> Result<Decimal, String> {
    let commas = lines.iter().any(|(_, line)| line.contains(','));
    if separator == Separator::Character(',') || !commas {
        return Ok(Decimal::Point);
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
        (None, _) => Ok(Decimal::Point),
        (Some((line, comma)), Some((other, point))) => Err(format!(
            "line {line}: '{comma}' has a decimal comma, but line {other}: '{point}' has a decimal point; use one of \
             them throughout the file"
        )),
        (Some((line, comma)), None) if !sure => Err(format!(
            "line {line}: '{comma}' may have a decimal comma or a comma between thousands; write decimal points and no \
             separators of thousands"
        )),
        (Some(_), None) => Ok(Decimal::Comma),
    }
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
