//! Between a client and the scheduler.

use std::collections::HashMap;

use prost::bytes::Bytes;

use super::workers::Source;
use super::{Ack, Call};

/// A query to run. It runs for as long as its answer is listened to.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Submit {
    /// An optimized logical plan.
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) plan: Bytes,
    /// Settings that the client's session has and nobody has by default.
    #[prost(map = "string, string", tag = "2")]
    pub(crate) settings: HashMap<String, String>,
    /// What people see of it in `SHOW JOBS`.
    #[prost(string, tag = "3")]
    pub(crate) title: String,
    /// Plan it, say what its layers are, and run nothing.
    #[prost(bool, tag = "4")]
    pub(crate) explain: bool,
    /// Say what its layers came to.
    #[prost(bool, tag = "5")]
    pub(crate) measure: bool,
}

impl Call for Submit {
    const NAME: &'static str = "strata.submit";
    type Answer = Update;
}

/// What became of a query so far.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Update {
    #[prost(uint64, tag = "1")]
    pub(crate) job: u64,
    #[prost(oneof = "update::State", tags = "2, 3, 4")]
    pub(crate) state: Option<update::State>,
    /// Where its rows are, as far as somebody may fetch them.
    #[prost(message, optional, tag = "5")]
    pub(crate) there: Option<There>,
}

/// The states.
pub(crate) mod update {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(crate) enum State {
        #[prost(message, tag = "2")]
        Running(super::Running),
        #[prost(message, tag = "3")]
        Finished(super::Finished),
        #[prost(message, tag = "4")]
        Failed(super::Failed),
    }
}

/// It runs.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Running {
    #[prost(uint64, tag = "1")]
    pub(crate) tasks_done: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) tasks: u64,
    /// Rows that tasks have made, and their bytes.
    #[prost(uint64, tag = "3")]
    pub(crate) rows: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) bytes: u64,
}

/// All rows are there.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Finished {
    /// The layers with what they came to, as JSON.
    #[prost(string, tag = "3")]
    pub(crate) layers: String,
}

/// Where the rows of an answer are.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct There {
    /// The stage that makes them. Where it is another than before, all is planned anew.
    #[prost(uint32, tag = "1")]
    pub(crate) stage: u32,
    /// How many parts they have.
    #[prost(uint32, tag = "2")]
    pub(crate) of: u32,
    /// A part that is made again has the same rows as before.
    #[prost(bool, tag = "3")]
    pub(crate) repeats: bool,
    /// The parts of which was not said yet where they are, or that are elsewhere now.
    #[prost(message, repeated, tag = "4")]
    pub(crate) parts: Vec<Part>,
}

/// A part of the rows.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Part {
    #[prost(message, optional, tag = "1")]
    pub(crate) source: Option<Source>,
    /// The rows themselves, where they are few.
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub(crate) inline: Option<Bytes>,
    /// Its place in the answer.
    #[prost(uint32, tag = "3")]
    pub(crate) at: u32,
    /// It is being made. Who fetches it meanwhile takes its rows along, in the order that they always have.
    #[prost(bool, tag = "4")]
    pub(crate) live: bool,
}

/// It failed.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Failed {
    #[prost(string, tag = "1")]
    pub(crate) message: String,
    /// As in [`Trouble`](super::Trouble).
    #[prost(uint32, tag = "2")]
    pub(crate) kind: u32,
}

/// A part of the rows could not be fetched: it has to be made again. Another [`There`] follows.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Missing {
    #[prost(uint64, tag = "1")]
    pub(crate) job: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) source: Option<Source>,
    /// The stage that made it.
    #[prost(uint32, tag = "3")]
    pub(crate) stage: u32,
}

impl Call for Missing {
    const NAME: &'static str = "strata.missing";
    type Answer = Ack;
}

/// Who works in the pool?
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Workers {}

impl Call for Workers {
    const NAME: &'static str = "strata.workers";
    type Answer = WorkersAnswer;
}

/// Those who work in the pool.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct WorkersAnswer {
    /// As JSON, one object each.
    #[prost(string, repeated, tag = "1")]
    pub(crate) workers: Vec<String>,
    #[prost(uint32, tag = "2")]
    pub(crate) cores: u32,
}

/// Which queries run, and which have lately?
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Jobs {}

impl Call for Jobs {
    const NAME: &'static str = "strata.jobs";
    type Answer = JobsAnswer;
}

/// Queries, the latest last.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct JobsAnswer {
    /// As JSON, one object each.
    #[prost(string, repeated, tag = "1")]
    pub(crate) jobs: Vec<String>,
}

/// A query is to end.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Cancel {
    #[prost(uint64, tag = "1")]
    pub(crate) job: u64,
}

impl Call for Cancel {
    const NAME: &'static str = "strata.cancel";
    type Answer = Cancelled;
}

/// Whether there was such a query.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Cancelled {
    #[prost(bool, tag = "1")]
    pub(crate) found: bool,
    /// What it was doing before.
    #[prost(string, tag = "2")]
    pub(crate) state: String,
}
