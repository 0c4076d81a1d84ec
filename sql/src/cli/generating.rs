//! Runs `strata generate` with a progress bar, and prints what was made.

use std::sync::Mutex;

use super::generate::{self, GenerateArgs};
use crate::Error;
use crate::shell::Ran;
use crate::shell::progress::ProgressBar;

pub(crate) async fn run(args: GenerateArgs) -> Ran {
    let made = tokio::task::spawn_blocking(move || {
        let state = Mutex::new((ProgressBar::new(true), std::collections::BTreeMap::new()));
        let progress = |table: &str, done: u64, total: u64| {
            // Workers report in turn: one that finds another drawing has nothing newer to say.
            if let Ok(mut state) = state.try_lock() {
                let (bar, tables) = &mut *state;
                tables.insert(table.to_string(), (done, total));
                let done: u64 = tables.values().map(|(done, _)| done).sum();
                let total: u64 = tables.values().map(|(_, total)| total).sum();
                bar.update(Some(done as f64 / total.max(1) as f64), done, 0);
            }
        };
        let made = generate::run(&args, &progress);
        if let Ok((mut bar, _)) = state.into_inner() {
            bar.clear();
        }
        made
    });
    match made.await {
        Ok(Ok(summary)) => {
            println!("{summary}");
            Ok(())
        }
        Ok(Err(error)) => Err(Error::text(error.to_string()).into()),
        Err(_) => Err(Error::text("generating stopped unexpectedly").into()),
    }
}
