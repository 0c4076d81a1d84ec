//! What the tests of this crate share: answers of several engines made comparable, DuckDB and
//! pyarrow by way of Python, and chance that repeats.

pub mod answer;
pub mod command;
pub mod oracle;
pub mod pool;
pub mod python;
pub mod random;
mod runs;
pub mod skip;

pub use runs::{Ran, command, run, within};
