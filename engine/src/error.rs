//! What can go wrong in the engine, said so that a person can act on it.

use std::path::PathBuf;

use datafusion::error::DataFusionError;

/// The result of an engine call.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

/// Everything the engine itself can report. Across DataFusion's trait boundaries it travels as
/// [`DataFusionError::External`]; [`EngineError::find`] gets it back.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A setting got a value it cannot take.
    #[error("setting '{name}' ({origin}): {reason}")]
    Setting {
        /// The full name of the setting.
        name: String,
        /// Where the value came from.
        origin: String,
        /// Why it is refused, and what would do.
        reason: String,
    },
    /// No setting has this name.
    #[error("there is no setting '{name}' ({origin}){hint}; `strata config` lists them all")]
    UnknownSetting {
        /// The name that was given.
        name: String,
        /// Where it came from.
        origin: String,
        /// `: did you mean 'x'?`, or nothing.
        hint: String,
    },
    /// Nothing is shown in a format of this name.
    #[error("there is no format '{name}'; the formats are {known}")]
    UnknownFormat {
        /// The name that was given.
        name: String,
        /// Those there are.
        known: String,
    },
    /// A settings file cannot be read.
    #[error("settings file '{path}': {reason}")]
    SettingsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// The folder for spill files cannot be used.
    #[error(
        "spill folder '{path}': {source}; choose another with --spill-dir or the setting spill.directory"
    )]
    Spill {
        /// The folder.
        path: PathBuf,
        /// Why it cannot be used.
        source: std::io::Error,
    },
    /// The disk or the spill limit was reached.
    #[error(
        "out of spill space in '{path}': {reason}; \
         free some, raise spill.limit, or choose another folder with --spill-dir"
    )]
    SpillSpace {
        /// The folder.
        path: PathBuf,
        /// What was refused.
        reason: String,
    },
    /// The memory limit was reached by something that cannot do with less.
    #[error("{0}")]
    OutOfMemory(String),
    /// Something about the pool: who is not there, or does not let us in, or cannot go on.
    #[error("{0}")]
    Pool(String),
    /// A process of the pool does not take this one, and asking again is of no use.
    #[error("{address} does not let us in: {reason}")]
    NotLetIn {
        /// Who was asked.
        address: String,
        /// What it said, and what would do.
        reason: String,
    },
    /// A verb of the dataframe language was used wrongly.
    #[error(transparent)]
    Frame(#[from] crate::frame::FrameError),
    /// Something about an array.
    #[error(transparent)]
    Array(#[from] crate::array::ArrayError),
    /// DataFusion's own error.
    #[error(transparent)]
    DataFusion(Box<DataFusionError>),
}

impl From<DataFusionError> for EngineError {
    /// Unwraps an engine error that crossed DataFusion, so that nothing is wrapped twice.
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(source) => match source.downcast::<EngineError>() {
                Ok(engine) => *engine,
                Err(source) => Self::DataFusion(Box::new(DataFusionError::External(source))),
            },
            other => Self::DataFusion(Box::new(other)),
        }
    }
}

impl From<EngineError> for DataFusionError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::DataFusion(inner) => *inner,
            other => DataFusionError::External(Box::new(other)),
        }
    }
}

impl EngineError {
    /// The engine error inside a DataFusion error, however deep it lies.
    pub fn find(error: &DataFusionError) -> Option<&EngineError> {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(current) = source {
            if let Some(found) = current.downcast_ref::<EngineError>() {
                return Some(found);
            }
            source = current.source();
        }
        None
    }
}

/// The candidate closest to `name`, if one is close enough to be what was meant.
///
/// ```
/// assert_eq!(strata_engine::nearest("group_bye", ["filter", "group_by"]), Some("group_by"));
/// assert_eq!(strata_engine::nearest("zzz", ["filter", "group_by"]), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= 1 + candidate.chars().count().max(name.chars().count()) / 4
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
