//! Parts the arguments of a command at spaces, as psql does: quotes hold a word together.

/// The words of a line. A single quote is doubled within single quotes; double quotes are kept,
/// since they belong to names.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match quote {
            Some(open) if c == open => {
                if chars.next_if_eq(&open).is_some() {
                    word.get_or_insert_default().push(c);
                } else {
                    quote = None;
                    if c == '"' {
                        word.get_or_insert_default().push(c);
                    }
                }
            }
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                let word = word.get_or_insert_default();
                if c == '"' {
                    word.push(c);
                }
            }
            None if c.is_whitespace() => all.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(words("a  'b c' title='it''s' ''"), ["a", "b c", "title=it's", ""]);
        assert_eq!(words("\"My Table\".x"), ["\"My Table\".x"]);
        assert_eq!(words("'never closed"), ["never closed"]);
        assert_eq!(words(""), Vec::<String>::new());
    }
}
