//! Ctrl-C and SIGTERM as a flag, so that what is half-made can be taken away before the process
//! ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::sync::oneshot;

/// Listens until dropped. Once a process has listened, these signals no longer end it by
/// themselves.
pub(super) struct Interrupt {
    stop: Arc<AtomicBool>,
    /// Dropping it ends the listening.
    _listening: oneshot::Sender<()>,
}

impl Interrupt {
    /// Begins to listen. Where that is impossible, signals end the process as ever.
    pub(super) fn listen() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (listening, done) = oneshot::channel();
        let flag = Arc::clone(&stop);
        // A thread and a runtime of its own: the caller may or may not be inside one.
        let _ = thread::Builder::new().name("generate-signals".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    tokio::select! {
                        () = signalled() => flag.store(true, Ordering::Relaxed),
                        _ = done => {}
                    }
                });
            }
        });
        Self { stop, _listening: listening }
    }

    /// Whether a signal came.
    pub(super) fn stop(&self) -> &AtomicBool {
        &self.stop
    }
}

/// Waits for either signal.
#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async |kind| match signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
async fn signalled() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
