//! Stands before all that the port answers. What has no caller goes no further, whichever method it is for.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::{Router, body::Body};
use tonic::Status;

use super::Locks;
use super::shown::Shown;

/// What anyone may ask: whether the process lives, whether it is of use, and, with a password, for a token.
const FREE: [&str; 3] = ["/healthz", "/readyz", "/arrow.flight.protocol.FlightService/Handshake"];

/// All routes behind the locks. It is to be called last: what is added later is not guarded.
pub(crate) fn guarded(routes: Router, locks: &Arc<Locks>) -> Router {
    routes.layer(from_fn_with_state(Arc::clone(locks), guard))
}

async fn guard(State(locks): State<Arc<Locks>>, mut request: Request, next: Next) -> Response {
    // Whatever is said of callers is said here.
    request.extensions_mut().remove::<Arc<super::Caller>>();
    if FREE.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let shown = Shown::of_request(request.headers(), request.extensions());
    match admit(&locks, shown).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(status) => status.into_http::<Body>(),
    }
}

async fn admit(locks: &Locks, shown: Shown) -> Result<Arc<super::Caller>, Status> {
    let caller = locks.caller(&shown).await?;
    locks.limits.request(&caller.name)?;
    Ok(Arc::new(caller))
}
