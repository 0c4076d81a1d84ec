//! `\i` and `\o`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::Call;
use crate::shell::sink::Sink;
use crate::shell::state::Shell;
use crate::shell::stop::{Ran, Stop};

/// Scripts may run scripts, but not themselves without end.
const DEEPEST: usize = 32;

/// A path as a person writes it: `~` is the home folder.
fn path_of(word: &str) -> PathBuf {
    match (word.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(word),
    }
}

/// `\i`
pub(super) async fn include(shell: &mut Shell, call: &Call) -> Ran {
    let Some(name) = call.first() else {
        let hint = Some(format!("{} script.sql", call.name));
        return Err(Stop::usage(format!("{} needs the name of a file", call.name), hint));
    };
    if shell.scripts.len() >= DEEPEST {
        return Err(Stop::usage(format!("'{name}': scripts run each other without end"), None));
    }
    let file = File::open(path_of(name)).map_err(|error| Stop::file(name, error))?;
    shell.run_lines(name, futures::stream::iter(BufReader::new(file).lines())).await
}

/// `\o`
pub(super) fn output(shell: &mut Shell, call: &Call) -> Ran {
    let sink = match call.first() {
        None | Some("stdout") => Sink::Stdout,
        Some(name) => {
            let path: &Path = &path_of(name);
            Sink::direct(path).map_err(|error| Stop::file(name, error))?
        }
    };
    let before = std::mem::replace(&mut shell.sink, sink);
    shell.results = 0;
    let path = before.path().map(|path| path.display().to_string());
    before.commit().map_err(|error| Stop::file(&path.unwrap_or_default(), error))
}
