//! What crosses crates, in one binary.

mod arrays;
mod catalog;
mod database;
mod docs;
mod faults;
mod flight;
mod fuzz;
mod languages;
mod layers;
mod memory;
mod oracle;
mod pool;
mod scripts;
mod slt;
mod tpcds;
mod tpch;
mod writes;
mod xgboost;

use std::path::Path;
use std::process::Command;

use strata_tests::Ran;

/// The real binary, in a folder.
pub(crate) fn strata(home: &Path) -> Command {
    strata_tests::command(env!("CARGO_BIN_EXE_strata-under-test"), home)
}

/// Runs the real binary in a folder, with something to read.
pub(crate) fn run_in(home: &Path, args: &[&str], input: &str) -> Ran {
    strata_tests::run(strata(home), args, input)
}
