//! Strata's front door: SQL and method-chain text in, results out.

mod arrays;
mod bootstrap;
pub mod cli;
mod database;
mod error;
mod flight;
mod functions;
mod parse;
mod relations;
mod rewrite;
pub mod shell;
mod statements;
mod temporary;
mod types;
mod verbs;

pub use bootstrap::{session, session_on};
pub use database::open_database;
pub use error::{Error, Location, Result};
pub use parse::{Statement, is_complete, keywords, parse};
pub use statements::{Outcome, RunText, execute};
pub use strata_engine::Settings;
pub use verbs::verbs;
