//! Arrays as Arrow files (<https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format>) that other tools map
//! into memory: one column of tensors, not packed, whose values lie in the order of C.
//!
//! ```text
//! headers  what stands before each batch, and at the end: all of it is known before a value is
//! save     a file that appears when it is complete
//! ```

mod headers;
mod save;

pub use save::save;
