//! Why running text came to an end before the text did.

use std::io;

use crate::Error;

/// The result of anything the shell runs.
pub type Ran<T = ()> = std::result::Result<T, Stop>;

/// Why running stopped.
#[derive(Debug)]
pub enum Stop {
    /// Something went wrong and nobody has told the person yet.
    Error(Box<Error>),
    /// Something went wrong and the person has been told.
    Failed,
    /// Ctrl-C.
    Cancelled,
    /// Whoever read the results went away.
    BrokenPipe,
    /// The person asked to leave.
    Quit,
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(Box::new(error.into()))
    }
}

impl Stop {
    /// What a failed read or write of `path` comes to.
    pub(crate) fn file(path: &str, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::BrokenPipe;
        }
        Error::File { path: path.to_string(), reason: error.to_string() }.into()
    }

    /// A wrong use of a command, and what would be right.
    pub(crate) fn usage(message: impl Into<String>, hint: Option<String>) -> Self {
        Error::Text { message: message.into(), at: None, hint }.into()
    }
}
