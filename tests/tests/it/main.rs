//! What crosses crates, in one binary.

mod examples;
mod languages;
mod memory;
mod oracle;
mod slt;
mod tpch;
mod writes;
