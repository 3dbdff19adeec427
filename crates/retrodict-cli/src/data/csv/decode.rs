//! Text out of bytes.

use std::borrow::Cow;

/// UTF-8, with or without a byte order mark.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
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
