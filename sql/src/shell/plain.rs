//! The shell for terminals that know no more than lines of text: prompt, read, run.

use std::io::{self, BufRead, IsTerminal, Write};

use super::prompt::{FIRST, MORE};
use super::script::{Piece, Pieces};
use super::state::Shell;
use super::stop::{Ran, Stop};

/// Reads and runs lines until the end of the input.
pub(super) async fn interact(shell: &mut Shell) -> Ran {
    let mut pieces = Pieces::default();
    loop {
        prompt(if pieces.is_between() { FIRST } else { MORE });
        let Some(line) = read_line().await? else {
            if io::stdin().is_terminal() {
                println!();
            }
            return Ok(());
        };
        let mut found = pieces.push(&line);
        // A chain needs no semicolon.
        if found.is_empty() && crate::is_complete(pieces.pending()) {
            found.extend(pieces.finish());
        }
        if let Err(stop @ Stop::Quit) = run(shell, &found).await {
            return Err(stop);
        }
    }
}

async fn run(shell: &mut Shell, pieces: &[Piece]) -> Ran {
    shell.interrupts.forget();
    for piece in pieces {
        match shell.run_piece(piece).await {
            Err(Stop::Cancelled) => shell.say("cancelled"),
            Err(Stop::BrokenPipe) => {}
            ran => ran?,
        }
    }
    Ok(())
}

fn prompt(text: &str) {
    print!("{text}");
    let _ = io::stdout().flush();
}

/// One line, without its end; none at the end of the input. Read in a thread of its own: a
/// terminal keeps whoever reads it waiting.
async fn read_line() -> Ran<Option<String>> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|bytes| (bytes > 0).then_some(line))
    });
    let line = read.await.map_err(io::Error::other).and_then(|read| read);
    let line = line.map_err(|error| Stop::file("standard input", error))?;
    Ok(line.map(|line| line.trim_end_matches(['\n', '\r']).to_string()))
}
