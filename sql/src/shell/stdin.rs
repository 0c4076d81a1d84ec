//! Standard input, line by line, without anyone having to wait for it: Ctrl-C must not.

use std::io;

use futures::Stream;
use tokio::sync::mpsc;

/// The lines of standard input. They are read by a thread of their own, at most `ahead` of them
/// before they are asked for; nobody waits for the thread at the end.
pub(crate) fn lines(ahead: usize) -> impl Stream<Item = io::Result<String>> + Unpin {
    let (sender, mut lines) = mpsc::channel(ahead);
    std::thread::spawn(move || {
        for line in io::stdin().lines() {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    futures::stream::poll_fn(move |context| lines.poll_recv(context))
}
