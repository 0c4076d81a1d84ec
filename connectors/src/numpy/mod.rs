//! NumPy's files: `.npy`, one array (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>),
//! and `.npz`, several in a ZIP archive.
//!
//! ```text
//! header   what a file says of its values: their type, order and shape
//! array    boxes of values, by ranges of the file;  open: files as arrays
//! save     a file that appears when it is complete
//! ```
//!
//! Files come from anywhere. What a header claims is compared with the size of the file before memory is
//! taken for it.

mod array;
mod header;
mod open;
mod save;

pub use array::NpyArray;
pub use open::{npy, npz};
pub(crate) use save::runs;
pub use save::save;
