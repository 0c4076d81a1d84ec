//! The commands that change how results look. Whatever has a setting is changed as
//! `SET` would change it, so that both always agree.

use strata_engine::SessionSettings;

use super::{Call, on_or_off, switch};
use crate::shell::output::Format;
use crate::shell::state::{Shell, all_formats};
use crate::shell::stop::{Ran, Stop};

fn set(shell: &Shell, name: &str, value: &str) -> Ran {
    Ok(shell.session.change_setting(name, value)?)
}

fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// `\timing`
pub(super) fn timing(shell: &mut Shell, call: &Call) -> Ran {
    let on = switch(call, shell.session.settings().strata().shell.timer)?;
    set(shell, "shell.timer", &on.to_string())?;
    shell.say(&format!("Timing is {}.", word(on)));
    Ok(())
}

/// `\x`
pub(super) fn expanded(shell: &mut Shell, call: &Call) -> Ran {
    shell.expanded = switch(call, shell.expanded)?;
    shell.say(&format!("Expanded display is {}.", word(shell.expanded)));
    Ok(())
}

/// `.headers`
pub(super) fn headers(shell: &mut Shell, call: &Call) -> Ran {
    shell.header = switch(call, shell.header)?;
    shell.say(&format!("Headers are {}.", word(shell.header)));
    Ok(())
}

/// `.mode`
pub(super) fn mode(shell: &mut Shell, call: &Call) -> Ran {
    match call.first() {
        None => {
            let format = shell.format()?;
            shell.say(&format!("The output format is {format}; others: {}.", all_formats()));
            Ok(())
        }
        Some(name) => set_format(shell, name),
    }
}

fn set_format(shell: &mut Shell, name: &str) -> Ran {
    // psql's names for what ours are called.
    let name = match name {
        "aligned" => "table",
        "duckbox" => "box",
        "list" | "unaligned" => "csv",
        "jsonlines" => "ndjson",
        other => other,
    };
    let format: Format = name.parse().map_err(|reason| Stop::usage(format!("{reason}"), None))?;
    shell.expanded = false;
    set(shell, "shell.format", &format.to_string())?;
    shell.say(&format!("The output format is {format}."));
    Ok(())
}

/// `.nullvalue`
pub(super) fn null(shell: &mut Shell, call: &Call) -> Ran {
    set(shell, "shell.null", call.first().unwrap_or_default())
}

/// `.maxrows`
pub(super) fn max_rows(shell: &mut Shell, call: &Call) -> Ran {
    match call.first() {
        Some(rows) => set(shell, "shell.rows", rows),
        None => {
            let rows = shell.session.settings().strata().shell.rows;
            shell.say(&format!("At most {rows} rows of a result are shown."));
            Ok(())
        }
    }
}

/// `.width`
pub(super) fn width(shell: &mut Shell, call: &Call) -> Ran {
    if let Some(text) = call.first() {
        let width: usize = text
            .parse()
            .map_err(|_| Stop::usage(format!("'{text}' is not a number of columns"), None))?;
        shell.width = (width > 0).then_some(width);
    }
    shell.say(&match shell.width {
        Some(width) => format!("Tables are {width} columns wide."),
        None => "Tables are as wide as the terminal.".to_string(),
    });
    Ok(())
}

/// What `\pset` knows.
pub(crate) const PRINTING: [&str; 9] =
    ["expanded", "format", "header", "maxrows", "null", "pager", "progress", "timing", "width"];

/// `\pset`
pub(super) fn pset(shell: &mut Shell, call: &Call) -> Ran {
    let mut words = call.words.iter().cloned();
    let Some(name) = words.next() else { return tell_all(shell) };
    let words: Vec<String> = words.collect();
    let inner = Call { name: format!("\\pset {name}"), rest: words.join(" "), words };
    match name.as_str() {
        "format" => mode(shell, &inner),
        "null" => null(shell, &inner),
        "expanded" | "x" => expanded(shell, &inner),
        "header" | "headers" => headers(shell, &inner),
        "tuples_only" | "t" => {
            let only = switch(&inner, !shell.header)?;
            shell.header = !only;
            Ok(())
        }
        "maxrows" | "rows" => max_rows(shell, &inner),
        "width" | "columns" => width(shell, &inner),
        "timing" => timing(shell, &inner),
        "progress" => {
            let on = switch(&inner, shell.session.settings().strata().shell.progress)?;
            set(shell, "shell.progress", &on.to_string())
        }
        "pager" => pager(shell, &inner),
        _ => {
            let hint = match strata_engine::nearest(&name, PRINTING) {
                Some(close) => format!("did you mean '{close}'?"),
                None => format!("there are {}", PRINTING.join(", ")),
            };
            Err(Stop::usage(format!("\\pset: there is no '{name}'"), Some(hint)))
        }
    }
}

fn pager(shell: &mut Shell, call: &Call) -> Ran {
    let is = !shell.session.settings().strata().shell.pager.is_empty();
    let value = match call.first() {
        Some("always") => "auto".to_string(),
        // Anything but on and off is the command to use.
        Some(word) => match on_or_off(&call.name, word) {
            Ok(true) => "auto".to_string(),
            Ok(false) => String::new(),
            Err(_) => call.rest.clone(),
        },
        None if is => String::new(),
        None => "auto".to_string(),
    };
    set(shell, "shell.pager", &value)?;
    shell.say(match value.as_str() {
        "" => "Paging is off.",
        _ => "Paging is on for results larger than the screen.",
    });
    Ok(())
}

fn tell_all(shell: &mut Shell) -> Ran {
    let options = shell.session.settings().strata().shell;
    let width = shell.width.map_or("the terminal's".to_string(), |width| width.to_string());
    let pager = if options.pager.is_empty() { "off" } else { options.pager.as_str() };
    let lines = [
        format!("expanded   {}", word(shell.expanded)),
        format!("format     {}", shell.format()?),
        format!("header     {}", word(shell.header)),
        format!("maxrows    {}", options.rows),
        format!("null       '{}'", options.null),
        format!("pager      {pager}"),
        format!("progress   {}", word(options.progress)),
        format!("timing     {}", word(options.timer)),
        format!("width      {width}"),
    ];
    super::help::print(shell, &(lines.join("\n") + "\n"))
}
