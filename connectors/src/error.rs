//! What can go wrong between a path and a table. Every message names the thing, the reason and the
//! way out.

use datafusion::error::DataFusionError;

use crate::check::Fault;
use crate::stores::NotAllowed;

/// The result of a call of this crate.
pub type Result<T, E = ConnectorError> = std::result::Result<T, E>;

/// Everything this crate can report. Across DataFusion's trait boundaries it travels as
/// [`DataFusionError::External`]; [`ConnectorError::find`] gets it back.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// A place that may not be used.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// A file or folder is not there.
    #[error("{what} '{path}' does not exist in '{folder}'{hint}")]
    NoSuchFile {
        /// A file or a folder.
        what: &'static str,
        /// Its name.
        path: String,
        /// Where it was looked for.
        folder: String,
        /// What was probably meant.
        hint: String,
    },
    /// An object is not in its store.
    #[error("'{url}' does not exist{hint}")]
    NoSuchObject {
        /// Its URL.
        url: String,
        /// What was probably meant.
        hint: String,
    },
    /// A glob matches no file.
    #[error("no file matches '{pattern}' in '{folder}'; check the pattern and the folder")]
    NothingMatches {
        /// The pattern as it was written.
        pattern: String,
        /// Where it was looked for.
        folder: String,
    },
    /// A folder has no file to read.
    #[error(
        "folder '{path}' holds no {kind} to read (hidden, '_'-prefixed and empty files are skipped); \
         put files there, or give the columns in CREATE EXTERNAL TABLE"
    )]
    EmptyFolder {
        /// The folder.
        path: String,
        /// What was looked for.
        kind: String,
    },
    /// A file has no bytes.
    #[error(
        "{kind} file '{path}' is empty (0 bytes), so it has no columns; \
         write it again, or leave it out"
    )]
    EmptyFile {
        /// The file.
        path: String,
        /// What it should be.
        kind: String,
    },
    /// The system refuses to read.
    #[error("permission denied reading '{path}'; check who may read it and its folder")]
    PermissionDenied {
        /// The file or folder.
        path: String,
    },
    /// Files of several formats under one path.
    #[error(transparent)]
    MixedFormats(Box<MixedFormats>),
    /// A file is not what its reader expects.
    #[error("{}", .fault.about(.path))]
    Fault {
        /// The file.
        path: String,
        /// What is wrong, where, and what to do.
        fault: Fault,
    },
    /// A file was replaced while a query read it.
    #[error(
        "'{path}' was replaced while it was read, and an answer might mix the old and the new; run it again"
    )]
    Changed {
        /// The file.
        path: String,
    },
    /// Two files of one table disagree.
    #[error(
        "column '{column}' is {first_type} in '{first}' and {second_type} in '{second}'; \
         read the two apart with CAST and UNION ALL, or give the column's type in \
         CREATE EXTERNAL TABLE"
    )]
    SchemaConflict {
        /// The column.
        column: String,
        /// A file.
        first: String,
        /// The type there.
        first_type: String,
        /// Another file.
        second: String,
        /// The type there.
        second_type: String,
    },
    /// Files of one table, read by the places of their columns, have different ones.
    #[error(
        "'{first}' has the columns ({first_columns}) and '{second}' has ({second_columns}); \
         CSV and Arrow files of one table need the same columns in the same order: read them apart and \
         UNION ALL BY NAME"
    )]
    HeaderConflict {
        /// A file.
        first: String,
        /// Its columns.
        first_columns: String,
        /// Another file.
        second: String,
        /// Its columns.
        second_columns: String,
    },
    /// A scheme nobody here speaks.
    #[error(
        "'{url}': there is no store for '{scheme}://'{hint}; \
         known are file, s3, gs, az, abfss, http and https"
    )]
    UnknownScheme {
        /// The URL.
        url: String,
        /// Its scheme.
        scheme: String,
        /// What was probably meant.
        hint: String,
    },
    /// A URL that cannot be used as it stands.
    #[error("'{url}': {reason}")]
    Url {
        /// The URL.
        url: String,
        /// Why, and what would do.
        reason: String,
    },
    /// A store did not do what was asked.
    #[error("'{url}': {reason}; {remedy}")]
    Store {
        /// The object or the store.
        url: String,
        /// What it answered.
        reason: String,
        /// What to try.
        remedy: String,
    },
    /// A write that would mix with what is there.
    #[error(
        "'{path}' already holds {kind} files such as '{example}'; \
         add OPTIONS ('overwrite' 'true') to replace them or ('append' 'true') to add to them"
    )]
    TargetNotEmpty {
        /// The folder.
        path: String,
        /// What it holds.
        kind: String,
        /// One of them.
        example: String,
    },
    /// A place that cannot be written.
    #[error("cannot write '{path}': {reason}")]
    Target {
        /// The place.
        path: String,
        /// Why, and what would do.
        reason: String,
    },
    /// A write that failed half-way; nothing of it is visible.
    #[error("cannot write '{path}': {reason}; nothing has been changed")]
    Write {
        /// The file that could not be written.
        path: String,
        /// Why.
        reason: String,
    },
    /// An option nobody reads.
    #[error("there is no option '{option}' for {what}{hint}")]
    UnknownOption {
        /// What the options are for.
        what: String,
        /// The name that was given.
        option: String,
        /// What was probably meant, or all there are.
        hint: String,
    },
    /// An option with a value it cannot take.
    #[error("option '{option}': {reason}")]
    Option {
        /// The option.
        option: String,
        /// Why it is refused, and what would do.
        reason: String,
    },
    /// A secret that cannot be added or dropped.
    #[error("secret '{name}': {reason}")]
    Secret {
        /// Its name.
        name: String,
        /// Why, and what would do.
        reason: String,
    },
    /// DataFusion's own error.
    #[error(transparent)]
    DataFusion(Box<DataFusionError>),
}

/// Files of several formats under one path.
#[derive(Debug, thiserror::Error)]
#[error(
    "'{path}' mixes formats: '{first}' is {first_kind}, '{second}' is {second_kind}; \
     name one kind with a glob such as '{glob}'"
)]
pub struct MixedFormats {
    /// What was opened.
    pub path: String,
    /// A file.
    pub first: String,
    /// What it is.
    pub first_kind: String,
    /// A file of another format.
    pub second: String,
    /// What that is.
    pub second_kind: String,
    /// A glob that names one of the two.
    pub glob: String,
}

impl From<DataFusionError> for ConnectorError {
    /// Unwraps an error of ours that crossed DataFusion, so that nothing is wrapped twice.
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(source) => match source.downcast::<ConnectorError>() {
                Ok(ours) => *ours,
                Err(source) => Self::DataFusion(Box::new(DataFusionError::External(source))),
            },
            other => Self::DataFusion(Box::new(other)),
        }
    }
}

impl From<ConnectorError> for DataFusionError {
    fn from(error: ConnectorError) -> Self {
        match error {
            ConnectorError::DataFusion(inner) => *inner,
            other => DataFusionError::External(Box::new(other)),
        }
    }
}

impl ConnectorError {
    /// The error of this crate inside a DataFusion error, however deep it lies.
    pub fn find(error: &DataFusionError) -> Option<&ConnectorError> {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(current) = source {
            if let Some(found) = current.downcast_ref::<ConnectorError>() {
                return Some(found);
            }
            source = current.source();
        }
        None
    }

    /// Says what a store answered about `shown`, in words a person can act on.
    pub(crate) fn from_store(shown: &str, error: &object_store::Error) -> Self {
        use object_store::Error as E;
        let text = chain(error);
        let url = shown.to_string();
        let denied = text.contains("ermission denied");
        match error {
            E::NotFound { .. } if !shown.contains("://") => {
                let path = std::path::Path::new(shown);
                let folder = path.parent().unwrap_or(path);
                Self::NoSuchFile {
                    what: "file",
                    path: shown.to_string(),
                    folder: std::path::absolute(folder)
                        .unwrap_or_else(|_| folder.to_path_buf())
                        .display()
                        .to_string(),
                    hint: String::new(),
                }
            }
            E::NotFound { .. } => Self::NoSuchObject { url, hint: String::new() },
            E::PermissionDenied { .. } | E::Unauthenticated { .. } if shown.contains("://") => {
                Self::Store {
                    url,
                    reason: "the store refuses these credentials".to_string(),
                    remedy: "check the environment variables of the store, or CREATE SECRET with \
                             others"
                        .to_string(),
                }
            }
            _ if denied && !shown.contains("://") => Self::PermissionDenied { path: url },
            _ if text.contains("169.254.169.254") || text.contains("metadata.google.internal") => {
                Self::Store {
                    url,
                    reason: "no credentials were found".to_string(),
                    remedy: "set the store's environment variables (AWS_ACCESS_KEY_ID and \
                             AWS_SECRET_ACCESS_KEY, …) or CREATE SECRET; for a public bucket, a \
                             secret with anonymous 'true'"
                        .to_string(),
                }
            }
            _ if ["error sending request", "onnection refused", "dns error", "timed out"]
                .iter()
                .any(|sign| text.contains(sign)) =>
            {
                Self::Store {
                    url,
                    reason: format!("the server cannot be reached ({})", innermost(error)),
                    remedy: "check the address, the endpoint and the network".to_string(),
                }
            }
            _ => Self::Store {
                url,
                reason: innermost(error),
                remedy: "try again, or check that the path and the store's settings are right"
                    .to_string(),
            },
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(current) = source {
        text.push_str(": ");
        text.push_str(&current.to_string());
        source = current.source();
    }
    text
}

/// The last cause: the outer ones mostly repeat it.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
