//! A terminal without a screen to look at: it runs the binary, keeps what its screen would show,
//! and answers when it is asked where the cursor is.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::command::LIMIT;

/// What a program asks to learn where the cursor is.
const WHERE: &[u8] = b"\x1b[6n";

type Writer = Arc<Mutex<Box<dyn Write + Send>>>;
type Screen = Arc<(Mutex<vt100::Parser>, Condvar)>;

pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    writer: Writer,
    screen: Screen,
    // The terminal lives as long as this.
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts the shell in a terminal of this size.
    pub(crate) fn start(home: &Path, term: &str, rows: u16, cols: u16, args: &[&str]) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_strata"));
        command.args(args);
        command.env("TERM", term);
        command.env("HOME", home);
        command.env("XDG_STATE_HOME", home.join("state"));
        command.env("STRATA_CONFIG", "");
        command.env_remove("PAGER");
        command.env_remove("NO_COLOR");
        command.cwd(home);
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer: Writer = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let screen: Screen =
            Arc::new((Mutex::new(vt100::Parser::new(rows, cols, 1000)), Condvar::new()));
        let (answer, shown) = (Arc::clone(&writer), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // An error is how a terminal tells that nobody is left.
            while let Ok(read) = reader.read(&mut buffer) {
                if read == 0 {
                    break;
                }
                let (parser, changed) = &*shown;
                let mut parser = parser.lock().unwrap();
                parser.process(&buffer[..read]);
                if buffer[..read].windows(WHERE.len()).any(|part| part == WHERE) {
                    let (row, col) = parser.screen().cursor_position();
                    let position = format!("\x1b[{};{}R", row + 1, col + 1);
                    answer.lock().unwrap().write_all(position.as_bytes()).unwrap();
                }
                drop(parser);
                changed.notify_all();
            }
        });
        Self { child, writer, screen, _master: pair.master }
    }

    /// Types.
    pub(crate) fn send(&self, keys: &str) {
        let mut writer = self.writer.lock().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Waits until the screen is as wanted; gives what it shows.
    pub(crate) fn wait(&self, wanted: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        let (parser, changed) = &*self.screen;
        let mut guard = parser.lock().unwrap();
        loop {
            let shown = guard.screen().contents();
            if wanted(&shown) {
                return shown;
            }
            let left = LIMIT.checked_sub(began.elapsed());
            let Some(left) = left else { panic!("the screen stays like this:\n{shown}") };
            guard = changed.wait_timeout(guard, left).unwrap().0;
        }
    }

    /// Waits until the screen shows a text.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait(|shown| shown.contains(text))
    }

    /// Waits for an empty prompt at the end of the screen.
    pub(crate) fn wait_for_prompt(&self) -> String {
        self.wait(|shown| shown.trim_end().ends_with("strata>"))
    }

    /// Waits for the end; gives the exit code.
    pub(crate) fn end(mut self) -> u32 {
        crate::command::within(move || self.child.wait().unwrap().exit_code())
    }
}
