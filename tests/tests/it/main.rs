//! What crosses crates, in one binary.

mod docs;
mod languages;
mod slt;
