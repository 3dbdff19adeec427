//! Lists in flags.

/// What stands between commas, except those within brackets and quotes.
pub fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut quote) = (0_i32, None);
    let between = |c: char| {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(c),
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0 && quote.is_none()
    };
    let parts = text.split(between);
    parts.filter(|part| !part.trim().is_empty()).collect()
}
