//! Text out of bytes: UTF-8, UTF-16 with its mark, and Windows-1252, which Excel still writes.

use std::borrow::Cow;

/// How the characters of a text are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// With or without a byte order mark.
    Utf8,
    /// What Excel calls Unicode text.
    Utf16,
    /// Assumed where bytes are not UTF-8: only names can be misread by it, since digits are the same everywhere.
    Windows1252,
}

impl Encoding {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Windows1252 => "Windows-1252 (assumed, since it is not UTF-8)",
        }
    }
}

/// Where Windows-1252 differs from Latin-1: 0x80 to 0x9f.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text, and how it was written.
pub(super) fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, Encoding), String> {
    let bytes = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
            return Err("it is UTF-32; save it as UTF-8 (plain CSV)".to_owned());
        }
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        bytes => bytes,
    };
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        let line = 1 + bytes[..at].iter().filter(|b| **b == b'\n').count();
        return Err(format!(
            "line {line}: it contains zero bytes, so it is not text but binary, or UTF-16 without its mark; save it \
             as UTF-8 (plain CSV)"
        ));
    }
    let (text, encoding) = match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), Encoding::Utf8),
        Err(_) => (Cow::Owned(windows(bytes)), Encoding::Windows1252),
    };
    Ok((line_ends(text), encoding))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<(Cow<'_, str>, Encoding), String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text: Result<String, _> =
        char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
    match (text, rest) {
        (Ok(text), []) => Ok((line_ends(Cow::Owned(text)), Encoding::Utf16)),
        (Ok(_), _) => Err("it begins as UTF-16, but ends within a character".to_owned()),
        (Err(_), _) => {
            Err("it begins as UTF-16, but is not; save it as UTF-8 (plain CSV)".to_owned())
        }
    }
}

fn windows(bytes: &[u8]) -> String {
    let character = |b: &u8| match b {
        0x80..=0x9f => WINDOWS[usize::from(*b - 0x80)],
        b => char::from(*b),
    };
    bytes.iter().map(character).collect()
}

/// Line ends of old machines are those of today's.
fn line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.contains('\r') && !text.contains('\n') {
        true => Cow::Owned(text.replace('\r', "\n")),
        false => text,
    }
}
