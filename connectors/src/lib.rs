//! Files and object stores for Strata: a path or URL is a table, Zarr stores and NumPy files are
//! arrays, credentials are named secrets, writes appear whole or not at all, and a file that cannot be read is named with the place of its
//! fault.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        missing_docs
    )
)]

mod check;
mod chunked;
mod error;
mod extension;
mod files;
pub mod numpy;
mod secrets;
mod stores;
pub mod tensors;
mod write;
pub mod zarr;

pub use check::{Fault, FileReport, Report, check, diagnose};
pub use chunked::persisted::{Codec, persist};
pub use error::{ConnectorError, MixedFormats, Result};
pub use extension::{Files, secrets, within};
pub use files::{OpenOptions, open_table, read_by};
pub use secrets::{Secret, SecretKind, Secrets};
pub use stores::{Locations, NotAllowed};
