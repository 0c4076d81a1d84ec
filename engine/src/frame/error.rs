//! A verb used wrongly.

use datafusion::common::Column;

use crate::error::nearest;

/// What is wrong with the use of a verb.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// No column has this name.
    #[error("there is no column '{name}'{hint}; the columns are {columns}")]
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// `: did you mean 'x'?`, or nothing.
        hint: String,
        /// The columns there are.
        columns: String,
    },
    /// Several columns have this name.
    #[error("column '{name}' is ambiguous: it could be {candidates}")]
    Ambiguous {
        /// The name asked for.
        name: String,
        /// The columns it could be.
        candidates: String,
    },
    /// An argument makes no sense here.
    #[error("{0}")]
    Invalid(String),
}

impl FrameError {
    pub(crate) fn unknown_column(name: &str, columns: &[Column]) -> Self {
        let hint = nearest(name, columns.iter().map(|c| c.name.as_str()))
            .map(|close| format!(": did you mean '{close}'?"))
            .unwrap_or_default();
        Self::UnknownColumn { name: name.to_string(), hint, columns: listed(columns.iter()) }
    }

    pub(crate) fn ambiguous(name: &str, candidates: &[&Column]) -> Self {
        Self::Ambiguous { name: name.to_string(), candidates: listed(candidates.iter().copied()) }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }
}

/// Names for a message: all of a few, the first of many.
fn listed<'a>(columns: impl ExactSizeIterator<Item = &'a Column>) -> String {
    const SHOWN: usize = 12;
    let more = columns.len().saturating_sub(SHOWN);
    let mut text = columns.take(SHOWN).map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
