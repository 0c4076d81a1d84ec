//! What crosses crates, in one binary.

mod catalog;
mod database;
mod docs;
mod faults;
mod fuzz;
mod languages;
mod slt;
