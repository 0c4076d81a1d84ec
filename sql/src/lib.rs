//! Strata's front door: SQL and method-chain text in, results out.

mod bootstrap;
pub mod cli;
mod error;
pub mod shell;
mod statements;

pub use bootstrap::session;
pub use error::{Error, Location, Result};
pub use statements::{Outcome, Statement, execute, parse};
