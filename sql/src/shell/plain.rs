//! The shell for terminals that know no more than lines of text: prompt, read, run.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use futures::StreamExt;

use super::interactive::{TWICE, run_piece};
use super::prompt::{FIRST, MORE};
use super::script::Pieces;
use super::state::Shell;
use super::stdin;
use super::stop::{Ran, Stop};

/// Reads and runs lines until the end of the input.
pub(super) async fn interact(shell: &mut Shell) -> Ran {
    let mut lines = stdin::lines(1);
    let mut pieces = Pieces::default();
    let mut pressed: Option<Instant> = None;
    loop {
        shell.interrupts.forget();
        prompt(if pieces.is_between() { FIRST } else { MORE });
        let mut interrupts = shell.interrupts.clone();
        let line = tokio::select! {
            () = interrupts.next() => {
                println!();
                if pressed.is_some_and(|at| at.elapsed() < TWICE) {
                    return Ok(());
                }
                if pieces.is_between() {
                    pressed = Some(Instant::now());
                    shell.say("(once more to leave, or \\q)");
                }
                pieces = Pieces::default();
                continue;
            }
            line = lines.next() => line,
        };
        pressed = None;
        let Some(line) = line else {
            if io::stdin().is_terminal() {
                println!();
            }
            return Ok(());
        };
        let line = line.map_err(|error| Stop::file("standard input", error))?;
        let mut found = pieces.push(&line);
        // A chain needs no semicolon.
        if found.is_empty() && crate::is_complete(pieces.pending()) {
            found.extend(pieces.finish());
        }
        for piece in found {
            if !run_piece(shell, &piece).await? {
                break;
            }
        }
    }
}

/// Prompts stay out of a file or a pipe.
fn prompt(text: &str) {
    if io::stdout().is_terminal() {
        print!("{text}");
        let _ = io::stdout().flush();
    } else {
        eprint!("{text}");
    }
}
