//! `strata passwd`: the lines that a user, or a token, has in the file of `strata serve`. The password is read from
//! the standard input: on a command line, others would see it.

use std::io::{self, IsTerminal, Write};

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::args::PasswdArgs;
use crate::Error;
use crate::flight::locks::passwords;
use crate::shell::{Ran, Stop};

/// Longer ones are cut off unread.
const LONGEST: u64 = 1 << 16;

/// Prints the lines.
pub(crate) fn run(args: &PasswdArgs) -> Ran {
    let quoted = |text: &str| toml::Value::String(text.to_string()).to_string();
    let (name, role) = (quoted(&args.name), quoted(&args.role));
    if args.token {
        let token = strata_engine::Token::random();
        let hash = blake3::hash(token.reveal().as_bytes()).to_hex();
        eprintln!("the token, which is shown this once: {}", token.reveal());
        println!("[[token]]\nname = {name}\nhash = \"{hash}\"\nrole = {role}");
        return Ok(());
    }
    let password = match io::stdin().is_terminal() {
        true => {
            let first = ask("password: ")?;
            if ask("once more: ")? != first {
                return Err(Stop::usage("the two are not the same".to_string(), None));
            }
            first
        }
        false => {
            let line = first_line(io::stdin().lock());
            line.map_err(|error| Stop::file("the standard input", error))?
        }
    };
    let hash = passwords::hash(&password)?;
    println!("[[user]]\nname = {name}\npassword = \"{hash}\"\nrole = {role}");
    Ok(())
}

/// The first line of what is read, which is a password.
pub(super) fn first_line(input: impl io::BufRead) -> io::Result<String> {
    let mut text = String::new();
    io::BufRead::read_line(&mut io::Read::take(input, LONGEST), &mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_string())
}

/// Gives the terminal back as it was.
struct Raw;

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
        eprintln!();
    }
}

/// Asks for a line that does not show.
pub(super) fn ask(what: &str) -> Result<String, Stop> {
    let failed = |error: io::Error| Stop::file("the terminal", error);
    eprint!("{what}");
    io::stderr().flush().map_err(failed)?;
    enable_raw_mode().map_err(failed)?;
    let _raw = Raw;
    let mut line = String::new();
    loop {
        let Event::Key(key) = read().map_err(failed)? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return Ok(line),
            KeyCode::Char('c' | 'd') if control => {
                return Err(Error::text("no password was given").into());
            }
            KeyCode::Char(letter) if !control => line.push(letter),
            KeyCode::Backspace => drop(line.pop()),
            _ => {}
        }
    }
}
