//! Uploads that break off. To a method, a request that its client cancels ends as one that is whole does: tonic's reader
//! tells no difference. Here it is noted beside the request, so that half of what was meant is not taken for all of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_flight::FlightData;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::map_request;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use tonic::Status;

/// Whether a request broke off.
#[derive(Debug, Clone, Default)]
pub(super) struct Broken(Arc<AtomicBool>);

/// Notes of each request whether it breaks off.
pub(super) fn watched(routes: Router) -> Router {
    routes.layer(map_request(|request: Request| async move {
        let broken = Broken::default();
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(broken.clone());
        let data = body.into_data_stream().inspect(move |data| {
            if data.is_err() {
                broken.0.store(true, Ordering::Release);
            }
        });
        Request::from_parts(parts, Body::from_stream(data))
    }))
}

/// Messages that end with an error where their request broke off.
pub(super) fn whole(
    messages: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
    broken: Option<Broken>,
) -> BoxStream<'static, Result<FlightData, Status>> {
    let end = futures::stream::once(async move {
        let is = broken.is_none_or(|broken| broken.0.load(Ordering::Acquire));
        is.then(|| Err(Status::cancelled("what was sent broke off, and none of it is kept")))
    });
    messages.chain(end.filter_map(std::future::ready)).boxed()
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn what_broke_off_is_not_whole() {
        let messages = || futures::stream::iter([Ok(FlightData::default())]);
        let broken = Broken::default();
        let came = |broken| whole(messages(), broken).try_collect::<Vec<_>>();
        assert_eq!(came(Some(broken.clone())).await.unwrap().len(), 1);
        broken.0.store(true, Ordering::Release);
        assert_eq!(came(Some(broken)).await.unwrap_err().code(), tonic::Code::Cancelled);
        assert!(came(None).await.is_err(), "nobody looked");
    }
}
