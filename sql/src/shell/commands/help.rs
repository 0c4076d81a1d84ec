//! `\?`, `\h` and `\conninfo`.

use std::fmt::Write as _;
use std::io::Write as _;

use strata_engine::{SessionSettings, nearest};

use super::{COMMANDS, Call, Command, find, unknown};
use crate::shell::answers::Answers;
use crate::shell::complete::functions::{Function, functions};
use crate::shell::state::Shell;
use crate::shell::stop::{Ran, Stop};

/// Prints help, which is not a result but what was asked for. Through the pager where it is long.
pub(super) fn print(shell: &Shell, text: &str) -> Ran {
    let out = shell.sink.open(shell.pager().as_deref());
    out.and_then(|mut out| {
        out.write_all(text.as_bytes())?;
        out.flush()
    })
    .map_err(|error| Stop::file("standard output", error))
}

/// Lists the commands, or explains one.
pub(super) fn commands(shell: &mut Shell, call: &Call) -> Ran {
    let Some(asked) = call.first() else { return print(shell, &list()) };
    let named = [asked.to_string(), format!("\\{asked}"), format!(".{asked}")];
    let command = named.iter().find_map(|name| find(name)).ok_or_else(|| unknown(asked))?;
    print(shell, &format!("{}\n  {}\n", usage(command), command.help))
}

fn usage(command: &Command) -> String {
    format!("{} {}", command.names.join(", "), command.arguments).trim_end().to_string()
}

/// Every command with its arguments and what it does, as `\?` prints them.
pub fn list() -> String {
    const COLUMN: usize = 34;
    let mut text = String::new();
    let mut group = "";
    for command in COMMANDS {
        if command.group != group {
            let space = if group.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{space}{}", command.group);
            group = command.group;
        }
        let usage = usage(command);
        if usage.chars().count() > COLUMN {
            let _ = writeln!(text, "  {usage}\n  {:COLUMN$} {}", "", command.help);
        } else {
            let _ = writeln!(text, "  {usage:COLUMN$} {}", command.help);
        }
    }
    text + "\nEverything else is SQL, which ends with a semicolon, or a chain: table.verb(…).verb(…)\n\
            Tab completes, Ctrl-R searches the history, Alt-Enter begins a new line, Ctrl-C cancels.\n"
}

/// Explains a verb or a function.
pub(super) fn topic(shell: &mut Shell, call: &Call) -> Ran {
    let Some(asked) = call.first() else {
        let mut text = "Verbs of the chain language\n".to_string();
        for (_, signature, doc) in crate::verbs() {
            let _ = writeln!(text, "  .{signature}\n      {doc}");
        }
        text.push_str(
            "\n\\h name explains one of them, or a function; \\df lists the functions.\n",
        );
        return print(shell, &text);
    };
    let name = asked.trim_start_matches('.').trim_end_matches(['(', ')']).to_ascii_lowercase();
    let verbs = crate::verbs().filter(|verb| verb.0 == name);
    let mut texts: Vec<String> = verbs.map(|verb| format!(".{}\n  {}\n", verb.1, verb.2)).collect();
    let known = functions(&shell.session);
    texts.extend(known.iter().filter(|known| known.name == name).map(explain));
    if !texts.is_empty() {
        return print(shell, &texts.join("\n"));
    }
    let names = known.iter().map(|known| known.name.as_str());
    let hint = match nearest(&name, crate::verbs().map(|verb| verb.0).chain(names)) {
        Some(close) => format!("did you mean '{close}'?"),
        None => "\\h lists the verbs, \\df the functions".to_string(),
    };
    Err(Stop::usage(format!("there is no verb or function '{name}'"), Some(hint)))
}

fn explain(function: &Function) -> String {
    let mut text = format!("{} ({} function)\n", function.syntax, function.kind);
    for line in function.description.lines() {
        let _ = writeln!(text, "  {line}");
    }
    for (name, doc) in &function.arguments {
        let _ = writeln!(text, "  {name}: {}", doc.trim());
    }
    if let Some(example) = &function.example {
        let _ = writeln!(text, "\n{}", example.trim());
    }
    text
}

/// Tells where queries run.
pub(super) fn connection(shell: &mut Shell) -> Ran {
    let runner = match &shell.answers {
        Answers::Here(_, runner) => runner.name(),
        Answers::Server(_, link) => return print(shell, &format!("{}\n", link.about())),
    };
    let settings = shell.session.settings();
    let options = settings.strata();
    let threads = settings.options().execution.target_partitions;
    if shell.session.pool().is_some() {
        let text =
            format!("Queries run on the pool at {}; SHOW WORKERS tells who works in it.\n", runner);
        return print(shell, &text);
    }
    let text = format!(
        "Queries run in this process on {threads} threads, with {} of memory ({}) and {} of disk in {} \
         to spill to.\n",
        strata_engine::ByteSize(options.memory.limit.bytes()),
        options.memory.limit,
        options.spill.limit,
        options.spill.root().display(),
    );
    print(shell, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_command_and_fits_a_terminal() {
        let text = list();
        for command in COMMANDS {
            assert!(text.contains(command.help), "{}", command.help);
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}
