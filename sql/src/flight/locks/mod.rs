//! Who is let in, and to what.
//!
//! ```text
//! request ─ layer: what is shown? ─┬ a certificate            certificates.rs
//!                                  ├ Basic name:password      users.rs, passwords.rs  (slowed down: throttle.rs)
//!                                  ├ Bearer of a handshake    bearer.rs
//!                                  ├ Bearer static token      tokens.rs
//!                                  └ Bearer JWT               jwt.rs, jwks.rs
//!                │ nothing that fits: Unauthenticated
//!                ▼
//!         Caller in the request's extensions ─ limits.rs ─ the method
//!
//! statement ─ needs.rs: which role? ─ session of the caller (narrowed.rs) ─ plan ─ plans.rs: what does it read?
//! ```
//!
//! All of it comes from one file, `serve.toml` ([config]). Where nothing is locked, whoever reaches the port is let in
//! as an admin, and the port is on this machine only.

pub(crate) mod audit;
mod bearer;
mod certificates;
pub(crate) mod config;
mod jwks;
mod jwt;
mod layer;
pub(crate) mod limits;
pub(crate) mod narrowed;
pub(crate) mod needs;
pub(crate) mod passwords;
pub(crate) mod plans;
mod shown;
mod throttle;
mod tokens;
mod users;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use strata_connectors::ConnectorError;
use strata_engine::{Tls, Token};
use tonic::Status;
use tonic::metadata::MetadataMap;

pub(crate) use layer::guarded;
pub(crate) use narrowed::caller_of;

use self::audit::{Audit, Entry};
use self::bearer::Bearers;
use self::certificates::Certificates;
use self::config::{Lifetimes, ServeConfig};
use self::jwt::Jwts;
use self::limits::Limits;
pub(crate) use self::limits::QueryPlace;
use self::passwords::Passwords;
use self::shown::Shown;
use self::throttle::Throttle;
use self::tokens::Tokens;
use self::users::Users;
use super::caller::Caller;
use crate::error::{Error, Result};

/// Refuses a statement that whoever the session is for may not run.
pub(crate) fn admit(session: &SessionContext, statement: &crate::Statement) -> Result<()> {
    match caller_of(session) {
        Some(caller) => Ok(needs::check(&caller, statement).map_err(ConnectorError::from)?),
        None => Ok(()),
    }
}

/// Refuses a plan that whoever the session is for may not run.
pub(crate) fn watch(session: &SessionContext, plan: &LogicalPlan) -> Result<()> {
    let Some(caller) = caller_of(session) else { return Ok(()) };
    let names = plans::Names::of(session.state().config().options());
    Ok(plans::check(&caller, plan, Some(&names)).map_err(ConnectorError::from)?)
}

/// All locks of a server.
#[derive(Debug)]
pub(crate) struct Locks {
    /// Who everybody is, where nobody is asked for anything.
    anyone: Option<Caller>,
    users: Users,
    tokens: Tokens,
    certificates: Certificates,
    jwts: Option<Jwts>,
    passwords: Passwords,
    bearers: Bearers,
    throttle: Throttle,
    limits: Limits,
    audit: Option<Audit>,
}

impl Locks {
    /// What a file asks for.
    pub(crate) fn new(config: &ServeConfig) -> Result<Self> {
        let users = Users::new(config)?;
        let tokens = Tokens::new(config, &users)?;
        let certificates = Certificates::new(config, &users)?;
        let jwts = config.oidc.as_ref().map(|oidc| Jwts::new(config, oidc, &users)).transpose()?;
        let open =
            users.is_empty() && tokens.is_empty() && certificates.is_empty() && jwts.is_none();
        Ok(Self {
            anyone: open.then(Caller::anyone),
            users,
            tokens,
            certificates,
            jwts,
            passwords: Passwords::new(),
            bearers: Bearers::new(Lifetimes::of(config)),
            throttle: Throttle::default(),
            limits: Limits::new(&config.limits),
            audit: config.audit.as_ref().map(|audit| Audit::open(config, audit)).transpose()?,
        })
    }

    /// The same, and whoever shows a token may do everything.
    pub(crate) fn and_token(mut self, token: &Token) -> Self {
        let caller = Caller {
            name: "token".to_string(),
            session: "the token".to_string(),
            ..Caller::anyone()
        };
        self.tokens.add(token, caller);
        self.anyone = None;
        self
    }

    /// Refuses to serve others than this machine's users where nobody would be asked for anything.
    pub(crate) fn allow_listening(&self, address: SocketAddr, tls: Option<&Tls>) -> Result<()> {
        if address.ip().is_loopback() {
            return Ok(());
        }
        if self.are_open() {
            return Err(Error::text(format!(
                "{address} can be reached from other machines, and nothing guards it"
            ))
            .hint("give --token-file, or name users, tokens or oidc in the file of --config, or listen on 127.0.0.1"));
        }
        if tls.is_none() && !self.users.is_empty() {
            return Err(Error::text(format!(
                "{address} can be reached from other machines, and passwords would cross the network as they are"
            ))
            .hint("give [tls] a cert and a key in the file of --config, or listen on 127.0.0.1"));
        }
        Ok(())
    }

    /// Whether nobody is asked for anything.
    pub(crate) fn are_open(&self) -> bool {
        self.anyone.is_some()
    }

    /// Who shows this; an error for all others, after a while.
    async fn caller(&self, shown: &Shown) -> Result<Caller, Status> {
        if let Some(anyone) = &self.anyone {
            return Ok(Caller { peer: shown.peer, ..anyone.clone() });
        }
        let found = self.find(shown).await.inspect_err(|why| self.note_refused(shown, why))?;
        Ok(Caller { peer: shown.peer, ..found })
    }

    async fn find(&self, shown: &Shown) -> Result<Caller, Status> {
        if let Some((name, password)) = shown.basic()? {
            return self.by_password(&name, &password, shown.peer).await;
        }
        if let Some(token) = shown.bearer() {
            if let Some(caller) = self.bearers.find(token).or_else(|| self.tokens.find(token)) {
                return Ok(caller);
            }
            if jwt::looks_like_one(token)
                && let Some(jwts) = &self.jwts
            {
                return jwts.caller(token).await;
            }
            self.throttle.wait("a token", shown.peer)?;
            self.throttle.failed("a token", shown.peer);
            return Err(Status::unauthenticated(
                "the token is unknown, or has expired: log in again",
            ));
        }
        if let Some(caller) = self.certificates.find(shown.certificate.as_deref()) {
            return Ok(caller);
        }
        Err(Status::unauthenticated(
            "say who you are: send 'authorization: Bearer TOKEN', or Basic with a name and a password",
        ))
    }

    async fn by_password(
        &self,
        name: &str,
        password: &str,
        peer: Option<SocketAddr>,
    ) -> Result<Caller, Status> {
        let user = self.users.find(name);
        if let Some(user) = user
            && self.passwords.was_seen(name, password, &user.hash)
        {
            return Ok(user.caller());
        }
        self.throttle.wait(name, peer)?;
        let hash = user.map(|user| user.hash.clone());
        match (self.passwords.verify(name, password, hash).await?, user) {
            (true, Some(user)) => {
                self.throttle.succeeded(name, peer);
                Ok(user.caller())
            }
            _ => {
                self.throttle.failed(name, peer);
                Err(Status::unauthenticated("the name or the password is wrong"))
            }
        }
    }

    fn note_refused(&self, shown: &Shown, why: &Status) {
        if let Some(audit) = &self.audit {
            audit.record(Entry::refused(shown.name(), shown.peer, why));
        }
    }

    /// A place for one more query of a caller, for as long as it is held.
    pub(crate) fn query(&self, caller: &Caller) -> Result<QueryPlace, Status> {
        self.limits.query(&caller.name)
    }

    /// The end of a caller's session: its bearer token opens nothing any more.
    pub(crate) fn close(&self, caller: &Caller) {
        self.bearers.close(&caller.session);
    }

    /// Starts the line of the audit log about something that a caller asks. It is written when it is told how that
    /// went, or is dropped.
    pub(crate) fn asked(&self, caller: &Caller, text: &str) -> audit::Asked {
        audit::Asked::new(self.audit.clone(), caller, text)
    }

    /// Waits until all lines of the audit log are written.
    pub(crate) fn finish(&self) {
        if let Some(audit) = &self.audit {
            audit.flush();
        }
    }
}

/// A name and a password for a bearer token, as `Handshake` has it: the text for the `authorization` header.
pub(crate) async fn handshake(
    locks: &Arc<Locks>,
    metadata: &MetadataMap,
    peer: Option<SocketAddr>,
) -> Result<String, Status> {
    let shown = Shown::of_metadata(metadata, peer);
    if locks.are_open() {
        return Ok("Bearer anyone".to_string());
    }
    let caller = locks.caller(&shown).await?;
    if caller.login.is_some() {
        // Who shows a bearer token has one.
        return Ok(format!("Bearer {}", shown.bearer().unwrap_or_default()));
    }
    locks.limits.request(&caller.name)?;
    Ok(format!("Bearer {}", locks.bearers.give(caller)?))
}
