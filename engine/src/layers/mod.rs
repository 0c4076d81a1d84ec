//! A plan as a small graph of layers: what runs in one go on each part of the data (blockwise), what
//! moves rows between parts (shuffle), and what brings parts together (reduction).
//!
//! ```text
//! ExecutionPlan ──cut at its exchanges──▶ LayerGraph ──▶ tree, dot, svg, json
//!                    │ estimates, memory, fingerprints      ▲
//!                    └────── metrics, once it has run ───────┘
//! ```
//!
//! A view: nothing is planned here, and whoever runs the plan, on this machine or on a pool, runs
//! these layers.

mod cut;
mod estimate;
mod explain;
mod fingerprint;
mod graph;
mod measured;
mod memory;

pub(crate) use cut::is_plumbing;
pub use estimate::Estimate;
pub use explain::LayerFormat;
pub use fingerprint::Fingerprint;
pub(crate) use fingerprint::is_volatile;
pub use graph::{Device, Feed, Layer, LayerGraph, LayerId, Operator, Work};
pub use measured::Measured;
pub(crate) use measured::{OperatorMetrics, metrics_of};
pub use memory::Memory;
pub(crate) use memory::holds;
