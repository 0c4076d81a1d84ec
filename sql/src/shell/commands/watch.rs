//! `\watch`: runs the last statement again and again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Call;
use crate::shell::state::Shell;
use crate::shell::stop::{Ran, Stop};

/// `\watch`
pub(super) async fn watch(shell: &mut Shell, call: &Call) -> Ran {
    let every = match call.first() {
        None => Duration::from_secs(2),
        Some(word) => word
            .parse::<f64>()
            .ok()
            .filter(|seconds| *seconds > 0.0)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| Stop::usage(format!("'{word}' is not a number of seconds"), None))?,
    };
    let Some(text) = shell.last_text.clone() else {
        let hint = Some("run it first, or write SELECT … \\watch 2".to_string());
        return Err(Stop::usage("there is no statement to watch", hint));
    };
    // One more wait is left out where the statement has just run in front of the command.
    let mut interrupts = shell.interrupts.clone();
    loop {
        tokio::select! {
            () = interrupts.next() => {
                shell.interrupts.forget();
                // In a script Ctrl-C is meant for all of it.
                return if shell.mode.interactive { Ok(()) } else { Err(Stop::Cancelled) };
            }
            () = tokio::time::sleep(every) => {}
        }
        shell.say(&format!("{}   (every {:?})", clock(), every));
        match shell.run_statements(&text).await {
            Err(Stop::Cancelled) if shell.mode.interactive => return Ok(()),
            ran => ran?,
        }
    }
}

/// The time of day, in UTC.
fn clock() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let day = seconds % 86_400;
    format!("{:02}:{:02}:{:02} UTC", day / 3600, day / 60 % 60, day % 60)
}
