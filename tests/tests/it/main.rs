//! What crosses crates, in one binary.

mod languages;
mod slt;
