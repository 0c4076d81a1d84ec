//! Ctrl-C: one listener for the process, asked by whatever can be cancelled.

use tokio::sync::watch;

/// The exit code of a process that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// Tells of each Ctrl-C.
#[derive(Debug, Clone)]
pub struct Interrupts {
    count: watch::Receiver<u64>,
}

impl Interrupts {
    /// Listens from now on. In a batch the second Ctrl-C ends the process at once, for the case
    /// that something does not stop at the first.
    pub fn listen(interactive: bool) -> Self {
        let (sender, count) = watch::channel(0);
        // A thread of its own: queries may keep every other one busy.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                while tokio::signal::ctrl_c().await.is_ok() {
                    if !interactive && *sender.borrow() > 0 {
                        std::process::exit(INTERRUPTED.into());
                    }
                    sender.send_modify(|count| *count += 1);
                }
            });
        });
        Self { count }
    }

    /// One that never fires.
    pub fn never() -> Self {
        Self { count: watch::channel(0).1 }
    }

    /// Forgets what was pressed before.
    pub fn forget(&mut self) {
        self.count.borrow_and_update();
    }

    /// Whether Ctrl-C was pressed and nobody waited for it.
    pub fn pressed(&self) -> bool {
        self.count.has_changed().unwrap_or(false)
    }

    /// Waits for Ctrl-C.
    pub async fn next(&mut self) {
        if self.count.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
