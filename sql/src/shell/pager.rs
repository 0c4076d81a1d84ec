//! Long output goes through a pager, short output straight to the terminal.
//!
//! Which it is, is known only once the screen is full, so what is written is held until then. A
//! terminal's Ctrl-C reaches the pager as well, and `less` stays; whoever runs a query beside it
//! should cancel the query only and drop the [`Pager`], which waits until the person is done.

use std::io::{self, IsTerminal, Write};
use std::process::{Child, Command, Stdio};

use super::output::width;

/// Used where neither the setting nor `$PAGER` says otherwise: keep colors, chop long lines, leave
/// if all fits, leave the text on the screen.
const DEFAULT: &str = "less -RSFX";
/// What may be held of an unfinished line.
const HELD: usize = 256 * 1024;

/// Writes to the standard output, through a pager once the screen is full.
///
/// When the person leaves the pager early, the next write fails with
/// [`io::ErrorKind::BrokenPipe`]. Dropping it, or [`Pager::finish`], shows what is still held and
/// waits for the pager to end.
pub struct Pager {
    command: String,
    out: Box<dyn Write + Send>,
    state: State,
}

enum State {
    /// All that was written so far fits on the screen.
    Holding {
        held: Vec<u8>,
        /// How far `held` is counted.
        counted: usize,
        /// How many lines of the screen that fills.
        lines: usize,
        screen: Screen,
    },
    Paging(Child),
    Direct,
}

#[derive(Debug, Clone, Copy)]
struct Screen {
    columns: usize,
    lines: usize,
}

impl Pager {
    /// A pager as the setting says: "auto" takes `$PAGER`, or `less`; "" is none; anything else is
    /// the command itself. There is none where the standard output is no terminal.
    pub fn new(setting: &str) -> Self {
        let command = match setting.trim() {
            "auto" => std::env::var("PAGER").unwrap_or_else(|_| DEFAULT.to_string()),
            other => other.to_string(),
        };
        let screen = match io::stdout().is_terminal() && !command.trim().is_empty() {
            true => crossterm::terminal::size().ok(),
            false => None,
        };
        let screen = screen
            .map(|(columns, lines)| Screen { columns: columns.into(), lines: lines.into() })
            .filter(|screen| screen.columns > 0 && screen.lines > 0);
        Self::with(command, screen, Box::new(io::stdout()))
    }

    fn with(command: String, screen: Option<Screen>, out: Box<dyn Write + Send>) -> Self {
        let state = match screen {
            Some(screen) => State::Holding { held: Vec::new(), counted: 0, lines: 0, screen },
            None => State::Direct,
        };
        Self { command, out, state }
    }

    /// Whether the pager has the terminal now, so that nobody else should draw on it.
    pub fn is_paging(&self) -> bool {
        matches!(self.state, State::Paging(_))
    }

    /// Shows what is held, and waits for the pager to end.
    pub fn finish(mut self) -> io::Result<()> {
        self.close()
    }

    fn close(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Direct) {
            State::Holding { held, .. } => {
                self.out.write_all(&held)?;
                self.out.flush()
            }
            State::Paging(mut child) => {
                // The pager reads to the end of its input: without this, it and we would wait for
                // each other.
                drop(child.stdin.take());
                child.wait().map(|_| ())
            }
            State::Direct => self.out.flush(),
        }
    }

    fn start(&mut self, held: &[u8]) -> io::Result<()> {
        self.out.flush()?;
        match spawn(&self.command) {
            Ok(mut child) => {
                let written = match &mut child.stdin {
                    Some(stdin) => stdin.write_all(held),
                    None => Ok(()),
                };
                self.state = State::Paging(child);
                written
            }
            // A pager that is not installed is no reason to withhold the output.
            Err(_) => {
                self.state = State::Direct;
                self.out.write_all(held)
            }
        }
    }
}

fn spawn(command: &str) -> io::Result<Child> {
    let mut words = command.split_whitespace();
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=+:,% \\".contains(c);
    let mut process = match command.chars().all(is_plain) || cfg!(windows) {
        true => {
            let mut process = Command::new(words.next().unwrap_or_default());
            process.args(words);
            process
        }
        false => {
            let mut process = Command::new("sh");
            process.args(["-c", command]);
            process
        }
    };
    // `less` asked for by its bare name should show colors, and unicode whatever the locale.
    for (name, value) in [("LESS", "RSFX"), ("LESSCHARSET", "utf-8")] {
        if std::env::var_os(name).is_none() {
            process.env(name, value);
        }
    }
    process.stdin(Stdio::piped()).spawn()
}

/// How many lines of the screen a line of text fills.
fn screen_lines(line: &str, columns: usize) -> usize {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            // An escape sequence ends at its first letter.
            '\x1b' => while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {},
            c => text.push(c),
        }
    }
    width(&text).div_ceil(columns).max(1)
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Direct => return self.out.write(bytes),
            State::Paging(child) => {
                return match &mut child.stdin {
                    Some(stdin) => stdin.write(bytes),
                    None => Err(io::ErrorKind::BrokenPipe.into()),
                };
            }
            State::Holding { held, counted, lines, screen } => {
                held.extend_from_slice(bytes);
                let mut rest = held.get(*counted..).unwrap_or_default();
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let (line, after) = rest.split_at(end + 1);
                    *lines += screen_lines(&String::from_utf8_lossy(line), screen.columns);
                    *counted += line.len();
                    rest = after;
                }
                // The last line is the next prompt's.
                if *lines < screen.lines && rest.len() < HELD {
                    return Ok(bytes.len());
                }
                let held = std::mem::take(held);
                self.start(&held)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            // What is held cannot be shown before it is known where.
            State::Holding { .. } => Ok(()),
            State::Paging(child) => child.stdin.as_mut().map_or(Ok(()), Write::flush),
            State::Direct => self.out.flush(),
        }
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Shared {
        fn text(&self) -> String {
            String::from_utf8_lossy(&self.0.lock()).into_owned()
        }
    }

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const SCREEN: Option<Screen> = Some(Screen { columns: 10, lines: 5 });

    #[test]
    fn what_fits_goes_straight_to_the_terminal() -> io::Result<()> {
        let out = Shared::default();
        let mut pager = Pager::with("false".into(), SCREEN, Box::new(out.clone()));
        pager.write_all(b"one\ntwo\nthree\nfour\n")?;
        assert_eq!(out.text(), "");
        pager.finish()?;
        assert_eq!(out.text(), "one\ntwo\nthree\nfour\n");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn more_goes_through_the_pager_from_the_first_line() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("paged");
        let out = Shared::default();
        let command = format!("cat > '{}'", file.display());
        let mut pager = Pager::with(command, SCREEN, Box::new(out.clone()));
        for line in 0..100 {
            writeln!(pager, "{line}")?;
        }
        assert!(pager.is_paging());
        drop(pager);
        assert_eq!(out.text(), "");
        assert_eq!(std::fs::read_to_string(file)?.lines().count(), 100);
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn leaving_early_breaks_the_pipe() {
        let mut pager = Pager::with("true".into(), SCREEN, Box::new(Shared::default()));
        let error = (0..1_000_000).find_map(|_| pager.write_all(b"a line\n").err());
        assert_eq!(error.map(|error| error.kind()), Some(io::ErrorKind::BrokenPipe));
    }

    #[test]
    fn without_its_program_or_a_terminal_output_is_direct() -> io::Result<()> {
        for (command, screen) in [("no-such-pager-here", SCREEN), ("less", None)] {
            let out = Shared::default();
            let mut pager = Pager::with(command.into(), screen, Box::new(out.clone()));
            pager.write_all(&b"line\n".repeat(9))?;
            assert_eq!(out.text(), "line\n".repeat(9));
        }
        Ok(())
    }

    #[test]
    fn lines_that_wrap_count_for_more() {
        assert_eq!(screen_lines("", 10), 1);
        assert_eq!(screen_lines("0123456789", 10), 1);
        assert_eq!(screen_lines("01234567890", 10), 2);
        assert_eq!(screen_lines("\x1b[1m0123456789\x1b[0m", 10), 1);
        assert_eq!(screen_lines("東京東京東京", 10), 2);
    }
}
