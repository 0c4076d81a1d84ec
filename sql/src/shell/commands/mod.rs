//! The shell's commands: psql's backslash commands and DuckDB's dot commands, in one table. A
//! command is one entry of [`COMMANDS`] and one function; help and completion read the table.

mod describe;
mod display;
mod files;
mod help;
mod plot;
mod watch;
mod words;

use futures::future::BoxFuture;

use super::state::Shell;
use super::stop::{Ran, Stop};
pub(crate) use display::PRINTING;
pub use help::list as command_list;
use words::words;

/// A command of the shell.
pub(crate) struct Command {
    /// What it is called. The first name is the one that help shows first.
    pub(crate) names: &'static [&'static str],
    /// Its arguments, as help writes them.
    pub(crate) arguments: &'static str,
    /// What it does.
    pub(crate) help: &'static str,
    /// Where help lists it.
    pub(crate) group: &'static str,
    /// What its first argument is, for completion.
    pub(crate) takes: Takes,
    run: Run,
}

/// What the argument of a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    Table,
    Column,
    Function,
    File,
    Format,
    Switch,
    Command,
    Topic,
    Printing,
}

type Run = for<'a> fn(&'a mut Shell, &'a Call) -> BoxFuture<'a, Ran>;

/// A command as it was typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The name, as typed.
    pub(crate) name: String,
    /// All that follows it.
    pub(crate) rest: String,
    /// The same, parted at spaces, without quotes.
    pub(crate) words: Vec<String>,
}

impl Call {
    /// The first argument.
    pub(crate) fn first(&self) -> Option<&str> {
        self.words.first().map(String::as_str)
    }
}

const GENERAL: &str = "General";
const SCHEMA: &str = "What is there";
const RUNNING: &str = "Running";
const DISPLAY: &str = "Printing";

/// Every command.
pub(crate) static COMMANDS: &[Command] = &[
    Command {
        names: &["\\?", ".help"],
        arguments: "[command]",
        help: "list the commands, or explain one",
        group: GENERAL,
        takes: Takes::Command,
        run: |shell, call| ready(help::commands(shell, call)),
    },
    Command {
        names: &["\\h"],
        arguments: "[verb or function]",
        help: "explain a verb of the chain language or a function",
        group: GENERAL,
        takes: Takes::Topic,
        run: |shell, call| ready(help::topic(shell, call)),
    },
    Command {
        names: &["\\conninfo"],
        arguments: "",
        help: "tell where queries run and what they may use",
        group: GENERAL,
        takes: Takes::Nothing,
        run: |shell, _| ready(help::connection(shell)),
    },
    Command {
        names: &["\\q", ".quit", ".exit"],
        arguments: "",
        help: "leave (or press Ctrl-D)",
        group: GENERAL,
        takes: Takes::Nothing,
        run: |_, _| ready(Err(Stop::Quit)),
    },
    Command {
        names: &["\\d"],
        arguments: "[table]",
        help: "list tables and views, or the columns of one",
        group: SCHEMA,
        takes: Takes::Table,
        run: |shell, call| Box::pin(describe::table(shell, call)),
    },
    Command {
        names: &["\\dt", ".tables"],
        arguments: "[pattern]",
        help: "list tables",
        group: SCHEMA,
        takes: Takes::Table,
        run: |shell, call| Box::pin(describe::base_tables(shell, call)),
    },
    Command {
        names: &["\\dv"],
        arguments: "[pattern]",
        help: "list views",
        group: SCHEMA,
        takes: Takes::Table,
        run: |shell, call| Box::pin(describe::views(shell, call)),
    },
    Command {
        names: &["\\df"],
        arguments: "[pattern]",
        help: "list functions",
        group: SCHEMA,
        takes: Takes::Function,
        run: |shell, call| ready(describe::functions(shell, call)),
    },
    Command {
        names: &["\\l"],
        arguments: "",
        help: "list catalogs and their schemas",
        group: SCHEMA,
        takes: Takes::Nothing,
        run: |shell, _| Box::pin(describe::schemas(shell)),
    },
    Command {
        names: &[".schema"],
        arguments: "[table]",
        help: "print the statements that define tables and views",
        group: SCHEMA,
        takes: Takes::Table,
        run: |shell, call| Box::pin(describe::definitions(shell, call)),
    },
    Command {
        names: &["\\i", ".read"],
        arguments: "file",
        help: "run the statements and commands in a file",
        group: RUNNING,
        takes: Takes::File,
        run: |shell, call| Box::pin(files::include(shell, call)),
    },
    Command {
        names: &["\\watch"],
        arguments: "[seconds]",
        help: "run the last statement again and again, until Ctrl-C",
        group: RUNNING,
        takes: Takes::Nothing,
        run: |shell, call| Box::pin(watch::watch(shell, call)),
    },
    Command {
        names: &["\\timing", ".timer"],
        arguments: "[on|off]",
        help: "tell how long each statement takes",
        group: RUNNING,
        takes: Takes::Switch,
        run: |shell, call| ready(display::timing(shell, call)),
    },
    Command {
        names: &["\\plot"],
        arguments: "[bar|line|scatter|heat] [x=column] [y=column,…] [title='…'] [file.svg|file.html]",
        help: "draw the last result",
        group: DISPLAY,
        takes: Takes::Column,
        run: |shell, call| ready(plot::plot(shell, call)),
    },
    Command {
        names: &["\\o", ".output"],
        arguments: "[file]",
        help: "write what follows to a file; without one, to the screen again",
        group: DISPLAY,
        takes: Takes::File,
        run: |shell, call| ready(files::output(shell, call)),
    },
    Command {
        names: &[".mode"],
        arguments: "[format]",
        help: "set the output format, or tell it",
        group: DISPLAY,
        takes: Takes::Format,
        run: |shell, call| ready(display::mode(shell, call)),
    },
    Command {
        names: &["\\x"],
        arguments: "[on|off]",
        help: "print each column on a line of its own",
        group: DISPLAY,
        takes: Takes::Switch,
        run: |shell, call| ready(display::expanded(shell, call)),
    },
    Command {
        names: &[".headers", ".header"],
        arguments: "[on|off]",
        help: "begin results with the names of their columns",
        group: DISPLAY,
        takes: Takes::Switch,
        run: |shell, call| ready(display::headers(shell, call)),
    },
    Command {
        names: &[".nullvalue"],
        arguments: "text",
        help: "set how NULL is printed",
        group: DISPLAY,
        takes: Takes::Nothing,
        run: |shell, call| ready(display::null(shell, call)),
    },
    Command {
        names: &[".maxrows"],
        arguments: "[number]",
        help: "set how many rows of a result are shown; 0 shows all",
        group: DISPLAY,
        takes: Takes::Nothing,
        run: |shell, call| ready(display::max_rows(shell, call)),
    },
    Command {
        names: &[".width"],
        arguments: "[number]",
        help: "set the width of tables; 0 takes the terminal's",
        group: DISPLAY,
        takes: Takes::Nothing,
        run: |shell, call| ready(display::width(shell, call)),
    },
    Command {
        names: &["\\pset"],
        arguments: "[name [value]]",
        help: "set how results are printed, or tell all of it",
        group: DISPLAY,
        takes: Takes::Printing,
        run: |shell, call| ready(display::pset(shell, call)),
    },
];

fn ready<'a>(ran: Ran) -> BoxFuture<'a, Ran> {
    Box::pin(std::future::ready(ran))
}

/// The command of this name. psql's `+`, for more detail, is accepted: ours always give it.
pub(crate) fn find(name: &str) -> Option<&'static Command> {
    let plain = name.strip_suffix('+').unwrap_or(name);
    COMMANDS.iter().find(|command| command.names.contains(&plain))
}

/// Parts a command line: the name, then the rest.
pub(crate) fn parse(text: &str) -> Call {
    let text = text.trim();
    let text = text.strip_suffix(';').map_or(text, str::trim_end);
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    Call { name: name.to_string(), rest: rest.to_string(), words: words(rest) }
}

/// Runs a command line.
pub(crate) async fn run(shell: &mut Shell, text: &str) -> Ran {
    let call = parse(text);
    match find(&call.name) {
        Some(command) => (command.run)(shell, &call).await,
        None => Err(unknown(&call.name)),
    }
}

fn unknown(name: &str) -> Stop {
    let all = COMMANDS.iter().flat_map(|command| command.names.iter().copied());
    let hint = match strata_engine::nearest(name, all) {
        Some(close) => format!("did you mean {close}? \\? lists all commands"),
        None => "\\? lists all commands".to_string(),
    };
    Stop::usage(format!("there is no command {name}"), Some(hint))
}

/// Reads `on` or `off`; without an argument the opposite of what is.
pub(crate) fn switch(call: &Call, is: bool) -> Ran<bool> {
    match call.first() {
        None => Ok(!is),
        Some(word) => on_or_off(&call.name, word),
    }
}

/// Reads `on` or `off`.
pub(crate) fn on_or_off(name: &str, word: &str) -> Ran<bool> {
    match word.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(Stop::usage(format!("{name}: '{word}' is neither on nor off"), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_used_once_and_begin_as_commands_do() {
        let mut names: Vec<_> = COMMANDS.iter().flat_map(|command| command.names).collect();
        assert!(names.iter().all(|name| name.starts_with(['\\', '.'])));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_line_parts_into_name_and_words() {
        let call = parse("  \\pset null '(none)' ; ");
        assert_eq!((call.name.as_str(), call.rest.as_str()), ("\\pset", "null '(none)'"));
        assert_eq!(call.words, ["null", "(none)"]);
        assert!(find("\\d+").is_some_and(|command| command.names.contains(&"\\d")));
        assert!(find(".nope").is_none());
    }

    #[test]
    fn a_wrong_name_gets_a_suggestion() {
        let Stop::Error(error) = unknown(".tabels") else { panic!() };
        let crate::Error::Text { hint, .. } = *error else { panic!() };
        assert!(hint.unwrap().contains(".tables"));
    }
}
