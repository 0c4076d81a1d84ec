//! What is wrong with an array, or with what is asked of it.

/// The result of something done with arrays.
pub(crate) type Result<T, E = ArrayError> = std::result::Result<T, E>;

/// What can be wrong with an array.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArrayError {
    /// Something that no array can do, or not this one.
    #[error("{0}")]
    Asked(String),
    /// What an array is read from is not what it should be.
    #[error("{array}: {reason}")]
    Source {
        /// The array, by its path.
        array: String,
        /// What is wrong, where in it, and what to do.
        reason: String,
    },
    /// One chunk cannot be read or written.
    #[error("{array}, chunk {chunk} ({key}): {reason}")]
    Chunk {
        /// The array, by its path.
        array: String,
        /// The chunk's place in the grid, as in `[0, 3]`.
        chunk: String,
        /// The key or file that holds it.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ArrayError {
    /// What was asked cannot be done.
    pub fn asked(reason: impl Into<String>) -> Self {
        Self::Asked(reason.into())
    }
}
