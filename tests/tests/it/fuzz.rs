//! Texts that nobody would write: neither the parsers nor the planner may panic, whatever they are
//! given, and what is too deep or too long is refused rather than risked.

mod deep;
mod random;

use std::panic::{AssertUnwindSafe, catch_unwind};

use datafusion::execution::context::SessionContext;
use strata::{RunText, Settings, execute, parse};
use strata_tests::within;

use crate::languages::TABLES;

/// The stack of the binary's threads is larger; what a library's caller has may be this.
const STACK: usize = 8 << 20;

/// Runs something on a thread like those that queries run on.
pub(super) fn on_a_query_thread<T: Send + 'static>(
    name: &'static str,
    what: impl FnOnce() -> T + Send + 'static,
) -> T {
    within(name, move || {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(what).unwrap();
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Whether a text parses; a panic names it.
pub(super) fn parses(text: &str) -> bool {
    match catch_unwind(|| (parse(text).is_ok(), strata::is_complete(text))) {
        Ok((parsed, _)) => parsed,
        Err(_) => panic!("parsing panics: {text:?}"),
    }
}

async fn session() -> SessionContext {
    let session = strata::session(Settings::default()).unwrap();
    session.run(TABLES).await.unwrap();
    session
}

/// Plans texts that parse, as far as a runner would take over.
pub(super) fn plan_all(texts: Vec<String>) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut planned = 0;
    // What a statement changes is gone with the session.
    for few in texts.chunks(40) {
        let session = runtime.block_on(session());
        for text in few {
            let done = catch_unwind(AssertUnwindSafe(|| {
                runtime.block_on(async {
                    for statement in parse(text)? {
                        if let strata::Outcome::Rows(plan) = execute(&session, &statement).await? {
                            session.state().create_physical_plan(&plan).await?;
                        }
                    }
                    Ok::<(), strata::Error>(())
                })
            }));
            match done {
                Ok(outcome) => planned += usize::from(outcome.is_ok()),
                Err(_) => panic!("planning panics: {text:?}"),
            }
        }
    }
    planned
}
