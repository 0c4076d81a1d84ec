//! Between a worker and its scheduler.

use super::Call;

/// A worker is there, and waits for orders: they are the answer, for as long as it stays.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Join {
    /// What people call it.
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    /// Where it serves what it has made.
    #[prost(string, tag = "2")]
    pub(crate) address: String,
    #[prost(uint32, tag = "3")]
    pub(crate) cores: u32,
    /// In bytes.
    #[prost(uint64, tag = "4")]
    pub(crate) memory: u64,
    #[prost(uint32, tag = "5")]
    pub(crate) process: u32,
}

impl Call for Join {
    const NAME: &'static str = "strata.join";
    type Answer = Order;
}

/// What a worker is to do.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Order {
    #[prost(oneof = "order::What", tags = "1, 2, 3, 4")]
    pub(crate) what: Option<order::What>,
}

/// The orders.
pub(crate) mod order {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(crate) enum What {
        #[prost(message, tag = "1")]
        Welcome(super::Welcome),
        #[prost(message, tag = "2")]
        Run(super::Run),
        #[prost(message, tag = "3")]
        Forget(super::Forget),
        /// Finish what runs, take nothing more, and go.
        #[prost(message, tag = "4")]
        Stop(super::Stopped),
    }
}

/// The worker belongs to the pool.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Welcome {
    /// The name of this membership. Whoever joins again gets another.
    #[prost(uint64, tag = "1")]
    pub(crate) worker: u64,
    /// How often to report, in milliseconds.
    #[prost(uint64, tag = "2")]
    pub(crate) report_every: u64,
}

/// Parts of a stage to make.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Run {
    #[prost(uint64, tag = "1")]
    pub(crate) job: u64,
    #[prost(uint32, tag = "2")]
    pub(crate) stage: u32,
    /// Which parts, and which attempt each of them is.
    #[prost(message, repeated, tag = "3")]
    pub(crate) tasks: Vec<TaskId>,
    /// The physical plan; with `whole`, a logical one.
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) plan: prost::bytes::Bytes,
    /// Tells one plan of a stage from another: where its inputs lie may change.
    #[prost(uint32, tag = "5")]
    pub(crate) edition: u32,
    /// Settings that differ from the worker's own.
    #[prost(map = "string, string", tag = "6")]
    pub(crate) settings: std::collections::HashMap<String, String>,
    /// The stage is the whole query: the worker plans it for itself.
    #[prost(bool, tag = "7")]
    pub(crate) whole: bool,
    /// A result as small as this is sent along with the report, in bytes.
    #[prost(uint64, tag = "9")]
    pub(crate) inline: u64,
    /// What its operators count is wanted.
    #[prost(bool, tag = "10")]
    pub(crate) measure: bool,
    /// Its rows may be fetched while they are made.
    #[prost(bool, tag = "11")]
    pub(crate) live: bool,
}

/// One attempt at one part of a stage.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub(crate) struct TaskId {
    #[prost(uint32, tag = "1")]
    pub(crate) part: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) attempt: u32,
}

/// A job is over: what was made for it may go, and what runs for it stops.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Forget {
    #[prost(uint64, tag = "1")]
    pub(crate) job: u64,
}

/// Why a worker is sent away.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Stopped {
    #[prost(string, tag = "1")]
    pub(crate) reason: String,
}

/// What a worker has done, and how it is.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Report {
    #[prost(uint64, tag = "1")]
    pub(crate) worker: u64,
    #[prost(message, repeated, tag = "2")]
    pub(crate) tasks: Vec<TaskReport>,
    /// Memory its queries hold, in bytes.
    #[prost(uint64, tag = "3")]
    pub(crate) memory: u64,
    /// It finishes what runs and takes nothing more.
    #[prost(bool, tag = "4")]
    pub(crate) leaving: bool,
    /// How many of its tasks compute nothing, as whoever reads their rows does not come for more.
    #[prost(uint32, tag = "5")]
    pub(crate) parked: u32,
}

impl Call for Report {
    const NAME: &'static str = "strata.report";
    type Answer = Ack;
}

/// Whether the scheduler knows whom it heard.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Ack {
    #[prost(bool, tag = "1")]
    pub(crate) known: bool,
}

/// What became of a task.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TaskReport {
    #[prost(uint64, tag = "1")]
    pub(crate) job: u64,
    #[prost(uint32, tag = "2")]
    pub(crate) stage: u32,
    #[prost(message, optional, tag = "3")]
    pub(crate) task: Option<TaskId>,
    #[prost(oneof = "task_report::Outcome", tags = "4, 5")]
    pub(crate) outcome: Option<task_report::Outcome>,
    /// Which edition of the stage's plan it ran by.
    #[prost(uint32, tag = "6")]
    pub(crate) edition: u32,
}

/// The outcomes.
pub(crate) mod task_report {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(crate) enum Outcome {
        #[prost(message, tag = "4")]
        Done(super::Done),
        #[prost(message, tag = "5")]
        Failed(super::Trouble),
    }
}

/// A part is made.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Done {
    /// Rows for each part of the stages above.
    #[prost(uint64, repeated, tag = "1")]
    pub(crate) rows: Vec<u64>,
    /// Bytes for each part of the stages above.
    #[prost(uint64, repeated, tag = "2")]
    pub(crate) bytes: Vec<u64>,
    /// The rows themselves, as an Arrow IPC stream, where they are few.
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(crate) inline: Option<prost::bytes::Bytes>,
    /// What the operators counted, as JSON.
    #[prost(string, tag = "4")]
    pub(crate) metrics: String,
    #[prost(uint64, tag = "5")]
    pub(crate) microseconds: u64,
}

/// A part could not be made.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Trouble {
    #[prost(string, tag = "1")]
    pub(crate) message: String,
    /// What kind of trouble: see [`Kind`](crate::cluster::worker::Kind).
    #[prost(uint32, tag = "2")]
    pub(crate) kind: u32,
    /// The worker whose rows could not be fetched.
    #[prost(uint64, optional, tag = "3")]
    pub(crate) lost: Option<u64>,
}

/// Where rows of a part lie.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Source {
    #[prost(uint64, tag = "1")]
    pub(crate) worker: u64,
    #[prost(string, tag = "2")]
    pub(crate) address: String,
    /// The task that made them.
    #[prost(message, optional, tag = "3")]
    pub(crate) task: Option<TaskId>,
    /// Which of its outputs they are.
    #[prost(uint32, tag = "4")]
    pub(crate) output: u32,
    #[prost(uint64, tag = "5")]
    pub(crate) rows: u64,
    #[prost(uint64, tag = "6")]
    pub(crate) bytes: u64,
}
