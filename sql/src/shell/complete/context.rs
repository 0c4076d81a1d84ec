//! Reads the text around the cursor: what is being typed, what could stand there, and which tables
//! the statement names.

use std::collections::BTreeMap;

use crate::shell::commands::{self, Takes};
use crate::shell::keywords::{is_keyword, opens_sql};
use crate::shell::lexer::{self, Kind, Token};
use crate::shell::script::is_dot_command;

/// What could stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Want {
    Nothing,
    Command,
    Argument(Takes),
    File,
    Setting,
    Table,
    /// What belongs to the table, alias or schema of this name.
    Member(String),
    /// A verb; behind a name, that name.
    Verb(Option<String>),
    Expression,
    /// The first word of a statement.
    Start,
}

/// The cursor's surroundings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) want: Want,
    /// What is typed of the word at the cursor.
    pub(super) typed: String,
    /// Where that word begins.
    pub(super) from: usize,
    /// The argument before, within a command.
    pub(super) after: Option<String>,
    /// The tables that the statement names, in order.
    pub(super) tables: Vec<String>,
    /// The names they go by, their own among them.
    pub(super) aliases: BTreeMap<String, String>,
}

/// Behind these stands a table.
const BEFORE_TABLE: [&str; 8] =
    ["FROM", "JOIN", "INTO", "UPDATE", "TABLE", "DESCRIBE", "DESC", "VIEW"];

/// The cursor's surroundings.
pub(super) fn place(text: &str, cursor: usize) -> Place {
    let before = text.get(..cursor).unwrap_or(text);
    if let Some(command) = command_at(before) {
        return command;
    }
    let (start, end) = statement_around(text, before.len());
    let statement = text.get(start..end).unwrap_or_default();
    let (tables, aliases) = tables_of(statement);
    let head = text.get(start..cursor).unwrap_or_default();
    let tokens = lexer::tokens(head);
    let (typed, from) = match tokens.last() {
        Some(last) if last.kind == Kind::Word || (last.kind == Kind::Quoted && !last.closed) => {
            (last.text(head).to_string(), start + last.range.start)
        }
        _ => (String::new(), cursor),
    };
    let mut place = Place { want: Want::Nothing, typed, from, after: None, tables, aliases };
    if let Some(open) = tokens.last().filter(|last| !last.closed && last.kind != Kind::Quoted) {
        if open.kind == Kind::Text && open.text(head).starts_with('\'') {
            place.want = Want::File;
            place.from = start + open.range.start + 1;
            place.typed = text.get(place.from..cursor).unwrap_or_default().to_string();
        }
        return place;
    }
    // Nothing goes on right behind a comment, a number or a string.
    let ends = [Kind::Comment, Kind::Number, Kind::Text];
    if tokens.last().is_some_and(|last| ends.contains(&last.kind)) {
        return place;
    }
    let telling: Vec<&Token> = tokens.iter().filter(|token| token.says_something()).collect();
    let done = telling.len() - usize::from(!place.typed.is_empty()).min(telling.len());
    place.want = want(head, telling.get(..done).unwrap_or_default());
    if place.want == Want::Setting {
        // The name of a setting has dots in it: all of them are the word.
        let name = head.rfind(|c: char| !(lexer::is_word(c) || c == '.')).map_or(0, |at| at + 1);
        place.from = start + name;
        place.typed = head.get(name..).unwrap_or_default().to_string();
    }
    place
}

/// What could follow these tokens.
fn want(text: &str, tokens: &[&Token]) -> Want {
    let upper = |token: &Token| token.text(text).to_ascii_uppercase();
    let word_at = |at: usize| tokens.get(at).map(|token| upper(token)).unwrap_or_default();
    let Some(last) = tokens.last() else { return Want::Start };
    let is_sql = opens_sql(&word_at(0));
    let first = word_at(0);
    if matches!(first.as_str(), "SET" | "RESET" | "SHOW") && !tokens.iter().any(|t| upper(t) == "=")
    {
        return Want::Setting;
    }
    if last.text(text) == "." {
        let before = tokens.len().checked_sub(2).and_then(|at| tokens.get(at));
        let name = before
            .filter(|token| matches!(token.kind, Kind::Word | Kind::Quoted))
            .map(|token| unquoted(token.text(text)));
        return match name {
            Some(name) if is_sql || within_parentheses(text, tokens) => Want::Member(name),
            name => Want::Verb(name),
        };
    }
    if last.kind == Kind::Word && BEFORE_TABLE.contains(&upper(last).as_str()) {
        return Want::Table;
    }
    if last.text(text) == "," && in_from_list(text, tokens) {
        return Want::Table;
    }
    if upper(last) == "EXPLAIN" || matches!(upper(last).as_str(), "LAYERS" | "ARRAY" | "PROFILE") {
        return Want::Start;
    }
    Want::Expression
}

/// Whether the last parenthesis is still open.
fn within_parentheses(text: &str, tokens: &[&Token]) -> bool {
    let mut depth = 0i64;
    for token in tokens {
        match token.text(text) {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
    }
    depth > 0
}

/// Whether a comma here parts tables: going back to FROM there are only names and commas.
fn in_from_list(text: &str, tokens: &[&Token]) -> bool {
    for token in tokens.iter().rev() {
        let word = token.text(text);
        if word.eq_ignore_ascii_case("FROM") {
            return true;
        }
        let names = matches!(token.kind, Kind::Word | Kind::Quoted | Kind::Text);
        let fits = names && (word.eq_ignore_ascii_case("AS") || !is_keyword(word));
        if !(fits || word == "," || word == ".") {
            return false;
        }
    }
    false
}

/// A command that is being typed, at the start of the text or behind a backslash.
fn command_at(before: &str) -> Option<Place> {
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.get(line_start..)?;
    let start = match lexer::tokens(before).iter().find(|token| token.kind == Kind::Backslash) {
        Some(token) => token.range.start,
        None if is_dot_command(before) || before.trim_start() == "." => {
            before.len() - before.trim_start().len()
        }
        None => return None,
    };
    let typed = before.get(start..)?;
    let mut place = Place {
        want: Want::Command,
        typed: typed.to_string(),
        from: start,
        after: None,
        tables: vec![],
        aliases: BTreeMap::new(),
    };
    let Some((name, rest)) = typed.split_once(char::is_whitespace) else { return Some(place) };
    let last = rest.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    place.typed = rest.get(last..)?.to_string();
    place.from = before.len() - place.typed.len();
    if let Some(inner) = place.typed.strip_prefix('\'') {
        place.from += 1;
        place.typed = inner.to_string();
    }
    place.after = rest.get(..last)?.split_whitespace().last().map(str::to_string);
    place.want = match commands::find(name) {
        Some(command) if !line.is_empty() => Want::Argument(command.takes),
        _ => Want::Nothing,
    };
    Some(place)
}

/// Where the statement around the cursor begins and ends: semicolons part statements.
fn statement_around(text: &str, cursor: usize) -> (usize, usize) {
    let (mut start, mut end) = (0, text.len());
    for token in lexer::tokens(text) {
        if token.text(text) == ";" {
            if token.range.end <= cursor {
                start = token.range.end;
            } else {
                end = token.range.start;
                break;
            }
        }
    }
    (start, end)
}

/// The tables a statement names, and the names they go by in it.
fn tables_of(statement: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let tokens: Vec<Token> =
        lexer::tokens(statement).into_iter().filter(Token::says_something).collect();
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text(statement));
    let mut found: Vec<String> = Vec::new();
    let mut aliases = BTreeMap::new();
    let mut in_list = false;
    let mut at = 0;
    // A chain begins with its table.
    let mut expected = !opens_sql(word(0));
    while at < tokens.len() {
        if expected && let Some((name, next)) = reference(statement, &tokens, at) {
            let own = name.rsplit('.').next().unwrap_or(&name).trim_matches('"').to_string();
            let skip = usize::from(word(next).eq_ignore_ascii_case("AS"));
            let alias = tokens.get(next + skip).filter(|token| {
                let text = token.text(statement);
                token.kind == Kind::Quoted || (token.kind == Kind::Word && !is_keyword(text))
            });
            match alias {
                Some(alias) => aliases.insert(unquoted(alias.text(statement)), name.clone()),
                None => aliases.insert(own, name.clone()),
            };
            found.push(name);
            at = next + skip + usize::from(alias.is_some());
            expected = in_list && word(at) == ",";
            at += usize::from(expected);
            continue;
        }
        let upper = word(at).to_ascii_uppercase();
        in_list = upper == "FROM";
        let verb_join = upper == "JOIN" && word(at + 1) == "(";
        expected = ["FROM", "JOIN", "INTO", "UPDATE"].contains(&upper.as_str());
        at += 1 + usize::from(verb_join);
    }
    (found, aliases)
}

/// A name of up to three parts, or a file in quotes; and the token behind it.
fn reference(text: &str, tokens: &[Token], at: usize) -> Option<(String, usize)> {
    let token = tokens.get(at)?;
    let word = token.text(text);
    match token.kind {
        Kind::Text => return Some((word.to_string(), at + 1)),
        Kind::Quoted => {}
        Kind::Word if !is_keyword(word) => {}
        _ => return None,
    }
    let mut name = word.to_string();
    let mut next = at + 1;
    while let (Some(dot), Some(part)) = (tokens.get(next), tokens.get(next + 1)) {
        let names = matches!(part.kind, Kind::Word | Kind::Quoted);
        // In a chain the dot begins a verb.
        let calls = tokens.get(next + 2).is_some_and(|token| token.text(text) == "(");
        if dot.text(text) != "." || !names || calls {
            break;
        }
        name = format!("{name}.{}", part.text(text));
        next += 2;
    }
    // A function is no table.
    if tokens.get(next).is_some_and(|token| token.text(text) == "(") {
        return None;
    }
    Some((name, next))
}

/// A name without its quotes; without them it is lower case.
fn unquoted(name: &str) -> String {
    match name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => name.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Place {
        let cursor = text.find('|').unwrap();
        place(&text.replacen('|', "", 1), cursor)
    }

    #[test]
    fn the_tables_of_a_statement_are_found_with_their_aliases() {
        let (tables, aliases) = tables_of(
            "SELECT * FROM a x, s.b JOIN 'c.csv' AS \"C\" ON 1 WHERE d IN (SELECT 1 FROM e)",
        );
        assert_eq!(tables, ["a", "s.b", "'c.csv'", "e"]);
        assert_eq!(aliases.get("x").map(String::as_str), Some("a"));
        assert_eq!(aliases.get("C").map(String::as_str), Some("'c.csv'"));
        assert_eq!(tables_of("orders.filter(a > 1).join(users, a = b)").0, ["orders", "users"]);
        assert!(tables_of("SELECT * FROM range(3)").0.is_empty());
    }

    #[test]
    fn the_place_tells_what_could_stand_there() {
        assert_eq!(at("|").want, Want::Start);
        assert_eq!(at("SELECT 1; |").want, Want::Start);
        assert_eq!(at("SELECT * FROM a, |").want, Want::Table);
        assert_eq!(at("SELECT a, | FROM t").want, Want::Expression);
        assert_eq!(at("SELECT x.| FROM t x").want, Want::Member("x".into()));
        assert_eq!(at("t.|").want, Want::Verb(Some("t".into())));
        assert_eq!(at("t.head(1).|").want, Want::Verb(None));
        assert_eq!(at("SELECT * FROM 'da/|").want, Want::File);
        assert_eq!(at("SELECT * FROM 'da/|").typed, "da/");
        assert_eq!(at("SELECT 1 -- com|").want, Want::Nothing);
        assert_eq!(at("SELECT 1|").want, Want::Nothing);
        assert_eq!(at("EXPLAIN |").want, Want::Start);
    }

    #[test]
    fn the_word_at_the_cursor_is_what_is_replaced() {
        let place = at("SELECT fo|o FROM t");
        assert_eq!((place.typed.as_str(), place.from), ("fo", 7));
        let place = at("SET memory.li|");
        assert_eq!((place.typed.as_str(), place.from), ("memory.li", 4));
        let place = at("\\i some/fi|");
        assert_eq!((place.typed.as_str(), place.from), ("some/fi", 3));
        assert_eq!(place.want, Want::Argument(Takes::File));
    }
}
