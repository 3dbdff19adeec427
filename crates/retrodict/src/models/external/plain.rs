//! Text of others, made safe to show: what a program printed or a server answered may hold codes that steer a terminal.

/// The text with everything that steers a terminal written out, as in `\u{1b}[2J`; ends of lines and tabs stay.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The text on one line.
#[cfg(feature = "external")]
pub(super) fn plain_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    plain(&words.join(" "))
}

/// Control characters, and those that turn the direction of writing or end a line unseen.
fn steers(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\n' && c != '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(plain("a\x1b[31mb\tc\nd"), "a\\u{1b}[31mb\tc\nd");
        assert_eq!(
            plain("\u{9b}2J\r\u{7f}\u{202e}"),
            "\\u{9b}2J\\u{d}\\u{7f}\\u{202e}"
        );
        assert_eq!(plain("σ = ½, 数"), "σ = ½, 数");
        #[cfg(feature = "external")]
        assert_eq!(plain_line(" a\n b\x07 "), "a b\\u{7}");
    }
}
