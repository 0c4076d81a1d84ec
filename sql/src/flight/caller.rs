//! Who calls: a name and what it may do. Whoever guards the door puts the caller into a request before a method
//! sees it; no method answers a request without one.

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;
use strata_engine::Token;
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::Statement;

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Read.
    #[allow(dead_code, reason = "roles are given by the locks")]
    Reader,
    /// Read, and change tables.
    #[allow(dead_code, reason = "roles are given by the locks")]
    Writer,
    /// Everything.
    Admin,
}

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The name.
    pub(crate) name: String,
    /// Which of their logins it is: each has a session of its own. None where they show the same secret each time.
    pub(crate) login: Option<String>,
    /// What the caller may do.
    #[allow(dead_code, reason = "the locks look at it")]
    pub(crate) role: Role,
}

impl Caller {
    /// Whether the caller may run a statement; its plan is the one that will run.
    pub(crate) fn may_run(
        &self,
        _plan: &LogicalPlan,
        _statement: &Statement,
    ) -> Result<(), Status> {
        Ok(())
    }

    /// Whether the caller may know what is in a schema.
    pub(crate) fn may_see(&self, _catalog: &str, _schema: &str) -> bool {
        true
    }
}

/// The caller of a request.
pub(crate) fn caller<T>(request: &Request<T>) -> Result<Arc<Caller>, Status> {
    let found = request.extensions().get::<Arc<Caller>>();
    found.cloned().ok_or_else(|| Status::unauthenticated("nobody knows who calls"))
}

/// Lets in who shows the token; everybody where there is none.
#[derive(Clone)]
pub(super) struct Door {
    token: Option<Token>,
    caller: Arc<Caller>,
}

impl Door {
    pub(super) fn new(token: Option<Token>) -> Self {
        let name = if token.is_some() { "token" } else { "anyone" };
        let caller = Caller { name: name.to_string(), login: None, role: Role::Admin };
        Self { token, caller: Arc::new(caller) }
    }
}

impl Interceptor for Door {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.token {
            let shown = request.metadata().get("authorization").map(|shown| shown.as_bytes());
            if !shown.is_some_and(|shown| token.is_shown_by(shown)) {
                return Err(Status::unauthenticated(
                    "the token is missing or wrong; send it as 'authorization: Bearer TOKEN'",
                ));
            }
        }
        request.extensions_mut().insert(Arc::clone(&self.caller));
        Ok(request)
    }
}
