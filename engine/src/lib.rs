//! The engine of Strata: a DataFusion session with Strata's defaults, the verbs of its dataframe
//! language, the seam by which connectors add themselves, and the runner that turns a plan into a
//! stream of record batches.
//!
//! It knows no SQL text and no file format. Those live in `strata` and `strata-connectors`, which
//! both point here and never the other way.

mod array;
mod cluster;
mod config;
mod error;
mod extension;
mod frame;
mod functions;
mod kernels;
mod layers;
mod lazy;
mod logical;
mod memory_table;
mod optimize;
mod physical;
mod program;
mod run;
mod session;
mod text;
mod wire;

pub use array::buffers;
pub use array::{
    ArrayError, ArraySource, Cuts, DType, Extent, Form, Grid, Kind, Memory as InMemory, Native,
    Pieces, PiecesInMemory, Region, Tensor, Unit, cells, shape_of,
};
pub use cluster::{
    Adaptive, Address, ByCommand, BySsh, Ended, JobRow, Local, LocalWorkers, Pool, PoolExec,
    Processes, Provision, Scheduler, SchedulerOptions, Security, Tls, Token, VERSION, Worker,
    WorkerCommand, WorkerOptions, WorkerRow,
};
pub use config::{
    ByteSize, Compression, FlightOptions, MemoryLimit, Origin, Setting, Settings, Span,
    StrataOptions, options_of, physical_memory,
};
pub use error::{EngineError, Result, nearest};
pub use extension::{Extension, SessionParts, WriteTarget, WriteTransaction};

pub use frame::{
    AsofJoin, Frame, FrameError, Grouped, PivotColumn, Placed, Reach, Rolling, SampleSize, Unpivot,
    asof_join, from_rows, is_sorted, join_using, pivot, sample, summarize, unpivot,
};
pub use kernels::{
    Binary, Bits, Block, Distribution, Interpolation, Moving, Reduce, Scan, Slice, Unary,
};
pub use layers::{
    Device, Estimate, Feed, Fingerprint, Layer, LayerFormat, LayerGraph, LayerId, Measured, Memory,
    Operator, Work,
};
pub use lazy::{
    Array, ArrayFormat, Attributes, Bins, Boundary, Chosen, ChunkKernel, Compressed, DatePart,
    Index, Labelled, Norm, Pad, Period, Places, Scalar, cut_evenly,
};
pub use logical::{ArrayNode, CellTable, Nulls, Variable};
pub use memory_table::{HeldRows, MemoryTable, is_in_memory};
pub use optimize::{ArrayRule, Without};
pub use physical::{
    AtomicWriteExec, CellsExec, CombineChunksExec, CompactExec, DiagnosedExec, GatherChunksExec,
    LookUpExec, MapChunksExec, PackedExec, PlaceColumn, ScatterChunksExec, SharedExec, SkimExec,
    VerifiedExec, WindowByPartitionExec,
};
pub use physical::{coordinate_column, tensor_field};
pub use run::{
    Execution, LocalRunner, Planned, PoolRunner, Progress, Ready, Runner, ScanProgress, Scratch,
};
pub use session::{SessionBuilder, SessionSettings};
pub use text::{counted, thousands};
pub use wire::{FindsSource, Wire, WireLink, WireNode};
