//! Text for a terminal: made harmless, measured in columns, cut and padded.

use std::borrow::Cow;
use std::fmt::Write;

pub(crate) use strata_engine::{counted, thousands};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many terminal columns the text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Whether a character moves the cursor, rings, colors or reorders the text around it.
fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with control characters spelled out, so that a cell cannot break the terminal.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => clean.push_str("\\n"),
            '\r' => clean.push_str("\\r"),
            '\t' => clean.push_str("\\t"),
            c if is_harmful(c) && (c as u32) < 0x100 => {
                // Writing to a String does not fail.
                let _ = write!(clean, "\\x{:02x}", c as u32);
            }
            c if is_harmful(c) => {
                let _ = write!(clean, "\\u{{{:x}}}", c as u32);
            }
            c => clean.push(c),
        }
    }
    Cow::Owned(clean)
}

/// The text in at most `max` columns; where something is lost, it ends in the ellipsis.
pub(crate) fn cut<'a>(text: &'a str, max: usize, ellipsis: &str) -> Cow<'a, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    let room = max.saturating_sub(width(ellipsis));
    let mut taken = 0;
    let mut cut: String = text
        .chars()
        .take_while(|c| {
            taken += c.width().unwrap_or(1);
            taken <= room
        })
        .collect();
    // An emoji's presentation may be wider than the sum of its characters.
    while width(&cut) > room && cut.pop().is_some() {}
    match width(ellipsis) <= max {
        true => cut.push_str(ellipsis),
        false => cut.extend(ellipsis.chars().take(max)),
    }
    Cow::Owned(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelled_out() {
        assert_eq!(clean("a\nb\tc\x1b[31m"), "a\\nb\\tc\\x1b[31m");
        assert_eq!(clean("\u{9b}31m \u{202e}abc"), "\\x9b31m \\u{202e}abc");
        assert!(matches!(clean("plain, ünïcödé 東京"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_cut_never_takes_more_room_than_given() {
        assert_eq!(cut("abcdef", 4, "…"), "abc…");
        assert_eq!(cut("abcd", 4, "…"), "abcd");
        assert_eq!(cut("東京都", 4, "…"), "東…");
        assert_eq!(cut("abcdef", 2, "..."), "..");
        for text in ["東京都庁舎", "☁️☁️☁️☁️", "👩‍👩‍👧‍👦 family", "e\u{301}e\u{301}e\u{301}e\u{301}"]
        {
            for max in 1..12 {
                assert!(width(&cut(text, max, "…")) <= max, "{text} in {max}");
            }
        }
    }
}
