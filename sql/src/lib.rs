//! Strata's front door: SQL and method-chain text in, results out.

mod bootstrap;
pub mod cli;
mod error;
pub mod shell;
mod statements;

pub use bootstrap::{open_database, session};
pub use error::{Error, Location, Result};
pub use statements::{Outcome, Statement, execute, is_complete, parse, verbs};
