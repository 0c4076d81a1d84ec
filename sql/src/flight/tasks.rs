//! Work on the threads that compute, apart from those that answer. It ends with whoever waits for it.

use tokio::task::{AbortHandle, JoinHandle};
use tonic::Status;

use super::Server;

/// Ends a task when nobody wants it any more.
#[derive(Debug)]
pub(super) struct Ending(AbortHandle);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Server {
    /// Starts something.
    pub(super) fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<JoinHandle<T>, Status> {
        self.workers.spawn(work).map_err(|error| Status::unavailable(error.to_string()))
    }

    /// Starts something that ends with what is returned.
    pub(super) fn spawn(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Ending, Status> {
        Ok(Ending(self.start(work)?.abort_handle()))
    }

    /// Does something, and gives its answer.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Status>> + Send + 'static,
    ) -> Result<T, Status> {
        let task = self.start(work)?;
        let _ending = Ending(task.abort_handle());
        match task.await {
            Ok(done) => done,
            Err(error) if error.is_panic() => Err(broken()),
            Err(_) => Err(Status::cancelled("the statement was cancelled")),
        }
    }
}

/// What a client is told of a panic.
pub(super) fn broken() -> Status {
    Status::internal(
        "the statement broke down: this is a fault in Strata: please report it with the statement",
    )
}
