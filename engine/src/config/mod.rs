//! Every setting: typed, documented, with one default and one name.
//!
//! A setting is a field below; its doc comment is its documentation in `strata config`, in
//! `SHOW SETTINGS` and in the reference page. DataFusion's own settings stand beside them under
//! `datafusion.`. Where a value came from is kept by [`Settings`].

mod compression;
mod in_force;
mod memory;
mod origins;
mod size;
mod span;

use std::path::PathBuf;

use datafusion::common::config::{ConfigExtension, ConfigField, Visit};
use datafusion::common::{config_namespace, extensions_options};
use datafusion::config::ConfigOptions;

pub use compression::Compression;
pub use memory::{MemoryLimit, physical_memory};
pub use origins::{Origin, Setting, Settings};
pub use size::ByteSize;
pub use span::Span;

use crate::optimize::Without;

extensions_options! {
    /// Strata's own settings.
    pub struct StrataOptions {
        /// How much memory queries may use, and how.
        pub memory: MemoryOptions, default = MemoryOptions::default()
        /// What happens when memory is not enough.
        pub spill: SpillOptions, default = SpillOptions::default()
        /// Queries on a pool of workers.
        pub pool: PoolOptions, default = PoolOptions::default()
        /// Arrays.
        pub array: ArrayOptions, default = ArrayOptions::default()
        /// Reading files.
        pub files: FileOptions, default = FileOptions::default()
        /// What `strata serve` answers.
        pub flight: FlightOptions, default = FlightOptions::default()
        /// The shell and what it prints.
        pub shell: ShellOptions, default = ShellOptions::default()
    }
}

impl ConfigExtension for StrataOptions {
    const PREFIX: &'static str = "strata";
}

config_namespace! {
    /// How much memory queries may use, and how.
    pub struct MemoryOptions {
        /// The memory this process may use: a size such as '2GiB', or a share such as '70%' of what the machine or its cgroup has. Sorts, joins, aggregations and windows spill to disk to stay within it.
        pub limit: MemoryLimit, default = MemoryLimit::Share(70)
    }
}

config_namespace! {
    /// What happens when memory is not enough.
    pub struct SpillOptions {
        /// The folder for spill files; the system's temporary folder when empty. The files have no names there, and are gone when the process ends, however it ends.
        pub directory: String, default = String::new()
        /// The most disk space that spill files may take together.
        pub limit: ByteSize, default = ByteSize(100 << 30)
    }
}

config_namespace! {
    /// Queries on a pool of workers.
    pub struct PoolOptions {
        /// A query that reads no more than this is run by one worker alone: spreading it would take longer than running it.
        pub small: ByteSize, default = ByteSize(8 << 20)
        /// How many parts a query is cut into; one for each core of the pool when 0. More parts take less memory each, and spread more evenly over workers of different speed.
        pub parts: usize, default = 0
    }
}

config_namespace! {
    /// Arrays.
    pub struct ArrayOptions {
        /// What is read for chunks that lie otherwise than the chunks it is stored in, is read once and exchanged, where each chunk by itself would read more than this again; always when 0.
        pub exchange: ByteSize, default = ByteSize(16 << 20)
        /// How much of what is exchanged stays in memory, all tasks of a process together, but no more than an eighth of what operators may have; the rest waits on disk.
        pub pieces: ByteSize, default = ByteSize(64 << 20)
        /// How much of what an expression reads several times stays in memory from one time to the next, as in x - x.mean(): no more than half of memory.limit, and what the chunks at work leave of it.
        pub keep: ByteSize, default = ByteSize(384 << 20)
        /// Rules of arrays that are left out, with commas between them, to find out what one of them does: no answer depends on them. The page on arrays lists them.
        pub without: Without, default = Without::default()
    }
}

config_namespace! {
    /// Reading files.
    pub struct FileOptions {
        /// How much of a CSV file is read to detect its delimiter, its header and its types.
        pub sniff: ByteSize, default = ByteSize(1 << 20)
        /// The folders and URLs that this process may use, with commas between them; everything when empty. It holds from the start of the process: a scheduler or worker that is told what to read by others can be kept to what they may see.
        pub allow: String, default = String::new()
    }
}

config_namespace! {
    /// What `strata serve` answers.
    pub struct FlightOptions {
        /// How long a statement may take, its wait for others included: a time such as '30s' or '5min'; as long as it takes when 0s.
        pub timeout: Span, default = Span::NONE
        /// The most rows of a result; as many as there are when 0. A result with more is an error.
        pub rows: u64, default = 0
        /// The most bytes of a result, as they are in memory; as many as there are when 0.
        pub bytes: ByteSize, default = ByteSize(0)
        /// How large a message with rows is made: results are split between rows. A row that is larger by itself goes out whole.
        pub message: ByteSize, default = ByteSize(2 << 20)
        /// How rows are compressed on their way: none, lz4 or zstd.
        pub compression: Compression, default = Compression::None
        /// Send texts and lists as views, as they are computed, to a client that reads them; as plain texts and lists otherwise.
        pub views: bool, default = false
        /// Send an array that is asked for as tensors, a row for each place along its first dimension, and not as rows of cells.
        pub tensors: bool, default = false
        /// How many parts, each an endpoint, a large result of a pool has, for clients that fetch them side by side: no more than the pool has cores. 1 keeps results whole.
        pub endpoints: usize, default = 8
        /// How many statements of all clients run at once; twice as many as there are cores when 0. The others wait in order. It holds from the start of the process.
        pub running: usize, default = 0
        /// How many statements may wait; one more is refused. It holds from the start of the process.
        pub waiting: usize, default = 1000
        /// How long a statement waits for others before it is refused. It holds from the start of the process.
        pub patience: Span, default = Span::seconds(60)
        /// How many prepared statements a session may have, and how many results that were not fetched. It holds from the start of the process.
        pub statements: usize, default = 1000
        /// How many sessions there may be. It holds from the start of the process.
        pub sessions: usize, default = 1000
        /// How long a session lasts that nobody uses, with its settings, statements and results; and a result that nobody fetches. It holds from the start of the process.
        pub idle: Span, default = Span::seconds(1800)
        /// How long what runs may go on when the server is told to stop. It holds from the start of the process.
        pub grace: Span, default = Span::seconds(20)
        /// The longest statement that is read. It holds from the start of the process.
        pub text: ByteSize, default = ByteSize(1 << 20)
    }
}

config_namespace! {
    /// The shell and what it prints.
    pub struct ShellOptions {
        /// The output format when none is asked for: box on a terminal.
        pub format: String, default = "box".to_string()
        /// How NULL is printed in tables.
        pub null: String, default = "NULL".to_string()
        /// The most rows of a result that a table on the terminal shows; 0 shows all of them.
        pub rows: usize, default = 40
        /// Show a progress bar on a terminal for whatever takes over a second.
        pub progress: bool, default = true
        /// The pager for results larger than the screen; empty turns paging off. PAGER is used when it says 'auto'.
        pub pager: String, default = "auto".to_string()
        /// Print how long each statement took.
        pub timer: bool, default = false
        /// How many lines of history are kept on disk.
        pub history: usize, default = 10_000
    }
}

impl SpillOptions {
    /// The folder in which spill files are made.
    pub fn root(&self) -> PathBuf {
        if self.directory.is_empty() {
            std::env::temp_dir()
        } else {
            PathBuf::from(&self.directory)
        }
    }
}

/// Strata's options within a session's configuration; the defaults where a session was built
/// without them.
pub fn options_of(config: &ConfigOptions) -> StrataOptions {
    config.extensions.get::<StrataOptions>().cloned().unwrap_or_default()
}

/// Makes a type that prints and parses itself usable as a field of an options struct.
macro_rules! config_value {
    ($type:ty) => {
        impl ConfigField for $type {
            fn visit<V: Visit>(&self, visitor: &mut V, key: &str, description: &'static str) {
                visitor.some(key, self, description);
            }

            fn set(&mut self, _key: &str, value: &str) -> datafusion::error::Result<()> {
                *self = value.parse().map_err(datafusion::error::DataFusionError::Configuration)?;
                Ok(())
            }
        }
    };
}
config_value!(ByteSize);
config_value!(MemoryLimit);
config_value!(Without);
config_value!(Span);
config_value!(Compression);
