//! What formats of arrays share.
//!
//! ```text
//! place    where files lie: folder, file or archive; every read passes there, and is counted
//! archive  reading from an archive;  zip: what its directory says
//! boxes    boxes of values within larger ones
//! persisted  arrays that stay in memory, chunk by chunk
//! written  the chunks of an array, on their way to whoever writes them
//! ```

mod archive;
pub(crate) mod boxes;
pub(crate) mod persisted;
pub(crate) mod place;

pub(crate) mod written;
mod zip;
