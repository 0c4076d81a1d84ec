//! Where workers come from.

mod local;

pub use local::{LocalWorkers, Processes};
