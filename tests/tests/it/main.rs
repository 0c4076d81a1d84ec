//! What crosses crates, in one binary.

mod languages;
mod oracle;
mod slt;
mod tpch;
