//! Completion: what could stand at the cursor. [`context`] reads the text around the cursor, the
//! other files know what there is.

mod context;
mod files;
pub(crate) mod functions;
pub(crate) mod tables;

use datafusion::execution::context::SessionContext;
use reedline::{Completer, CompletionResult, Span, Suggestion};
use strata_engine::SessionSettings;

use self::context::{Place, Want};
use self::tables::{Columns, Names};
use super::answers::{Answers, is_own};
use super::commands::{COMMANDS, PRINTING, Takes};
use super::keywords::{KEYWORDS, is_keyword, opens_sql};
use super::output::Format;
use super::workers::Workers;

/// More than this nobody reads through.
const MOST: usize = 300;

/// Completes from what a session knows.
pub(crate) struct SessionCompleter {
    session: SessionContext,
    names: Names,
    columns: Columns,
    /// Whether the settings are those of this process.
    is_here: bool,
}

/// One thing that could stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// What is typed for it.
    pub(crate) value: String,
    /// What the menu shows for it, where that is not the same.
    pub(crate) shown: Option<String>,
    /// What it is.
    pub(crate) about: String,
    /// Whether a space goes behind it.
    pub(crate) space: bool,
}

impl Candidate {
    fn new(value: impl Into<String>, about: impl Into<String>) -> Self {
        Self { value: value.into(), shown: None, about: about.into(), space: false }
    }

    fn spaced(mut self) -> Self {
        self.space = true;
        self
    }
}

impl SessionCompleter {
    /// Asks on the threads of `workers`.
    pub(crate) fn new(session: SessionContext, answers: &Answers, workers: &Workers) -> Self {
        let names = Names::new(answers.clone(), workers.clone());
        let columns = Columns::new(answers.clone(), workers.clone());
        Self { session, names, columns, is_here: matches!(answers, Answers::Here(..)) }
    }

    /// What could stand at the cursor, and the range of the text it would take the place of.
    pub(crate) fn candidates(&mut self, text: &str, cursor: usize) -> (Vec<Candidate>, Span) {
        let place = context::place(text, cursor);
        let mut found = Vec::new();
        self.collect(&place, &mut found);
        let typed = place.typed.trim_start_matches('"').to_lowercase();
        let key = |candidate: &Candidate| {
            let shown = candidate.shown.as_deref().unwrap_or(&candidate.value);
            shown.trim_start_matches('"').to_lowercase()
        };
        let mut fitting: Vec<Candidate> =
            found.iter().filter(|candidate| key(candidate).starts_with(&typed)).cloned().collect();
        // `price` finds `l_extendedprice` when nothing begins that way.
        if fitting.is_empty() && typed.chars().count() > 1 {
            fitting =
                found.into_iter().filter(|candidate| key(candidate).contains(&typed)).collect();
        }
        let mut seen = std::collections::HashSet::new();
        fitting.retain(|candidate| seen.insert(candidate.value.clone()));
        fitting.truncate(MOST);
        (fitting, Span::new(place.from, cursor.max(place.from)))
    }

    fn collect(&mut self, place: &Place, found: &mut Vec<Candidate>) {
        match &place.want {
            Want::Nothing => {}
            Want::Command => commands(&place.typed, found),
            Want::Argument(takes) => self.arguments(*takes, place, found),
            Want::File => found.extend(files::candidates(&place.typed)),
            Want::Setting => self.settings(found),
            Want::Table => {
                self.tables(found);
                self.functions(found, |kind| kind == "table");
            }
            Want::Member(head) => {
                found.extend(self.columns.of(head, &place.aliases).into_iter().map(column));
                found.extend(self.names.in_schema(head).into_iter().map(table));
            }
            Want::Verb(head) => {
                verbs(found);
                if let Some(head) = head {
                    found.extend(self.names.in_schema(head).into_iter().map(table));
                }
            }
            Want::Expression => {
                for named in &place.tables {
                    found.extend(self.columns.of(named, &place.aliases).into_iter().map(column));
                }
                for (alias, of) in place.aliases.iter().filter(|(alias, of)| alias != of) {
                    found.push(Candidate::new(quote(alias), format!("alias of {of}")));
                }
                keywords(&place.typed, found);
                self.functions(found, |kind| kind != "table");
            }
            Want::Start => {
                openers(&place.typed, found);
                self.tables(found);
                self.functions(found, |kind| kind == "table");
            }
        }
    }

    fn arguments(&mut self, takes: Takes, place: &Place, found: &mut Vec<Candidate>) {
        let words = |found: &mut Vec<Candidate>, words: &[&str], about: &str| {
            found.extend(words.iter().map(|word| Candidate::new(*word, about)));
        };
        match takes {
            Takes::Nothing | Takes::Column => {}
            Takes::Table => self.tables(found),
            Takes::Function => self.functions(found, |_| true),
            Takes::File => found.extend(files::candidates(&place.typed)),
            Takes::Format => formats(found),
            Takes::Switch => words(found, &["on", "off"], ""),
            Takes::Printing => {
                if place.after == Some("format".to_string()) {
                    formats(found);
                } else if place.after.is_some() {
                    words(found, &["on", "off"], "");
                } else {
                    words(found, &PRINTING, "");
                }
            }
            Takes::Command => {
                for command in COMMANDS {
                    found.extend(
                        command.names.iter().map(|name| Candidate::new(*name, command.help)),
                    );
                }
            }
            Takes::Topic => {
                found.extend(crate::verbs().map(|verb| Candidate::new(verb.0, verb.2)));
                self.functions(found, |_| true);
            }
        }
        // An argument is a name, not a call.
        for candidate in found {
            if let Some(name) = candidate.value.strip_suffix('(') {
                candidate.value = name.to_string();
            }
        }
    }

    fn tables(&self, found: &mut Vec<Candidate>) {
        found.extend(self.names.all().into_iter().map(table));
        for schema in self.names.schemas() {
            found.push(Candidate::new(quote(&schema), "schema"));
        }
    }

    fn functions(&self, found: &mut Vec<Candidate>, accept: impl Fn(&str) -> bool) {
        let known = functions::functions(&self.session);
        found.extend(known.into_iter().filter(|function| accept(function.kind)).map(|function| {
            Candidate {
                value: format!("{}(", function.name),
                shown: Some(function.name.clone()),
                about: function.syntax,
                space: false,
            }
        }));
    }

    fn settings(&self, found: &mut Vec<Candidate>) {
        found.extend(self.session.settings().list().into_iter().map(|setting| {
            let about = match self.is_here || is_own(&setting.name) {
                true => {
                    let value = setting.value.unwrap_or_else(|| "unset".to_string());
                    format!("= {value}: {}", setting.description)
                }
                // What the server has there, this process does not know.
                false => setting.description.to_string(),
            };
            Candidate::new(setting.name, about)
        }));
    }
}

fn column((name, kind): (String, String)) -> Candidate {
    Candidate::new(quote(&name), kind)
}

fn table(name: tables::TableName) -> Candidate {
    Candidate::new(name.reference(), name.kind)
}

fn formats(found: &mut Vec<Candidate>) {
    found.extend(
        Format::ALL.iter().map(|format| Candidate::new(format.to_string(), "output format")),
    );
}

fn verbs(found: &mut Vec<Candidate>) {
    found.extend(crate::verbs().map(|(name, signature, doc)| Candidate {
        value: format!("{name}("),
        shown: Some(name.to_string()),
        about: format!("{signature}: {doc}"),
        space: false,
    }));
}

fn commands(typed: &str, found: &mut Vec<Candidate>) {
    for command in COMMANDS {
        for name in command.names.iter().filter(|name| name.starts_with(typed)) {
            let candidate = Candidate::new(*name, command.help);
            found.push(if command.arguments.is_empty() { candidate } else { candidate.spaced() });
        }
    }
}

/// In the case that is being typed.
fn words(typed: &str, list: &[&str], found: &mut Vec<Candidate>) {
    let lower = typed.chars().next().is_some_and(char::is_lowercase);
    found.extend(list.iter().map(|word| {
        let word = if lower { word.to_ascii_lowercase() } else { (*word).to_string() };
        Candidate::new(word, "keyword").spaced()
    }));
}

/// What may stand within a statement: of the words that begin one, those of subqueries only.
fn keywords(typed: &str, found: &mut Vec<Candidate>) {
    const WITHIN: [&str; 5] = ["FROM", "SELECT", "SET", "VALUES", "WITH"];
    let fits = |word: &&str| !opens_sql(word) || WITHIN.contains(word);
    let list: Vec<&str> = KEYWORDS.iter().copied().filter(fits).collect();
    words(typed, &list, found);
}

fn openers(typed: &str, found: &mut Vec<Candidate>) {
    words(typed, super::keywords::OPENERS, found);
}

/// A name as it must be typed: in quotes where it would mean something else without.
pub(crate) fn quote(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !is_keyword(name);
    if plain { name.to_string() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A text as SQL has it.
pub(crate) fn quote_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Completer for SessionCompleter {
    fn complete(&mut self, line: &str, pos: usize) -> CompletionResult {
        let (candidates, span) = self.candidates(line, pos);
        let suggestions: Vec<Suggestion> = candidates
            .into_iter()
            .map(|candidate| Suggestion {
                value: candidate.value,
                display_override: candidate.shown,
                description: Some(candidate.about).filter(|about| !about.is_empty()),
                span,
                append_whitespace: candidate.space,
                ..Suggestion::default()
            })
            .collect();
        CompletionResult::fresh(suggestions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use strata_engine::{LocalRunner, Settings};

    async fn completer() -> SessionCompleter {
        let session = crate::session(Settings::default()).unwrap();
        for sql in [
            "CREATE TABLE users (id BIGINT, name VARCHAR, \"Full Name\" VARCHAR)",
            "CREATE TABLE orders (order_id BIGINT, user_id BIGINT)",
            "CREATE VIEW recent AS SELECT * FROM orders",
        ] {
            session.sql(sql).await.unwrap().collect().await.unwrap();
        }
        let answers = Answers::Here(session.clone(), Arc::new(LocalRunner));
        SessionCompleter::new(session, &answers, &Workers::new(Some(1)).unwrap())
    }

    /// Completes at the bar.
    fn values(completer: &mut SessionCompleter, text: &str) -> Vec<String> {
        let cursor = text.find('|').unwrap();
        let text = text.replacen('|', "", 1);
        let (found, _) = completer.candidates(&text, cursor);
        found.into_iter().map(|candidate| candidate.value).collect()
    }

    #[tokio::test]
    async fn tables_stand_after_from() {
        let mut completer = completer().await;
        assert_eq!(values(&mut completer, "SELECT * FROM us|"), ["users"]);
        assert_eq!(values(&mut completer, "select * from users join ord|"), ["orders"]);
        assert_eq!(values(&mut completer, "INSERT INTO rec|"), ["recent"]);
        assert!(values(&mut completer, "SELECT * FROM |").contains(&"recent".to_string()));
    }

    #[tokio::test]
    async fn columns_are_those_of_the_tables_named_before_or_after() {
        let mut completer = completer().await;
        assert_eq!(values(&mut completer, "SELECT na| FROM users").first().unwrap(), "name");
        assert_eq!(
            values(&mut completer, "SELECT * FROM users WHERE Fu|").first().unwrap(),
            "\"Full Name\""
        );
        assert_eq!(values(&mut completer, "SELECT u.i| FROM users u"), ["id"]);
        assert_eq!(
            values(&mut completer, "SELECT * FROM users AS u JOIN orders o ON o.user|"),
            ["user_id"]
        );
        assert_eq!(
            values(&mut completer, "SELECT 1 FROM users; SELECT order_| FROM orders"),
            ["order_id"]
        );
        assert!(values(&mut completer, "SELECT nam| FROM orders").iter().all(|v| v != "name"));
    }

    #[tokio::test]
    async fn verbs_stand_after_a_dot_of_a_chain() {
        let mut completer = completer().await;
        assert_eq!(values(&mut completer, "users.fil|"), ["filter(", "fill_null("]);
        assert!(
            values(&mut completer, "users.filter(id > 1).|").contains(&"group_by(".to_string())
        );
        assert_eq!(values(&mut completer, "users.filter(na|").first().unwrap(), "name");
    }

    #[tokio::test]
    async fn keywords_follow_the_case_that_is_typed() {
        let mut completer = completer().await;
        assert_eq!(values(&mut completer, "sel|"), ["select"]);
        assert_eq!(values(&mut completer, "SEL|"), ["SELECT"]);
        assert!(values(&mut completer, "SELECT date_tr|").contains(&"date_trunc(".to_string()));
    }

    #[tokio::test]
    async fn settings_commands_and_formats_have_their_places() {
        let mut completer = completer().await;
        assert_eq!(values(&mut completer, "SET memory.|"), ["memory.limit"]);
        assert_eq!(values(&mut completer, "\\dt|"), ["\\dt"]);
        assert_eq!(values(&mut completer, ".mo|"), [".mode"]);
        assert_eq!(values(&mut completer, ".mode mark|"), ["markdown"]);
        assert_eq!(values(&mut completer, "\\d use|"), ["users"]);
        assert_eq!(values(&mut completer, "\\pset format nd|"), ["ndjson"]);
        assert!(values(&mut completer, "SELECT 'sel|").is_empty());
    }

    #[test]
    fn names_are_quoted_where_they_must() {
        assert_eq!(quote("a_1"), "a_1");
        assert_eq!(quote("Full \"Name\""), "\"Full \"\"Name\"\"\"");
        assert_eq!(quote("order"), "\"order\"");
    }
}
