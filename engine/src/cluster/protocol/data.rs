//! What a ticket asks a worker for.

use super::workers::TaskId;

/// One output of some tasks of one stage: their rows, one task after another.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Parts {
    #[prost(uint64, tag = "1")]
    pub(crate) job: u64,
    #[prost(uint32, tag = "2")]
    pub(crate) stage: u32,
    #[prost(message, repeated, tag = "3")]
    pub(crate) tasks: Vec<TaskId>,
    #[prost(uint32, tag = "4")]
    pub(crate) output: u32,
    /// They are being made.
    #[prost(bool, tag = "5")]
    pub(crate) live: bool,
}
