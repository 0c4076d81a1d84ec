//! Who calls: a name, a role, and the schemas and locations that are theirs. The [layer](super::locks) puts the
//! caller into a request before a method sees it; no method answers a request without one.

use std::net::SocketAddr;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use serde::Deserialize;
use strata_connectors::{Locations, NotAllowed};
use strata_engine::{Array, EngineError};
use tonic::{Request, Status};

use super::locks::{narrowed, needs, plans};
use crate::Statement;
use crate::error::Error;

/// What a caller may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Read.
    Reader,
    /// Read, make, change and drop tables, and write files.
    Writer,
    /// Everything: settings, secrets, and what others run.
    Admin,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
        }
    }
}

/// Which schemas a caller knows of: `public`, `catalog.schema`, or `*` for all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schemas(pub(crate) Vec<String>);

impl Schemas {
    pub(crate) fn have(&self, catalog: &str, schema: &str) -> bool {
        self.0.iter().any(|own| match own.split_once('.') {
            Some((own, "*")) => own == catalog,
            Some((own, part)) => own == catalog && part == schema,
            None => own == "*" || own == schema,
        })
    }
}

/// What is a caller's beside the role.
#[derive(Debug, Clone)]
pub(crate) struct Allowed {
    pub(crate) schemas: Schemas,
    pub(crate) locations: Locations,
}

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The name.
    pub(crate) name: String,
    /// What the caller may do.
    pub(crate) role: Role,
    /// Which of their logins it is: each has a session of its own. None where they show the same secret each time.
    pub(crate) login: Option<String>,
    /// How it was told who calls, and where it is a login, which. It is no secret.
    pub(crate) session: String,
    /// Where the call came from.
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) allowed: Arc<Allowed>,
}

impl Caller {
    /// Whoever is in this process, or is let in where nothing is locked.
    pub(crate) fn anyone() -> Self {
        let schemas = Schemas(vec!["*".to_string()]);
        let allowed = Allowed { schemas, locations: Locations::everywhere() };
        Self {
            name: "anyone".to_string(),
            role: Role::Admin,
            login: None,
            session: "anyone".to_string(),
            peer: None,
            allowed: Arc::new(allowed),
        }
    }

    /// What tells callers of one name apart who have other rights.
    pub(crate) fn rights(&self) -> (Role, usize) {
        (self.role, Arc::as_ptr(&self.allowed).addr())
    }

    /// Whether the caller may run a plan, which is the one that will run.
    pub(crate) fn may_run(&self, plan: &LogicalPlan) -> Result<(), Status> {
        plans::check(self, plan, None).map_err(denied)
    }

    /// Whether the caller may send rows for tables.
    pub(crate) fn may_ingest(&self) -> Result<(), Status> {
        match self.role < Role::Writer {
            true => Err(denied(self.refuse("bulk ingest", Role::Writer))),
            false => Ok(()),
        }
    }

    /// Whether the caller may have a statement understood: what it names is opened on the way to a plan.
    pub(crate) fn may_bind(&self, statement: &Statement) -> Result<(), Status> {
        needs::check(self, statement).map_err(denied)
    }

    /// Whether the caller may read all that an array is made of.
    pub(crate) fn may_read(&self, array: &Array) -> bool {
        plans::of_array(self, array).is_ok()
    }

    /// Whether the caller may know what is in a schema.
    pub(crate) fn may_see(&self, catalog: &str, schema: &str) -> bool {
        self.role == Role::Admin
            || schema == datafusion::catalog::information_schema::INFORMATION_SCHEMA
            || self.allowed.schemas.have(catalog, schema)
    }

    /// The session as this caller has it: with no other schemas, and no other locations, whatever is asked of it and
    /// however. Everything of a caller runs in one of these.
    pub(crate) fn session(self: &Arc<Self>, all: &SessionContext) -> Result<SessionContext, Error> {
        narrowed::session(self, all)
    }

    /// Refuses what the caller may not do.
    pub(crate) fn refuse(&self, what: impl Into<String>, needs: Role) -> NotAllowed {
        NotAllowed {
            path: what.into(),
            reason: format!(
                "needs the role {}, and {} is a {}: whoever runs the server can change that",
                needs.name(),
                self.name,
                self.role.name()
            ),
        }
    }
}

/// What a caller is told who may not do something.
fn denied(why: NotAllowed) -> Status {
    Status::permission_denied(why.to_string())
}

/// The status of an error that is about what the caller may not do.
pub(crate) fn status_of_denied(error: &Error) -> Option<Status> {
    // Errors that stand for others do not tell them as their source.
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(match error {
        Error::Connector(error) => error,
        Error::Engine(EngineError::DataFusion(error)) => error,
        other => other,
    });
    while let Some(error) = next {
        if let Some(why) = plans::not_allowed(error) {
            return Some(denied(why.clone()));
        }
        next = error.source();
    }
    None
}

/// The caller of a request.
pub(crate) fn caller<T>(request: &Request<T>) -> Result<Arc<Caller>, Status> {
    let found = request.extensions().get::<Arc<Caller>>();
    found.cloned().ok_or_else(|| Status::unauthenticated("nobody knows who calls"))
}
