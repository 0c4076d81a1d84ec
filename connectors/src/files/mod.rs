//! Paths and URLs as tables: understanding what was written, finding the files, telling their
//! format and columns, and the statements that name them.
//!
//! ```text
//! text ─ location ─ resolve ─ listing ─ one_kind ─ columns ─ native ─ ListingTable | PickedTable
//!                                │         └ sniff, csv, partitions
//!                                └ kind, head
//! ```

mod catalog;
mod columns;
pub(crate) mod csv;
mod factory;
pub(crate) mod formats;
pub(crate) mod head;
pub(crate) mod kind;
pub(crate) mod listing;
pub(crate) mod location;
mod native;
mod one_kind;
mod open;
pub(crate) mod partitions;
mod pattern;
mod picked;
mod read_by;
pub(crate) mod resolve;
mod sniff;

pub(crate) use catalog::PathsAreTables;
pub(crate) use factory::{FORMATS, FileTables};
pub use open::{OpenOptions, open_table};
pub(crate) use picked::PickedTable;
pub use read_by::read_by;
