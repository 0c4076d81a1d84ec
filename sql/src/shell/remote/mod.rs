//! A server that answers in place of this process: `strata shell --connect`. It is spoken to as any client of Arrow
//! Flight SQL does; what our own server tells beside that is read where it is there (`flight/asides.rs`).
//!
//! ```text
//! address ── link ── session (login, cookie, settings) ─┬─ query ── poll ─ fetch ─ cancel
//!                                                       └─ names ── tables, columns
//! ```

mod address;
mod link;
mod names;
mod query;
mod session;
mod trouble;

pub(crate) use address::Address;
pub(crate) use link::{Link, Login};
pub(super) use query::run;
