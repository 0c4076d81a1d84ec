//! What a person reads when something goes wrong: one clear message, the line it is about with a
//! mark under the place, and what would help.
//!
//! ```text
//! error: No field named nmae.
//!   SELECT nmae FROM users
//!          ^
//! hint: did you mean 'name'?
//! ```

use std::fmt::{self, Write as _};
use std::num::ParseIntError;
use std::str::FromStr;

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use nu_ansi_term::{Color, Style};
use strata_engine::EngineError;
use unicode_width::UnicodeWidthStr;

use crate::{Error, Location};

/// The text that went wrong, and where it came from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Source<'a> {
    /// The text in which the error's place is counted.
    pub text: &'a str,
    /// The byte of the text at which the statement begins.
    pub begins: usize,
    /// The script it stands in, and the line of the script it begins on.
    pub script: Option<(&'a str, u64)>,
}

/// An error, ready to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    message: String,
    at: Option<Location>,
    hint: Option<String>,
}

impl Report {
    /// What there is to say about an error.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Text { .. } | Error::NoTable { .. } => Self {
                message: tidy(&error.to_string()),
                at: error.location(),
                hint: error.advice().map(str::to_string),
            },
            Error::Engine(EngineError::DataFusion(inner)) => Self::of_datafusion(inner),
            other => Self::plain(other.to_string()),
        }
    }

    fn plain(message: String) -> Self {
        Self { message: tidy(&message), at: None, hint: None }
    }

    fn of_datafusion(error: &DataFusionError) -> Self {
        match error {
            DataFusionError::Diagnostic(diagnostic, inner) => {
                let mut report = Self::of_datafusion(inner);
                report.at = report.at.or(diagnostic
                    .span
                    .map(|span| Location { line: span.start.line, column: span.start.column }));
                let advice = diagnostic.helps.iter().map(|help| help.message.clone());
                report.hint = report.hint.or(advice.reduce(|all, next| all + "; " + &next));
                report
            }
            DataFusionError::Context(_, inner) => Self::of_datafusion(inner),
            DataFusionError::Shared(inner) => Self::of_datafusion(inner),
            DataFusionError::Collection(errors) => match errors.as_slice() {
                [first, rest @ ..] => {
                    let mut report = Self::of_datafusion(first);
                    if !rest.is_empty() {
                        let _ = write!(report.message, " (and {} more)", rest.len());
                    }
                    report
                }
                [] => Self::plain("unknown error".to_string()),
            },
            DataFusionError::External(source) => Self::of_source(source.as_ref()),
            DataFusionError::ArrowError(inner, _) => Self::of_arrow(inner),
            DataFusionError::SQL(inner, _) => {
                let (message, at) = without_place(&inner.to_string());
                Self { at, ..Self::plain(message) }
            }
            other => Self::plain(other.message().into_owned()),
        }
    }

    fn of_arrow(error: &ArrowError) -> Self {
        let (message, hint) = match error {
            ArrowError::ExternalError(source) => return Self::of_source(source.as_ref()),
            ArrowError::DivideByZero => {
                ("division by zero".to_string(), "x / NULLIF(y, 0) gives NULL instead")
            }
            ArrowError::CastError(message) => {
                (message.clone(), "TRY_CAST(x AS type) gives NULL instead")
            }
            other => return Self::plain(other.to_string()),
        };
        Self { hint: Some(hint.to_string()), ..Self::plain(message) }
    }

    fn of_source(source: &(dyn std::error::Error + 'static)) -> Self {
        if let Some(error) = source.downcast_ref::<DataFusionError>() {
            Self::of_datafusion(error)
        } else if let Some(EngineError::DataFusion(error)) = source.downcast_ref::<EngineError>() {
            Self::of_datafusion(error)
        } else if let Some(error) = source.downcast_ref::<ArrowError>() {
            Self::of_arrow(error)
        } else if let Some(error) = source.downcast_ref::<Error>() {
            Self::of(error)
        } else {
            Self::plain(source.to_string())
        }
    }

    /// All of it as one line, for whoever has no text to mark a place in.
    pub(crate) fn line(&self) -> String {
        let mut line = self.message.clone();
        if let Some(at) = self.at {
            let _ = write!(line, " ({at})");
        }
        if let Some(hint) = &self.hint {
            let _ = write!(line, "; hint: {}", tidy(hint));
        }
        line
    }

    /// Where the parts of the one line are.
    pub(crate) fn seams(&self) -> Seams {
        let hint = self.hint.as_ref().map(|hint| self.line().len() - tidy(hint).len());
        Seams { message: self.message.len(), at: self.at, hint }
    }

    /// The lines to print, the last one with its end.
    pub fn render(&self, source: Source<'_>, color: bool) -> String {
        let paint = |style: Style, text: &str| {
            if color { style.paint(text).to_string() } else { text.to_string() }
        };
        let mut lines = paint(Style::new().bold().fg(Color::Red), "error:");
        // What a library quotes may span lines; only the first is the error's own.
        let message = self.message.replace('\n', "\n  ");
        let _ = writeln!(lines, " {}{message}", self.place_in(source));
        if let Some((line, column)) = self.at.and_then(|at| place(source.text, at)) {
            let _ = writeln!(lines, "  {line}");
            let mark = paint(Style::new().bold().fg(Color::Red), "^");
            let _ = writeln!(lines, "  {}{mark}", " ".repeat(column));
        }
        if let Some(hint) = &self.hint {
            let label = paint(Style::new().bold().fg(Color::Cyan), "hint:");
            let _ = writeln!(lines, "{label} {}", tidy(hint));
        }
        lines
    }

    /// `script.sql:12:8: `, for a text from a script.
    fn place_in(&self, source: Source<'_>) -> String {
        let Some((name, begins)) = source.script else { return String::new() };
        match self.at {
            Some(at) => format!("{name}:{}:{}: ", begins + at.line.saturating_sub(1), at.column),
            None => {
                // Empty lines and comments may stand before it: point at the statement.
                let (before, rest) =
                    source.text.split_at_checked(source.begins).unwrap_or((source.text, ""));
                let blank = rest.lines().take_while(|line| is_blank(line)).count();
                format!("{name}:{}: ", begins + (before.matches('\n').count() + blank) as u64)
            }
        }
    }
}

/// Where the parts of an error are that was told as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seams {
    /// How many bytes the message has.
    pub(crate) message: usize,
    /// The place that the error is about.
    pub(crate) at: Option<Location>,
    /// The byte at which the hint begins.
    pub(crate) hint: Option<usize>,
}

impl Seams {
    /// The error that was told as this line.
    pub(crate) fn part(&self, line: &str) -> Error {
        Error::Text {
            message: line.get(..self.message).unwrap_or(line).to_string(),
            at: self.at,
            hint: self.hint.and_then(|at| line.get(at..)).map(str::to_string),
        }
    }
}

impl fmt::Display for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.unwrap_or(Location { line: 0, column: 0 });
        write!(f, "{} {} {} {}", self.message, at.line, at.column, self.hint.unwrap_or(0))
    }
}

impl FromStr for Seams {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let mut words = text.split(' ');
        let mut next = || words.next().unwrap_or_default();
        let message = next().parse()?;
        let at = Location { line: next().parse()?, column: next().parse()? };
        let hint = next().parse()?;
        Ok(Self { message, at: (at.line > 0).then_some(at), hint: (hint > 0).then_some(hint) })
    }
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with("--")
}

/// The line of a place, tabs as spaces, and how many columns to its left.
fn place(text: &str, at: Location) -> Option<(String, usize)> {
    let line = text.lines().nth(usize::try_from(at.line.checked_sub(1)?).ok()?)?;
    let before: String =
        line.chars().take(usize::try_from(at.column.checked_sub(1)?).ok()?).collect();
    let plain = |text: &str| text.replace('\t', " ");
    let (line, left) = (plain(line), plain(&before).width());
    Some(window(&line, left))
}

/// Long lines are shown around the place only.
fn window(line: &str, left: usize) -> (String, usize) {
    const BEFORE: usize = 60;
    const SHOWN: usize = 100;
    if line.width() <= SHOWN || line.width() != line.chars().count() {
        return (line.to_string(), left);
    }
    let skip = left.saturating_sub(BEFORE);
    let shown: String = line.chars().skip(skip).take(SHOWN).collect();
    let (open, close) =
        (if skip > 0 { "…" } else { "" }, if skip + SHOWN < line.len() { "…" } else { "" });
    (format!("{open}{shown}{close}"), left - skip + open.width())
}

/// Parts `… at Line: 1, Column: 8` from the message it ends.
fn without_place(message: &str) -> (String, Option<Location>) {
    let parsed = || {
        let (text, place) = message.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        let column = column
            .find(|c: char| !c.is_ascii_digit())
            .map_or(column, |end| column.get(..end).unwrap_or(column));
        let at = Location { line: line.parse().ok()?, column: column.parse().ok()? };
        Some((text.to_string(), at))
    };
    match parsed() {
        Some((text, at)) => (text, Some(at)),
        None => (message.to_string(), None),
    }
}

/// What libraries put in front of a message, each of which says nothing to the reader.
const NOISE: [&str; 18] = [
    "DataFusion error: ",
    "External error: ",
    "External: ",
    "Execution error: ",
    "Error during planning: ",
    "Schema error: ",
    "Invalid or Unsupported Configuration: ",
    "Resources exhausted: ",
    "Arrow error: ",
    "Parquet error: ",
    "SQL error: ",
    "IO error: ",
    "Object Store error: ",
    "Invalid argument error: ",
    "Compute error: ",
    "Parser error: ",
    "sql parser error: ",
    "ParserError: ",
];

/// What follows one of these is for the developers of a library.
const NOT_FOR_READERS: [&str; 4] = [
    "\n\nbacktrace:",
    "\nbacktrace:",
    "This issue was likely caused by a bug",
    "This was likely caused by a bug",
];

/// The message without prefixes, backtraces and advice to report a bug elsewhere.
fn tidy(message: &str) -> String {
    let end = NOT_FOR_READERS.iter().filter_map(|mark| message.find(mark)).min();
    let cut = end.and_then(|end| message.get(..end));
    let mut message = cut.map_or(message.trim(), |kept| kept.trim_end().trim_end_matches('.'));
    while let Some(rest) = NOISE.iter().find_map(|noise| message.strip_prefix(noise)) {
        message = rest.trim_start();
    }
    message.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::parser::ParserError;

    fn render(error: &Error, text: &str) -> String {
        Report::of(error).render(Source { text, ..Source::default() }, false)
    }

    #[test]
    fn the_place_is_marked_under_its_line() {
        let error = Error::Text {
            message: "'FORM' is not expected here".into(),
            at: Some(Location { line: 2, column: 6 }),
            hint: Some("did you mean 'FROM'?".into()),
        };
        assert_eq!(
            render(&error, "SELECT *\n\t'é' FORM t"),
            "error: 'FORM' is not expected here\n   'é' FORM t\n       ^\nhint: did you mean 'FROM'?\n"
        );
        let source = Source { text: "-- x\nSELECT *\n", begins: 0, script: Some(("a.sql", 10)) };
        assert!(Report::of(&error).render(source, false).starts_with("error: a.sql:11:6: 'FORM'"));
    }

    #[test]
    fn an_error_that_was_told_as_one_line_is_the_same_again() {
        for (at, hint) in [
            (Some(Location { line: 2, column: 6 }), Some("did you mean 'é'?".to_string())),
            (None, Some("x".to_string())),
            (Some(Location { line: 1, column: 1 }), None),
            (None, None),
        ] {
            let error = Error::Text { message: "no 'ü'; hint: none".into(), at, hint };
            let report = Report::of(&error);
            let seams: Seams = report.seams().to_string().parse().unwrap();
            assert_eq!(Report::of(&seams.part(&report.line())), report);
        }
        assert!("x".parse::<Seams>().is_err() && "".parse::<Seams>().is_err());
    }

    #[test]
    fn datafusion_errors_keep_their_one_message() {
        let inner = DataFusionError::Plan("table 't' not found".into());
        let error = DataFusionError::Context("while planning".into(), Box::new(inner));
        let error = DataFusionError::External(Box::new(error));
        assert_eq!(render(&Error::from(error), ""), "error: table 't' not found\n");
        let error = ArrowError::ExternalError(Box::new(DataFusionError::Execution(
            "External error: disk full\n\nbacktrace: 0: main".into(),
        )));
        assert_eq!(render(&Error::from(DataFusionError::from(error)), ""), "error: disk full\n");
        let error = DataFusionError::Internal("odd".into());
        assert_eq!(render(&Error::from(error), ""), "error: odd\n");
    }

    #[test]
    fn a_parser_error_gives_up_its_place() {
        let parser = ParserError::ParserError(
            "Expected: an expression, found: FROM at Line: 1, Column: 8".into(),
        );
        let error = Error::from(DataFusionError::SQL(Box::new(parser), None));
        assert_eq!(
            render(&error, "SELECT FROM t"),
            "error: Expected: an expression, found: FROM\n  SELECT FROM t\n         ^\n"
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("SELECT {} nope {}", "a, ".repeat(100), "b ".repeat(100));
        let at = Location { line: 1, column: 309 };
        let error = Error::Text { message: "no".into(), at: Some(at), hint: None };
        let shown = render(&error, &text);
        let lines: Vec<&str> = shown.lines().collect();
        let column = lines[2].find('^').unwrap();
        assert!(lines[1].chars().skip(column).collect::<String>().starts_with("nope"), "{shown}");
        assert!(lines.iter().all(|line| line.chars().count() < 110), "{shown}");
    }
}
