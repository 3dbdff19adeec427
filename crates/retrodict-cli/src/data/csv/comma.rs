//! Decimal commas, which look like separators: found, so that no number is read as two.

/// `-1,5e-3` as it would be written with a point.
pub(super) fn decimal_comma(text: &str) -> Option<String> {
    let (whole, rest) = text.split_once(',')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let sign = whole.trim_start_matches(['+', '-']);
    let point = format!("{whole}.{rest}");
    let fits = digits(sign) && rest.starts_with(|c: char| c.is_ascii_digit());
    (fits && point.parse::<f64>().is_ok()).then_some(point)
}

pub(super) fn commas(line: usize, text: &str) -> String {
    let point = decimal_comma(text).unwrap_or_default();
    format!(
        "line {line}: '{text}' has a decimal comma: write {point}, not {text}, throughout the file"
    )
}

/// Rows of two whole numbers, which decimal commas make of one number each.
pub(super) struct Pairs {
    /// Whether all rows so far are such.
    pub(super) all: bool,
    /// A row that a pair of whole numbers does not look like.
    pub(super) telling: Option<(usize, String)>,
    pub(super) first: Option<(usize, String)>,
}

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
