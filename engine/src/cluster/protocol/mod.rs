//! What processes say to each other. A question is a message; its answer, one message or many.
//! Fields are only ever added: their numbers are the format.

mod clients;
mod data;
mod workers;

use prost::Message;

pub(crate) use clients::{
    Cancel, Cancelled, Failed, Finished, Jobs, JobsAnswer, Missing, Part, Running, Submit, There,
    Update, Workers, WorkersAnswer, update,
};
pub(crate) use data::Parts;
pub(crate) use workers::{
    Ack, Done, Forget, Join, Order, Report, Run, Source, Stopped, TaskId, TaskReport, Trouble,
    Welcome, order, task_report,
};

/// A question, asked as an action of Flight.
pub(crate) trait Call: Message + Default + 'static {
    /// The type of the action.
    const NAME: &'static str;
    /// What the answer is made of.
    type Answer: Message + Default + 'static;
}
