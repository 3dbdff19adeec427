//! What a cell says: a number, with a decimal point or comma, or that it is missing, or words.

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
pub(super) fn may_be_thousands(text: &str) -> bool {
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
