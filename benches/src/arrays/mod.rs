//! Arrays beside their peers. A case is a file here and one of the same name in `peers/arrays`, and a line
//! in `CASES`.
//!
//! ```text
//! compare ──▶ store: those that are missing are made
//!        └──▶ rounds: each engine in turn ──▶ a process: warm-up at a tiny scale, then the work, timed
//!                      ours: this program, `one`          peers: peers/arrays_worker.py
//! ```

mod anomaly;
mod case;
mod cell;
mod chain;
mod climatology;
mod cohort;
mod compare;
mod cube;
mod deconvolution;
mod genotypes;
mod in_memory;
mod matrices;
mod mean;
mod packed;
mod principal;
mod reading;
mod rechunk;
mod run;
mod series;
mod slice;
mod sql;
mod stack;
mod store;
mod table;
mod tiny_chunks;
mod transpose;

use case::Case;
pub use compare::{Arguments, compare};
pub use run::{One, one};

/// What goes wrong, for people to read.
pub type Problem = Box<dyn std::error::Error + Send + Sync>;
/// What may go wrong.
pub type Result<T> = std::result::Result<T, Problem>;

/// All cases, in the order of the table.
const CASES: &[&Case] = &[
    &mean::CASE,
    &anomaly::CASE,
    &climatology::CASE,
    &sql::ASKED,
    &sql::ROWS,
    &sql::XARRAY,
    &in_memory::CASE,
    &cell::ALL_TIMES,
    &cell::ONE_TIME,
    &rechunk::CASE,
    &transpose::ONES,
    &transpose::RANDOM,
    &matrices::PRODUCT,
    &matrices::SVD,
    &matrices::TALL,
    &matrices::COMPRESSED,
    &deconvolution::CASE,
    &slice::CASE,
    &tiny_chunks::CASE,
    &tiny_chunks::EACH,
    &chain::CASE,
    &reading::CASE,
    &genotypes::CASE,
    &packed::TWO_BITS,
    &packed::CODEC,
    &principal::CASE,
    &principal::FULL,
    &stack::CASE,
    &stack::FULL,
    &series::CASE,
    &series::FULL,
];
