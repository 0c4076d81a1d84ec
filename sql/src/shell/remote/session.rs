//! Our session on a server: logged in, with its cookie, and set up. Sessions end: when nobody uses them for a while,
//! or the server starts again. What was `SET` is lost then, and said to be. Our own server refuses what was meant for a
//! session that has ended, and is asked again when another one is set up; other servers tell so with the next answer.

use std::time::Duration;

use arrow::array::cast::AsArray;
use arrow::array::{Array, RecordBatch, UnionArray};
use arrow::datatypes::UInt32Type;
use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use arrow_flight::sql::{
    CommandGetSqlInfo, CommandStatementQuery, CommandStatementUpdate, ProstMessageExt, SqlInfo,
};
use arrow_flight::{FlightData, FlightDescriptor, HandshakeRequest, Ticket};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt;
use prost::Message;
use tonic::{Code, Request, Status};

use super::link::{Link, Login, secret};
use crate::error::Error;
use crate::shell::complete::quote_text;

/// A session of which nothing was heard for longer may have ended.
const RECENT: Duration = Duration::from_secs(30);
/// How long anybody waits for the end of a session.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is asked for itself, and not by a person, has no more rows.
const ROWS: usize = 100_000;

impl Link {
    /// Has a session on the server.
    pub(crate) async fn open(&self) -> Result<(), Status> {
        let _one = self.opening.lock().await;
        {
            let known = self.known.lock();
            if known.open && known.heard.is_some_and(|heard| heard.elapsed() < RECENT) {
                return Ok(());
            }
        }
        let has_password = matches!(self.login, Login::Password { .. });
        if has_password && self.known.lock().bearer.is_none() {
            self.log_in().await?;
        }
        let server = match self.server().await {
            // What is asked now makes a new session.
            Err(why) if self.may_ask_again(&why) => {
                if why.code() == Code::Unauthenticated {
                    self.log_in().await?;
                }
                self.server().await?
            }
            told => told?,
        };
        let (first, is_new) = {
            let mut known = self.known.lock();
            known.server = Some(server);
            (!known.was_open, known.is_new)
        };
        if first || is_new {
            self.set_up().await?;
        }
        let mut known = self.known.lock();
        (known.open, known.was_open, known.is_new) = (true, true, false);
        known.another |= is_new && !first;
        Ok(())
    }

    /// Does something in a session that is set up: once more, where it was refused for the session's end.
    pub(super) async fn opened<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        self.open().await?;
        match ask().await {
            Err(why) if self.may_ask_again(&why) => {
                self.open().await?;
                ask().await
            }
            made => made,
        }
    }

    /// Whether the session is another one than a person knows of, who is told so now.
    pub(super) fn takes_another(&self) -> bool {
        std::mem::take(&mut self.known.lock().another)
    }

    /// Finds out whether the server lets us in.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        self.open().await.map_err(|status| self.trouble(&status, ""))
    }

    /// Whether the session is what it was when it was opened.
    pub(super) fn is_open(&self) -> bool {
        self.known.lock().open
    }

    /// Ends the session, if the server still listens.
    pub(crate) async fn close(&self) {
        // Also one that could not be set up.
        if self.known.lock().server.is_some() {
            let _ = tokio::time::timeout(PATIENCE, self.act("CloseSession", Vec::new())).await;
        }
    }

    /// Where statements run, and as whom.
    pub(crate) fn about(&self) -> String {
        let server = self.known.lock().server.clone();
        let told = server.map(|(name, version)| format!(" ({name} {version})")).unwrap_or_default();
        let user = match &self.login {
            Login::Password { user, .. } => format!(" as {user}"),
            Login::Token(_) => " with a token".to_string(),
            Login::Nobody => String::new(),
        };
        format!(
            "Statements run on the server at {}{told}{user}. Files that they name are the server's.",
            self.address
        )
    }

    /// A name and a password for a token.
    async fn log_in(&self) -> Result<(), Status> {
        let Login::Password { user, password } = &self.login else { return Ok(()) };
        let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let mut request = Request::new(futures::stream::iter([HandshakeRequest::default()]));
        request.metadata_mut().insert("authorization", secret(&basic)?);
        let response = self.client().handshake(request).await?;
        let header = response.metadata().get("authorization");
        let bearer = header.and_then(|value| value.to_str().ok()).map(str::to_string);
        let told = response.into_inner().message().await?;
        // Servers tell it in a header, in the answer, or in both.
        let bearer = bearer.or_else(|| {
            let text = String::from_utf8(told?.payload.to_vec()).ok()?;
            (!text.is_empty()).then(|| format!("Bearer {text}"))
        });
        self.known.lock().bearer = bearer;
        Ok(())
    }

    /// What the server is; the cheapest thing that can be asked.
    async fn server(&self) -> Result<(String, String), Status> {
        let (name, version) = (SqlInfo::FlightSqlServerName, SqlInfo::FlightSqlServerVersion);
        let asked = CommandGetSqlInfo { info: vec![name as u32, version as u32] };
        let ticket = Ticket::new(asked.as_any().encode_to_vec());
        let mut batches = Vec::new();
        collect(self.get(ticket).await?, &mut batches).await?;
        let text = |wanted: SqlInfo| {
            batches.iter().find_map(|batch| info_text(batch, wanted as u32)).unwrap_or_default()
        };
        Ok((text(name), text(version)))
    }

    /// Settings that a new session needs.
    async fn set_up(&self) -> Result<(), Status> {
        // Types as they are; not all servers know how.
        if let Err(status) = self.update("SET flight.views = true").await
            && (super::trouble::is_lost(&status) || status.code() == Code::Unauthenticated)
        {
            return Err(status);
        }
        for (name, value) in &self.settings {
            self.update(&format!("SET {name} = {}", quote_text(value))).await?;
        }
        Ok(())
    }

    /// Runs a statement of ours for what it does.
    async fn update(&self, text: &str) -> Result<(), Status> {
        let command = CommandStatementUpdate { query: text.to_string(), transaction_id: None };
        let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
        self.put(FlightData::new().with_descriptor(descriptor)).await
    }

    /// The rows of a query of ours, which has few.
    pub(super) async fn rows(&self, text: &str) -> Result<Vec<RecordBatch>, Status> {
        let info = self.info(query(text)).await?;
        let mut all = Vec::new();
        for ticket in info.endpoint.into_iter().filter_map(|endpoint| endpoint.ticket) {
            collect(self.get(ticket).await?, &mut all).await?;
        }
        Ok(all)
    }
}

/// What asks for the rows of a text.
pub(super) fn query(text: &str) -> FlightDescriptor {
    let command = CommandStatementQuery { query: text.to_string(), transaction_id: None };
    FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
}

/// Puts the rows that come to those that there are, no more than there should be.
pub(super) async fn collect(
    mut rows: FlightDataDecoder,
    all: &mut Vec<RecordBatch>,
) -> Result<(), Status> {
    let mut count: usize = all.iter().map(RecordBatch::num_rows).sum();
    while let Some(message) = rows.try_next().await.map_err(status)? {
        if let DecodedPayload::RecordBatch(batch) = message.payload {
            count += batch.num_rows();
            all.push(batch);
        }
        if count > ROWS {
            break;
        }
    }
    Ok(())
}

/// The error of a stream of rows.
pub(super) fn status(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        other => Status::internal(format!("what the server sends makes no sense: {other}")),
    }
}

/// A text among the facts about a server.
fn info_text(batch: &RecordBatch, wanted: u32) -> Option<String> {
    let names = batch.columns().first()?.as_primitive_opt::<UInt32Type>()?;
    let at = names.iter().position(|name| name == Some(wanted))?;
    let values = batch.columns().get(1)?.as_any().downcast_ref::<UnionArray>()?;
    let value = values.value(at);
    let text = value.as_string_opt::<i32>()?;
    (!text.is_empty()).then(|| text.value(0).to_string())
}
