//! The graph and its parts.

use std::fmt;
use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use serde::{Deserialize, Serialize};

use super::cut;
use super::estimate::Estimate;
use super::fingerprint::Fingerprint;
use super::measured::{Measured, OperatorMetrics};
use crate::error::{EngineError, Result};

/// The number of a layer in its graph. A layer's inputs have smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LayerId(pub(super) usize);

impl fmt::Display for LayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a layer is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Work {
    /// The same operators on every part, none of which needs another part.
    Blockwise,
    /// Rows with equal keys come to the same part.
    Shuffle {
        /// The keys, as expressions on the input's columns.
        keys: Vec<String>,
        /// How many parts there are afterwards.
        fan_out: usize,
    },
    /// What was made in parts is brought together.
    Reduction,
}

impl Work {
    /// One word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Blockwise => "blockwise",
            Self::Shuffle { .. } => "shuffle",
            Self::Reduction => "reduction",
        }
    }
}

/// What computes a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// This machine's, or a worker's, cores.
    Cpu,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
        })
    }
}

/// One operator of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// Its name in the plan, without the `Exec` behind.
    pub name: String,
    /// What it does, as the plan has it.
    pub detail: String,
}

/// Where a layer's rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// The layer that makes them.
    pub layer: LayerId,
    /// Whether each task is given all of them, and not a part.
    pub to_all: bool,
}

/// A part of a plan that runs without moving rows between tasks, or the move itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Its number.
    pub id: LayerId,
    /// What it is for.
    #[serde(flatten)]
    pub work: Work,
    /// What it does, in the order in which rows pass; none for a shuffle.
    pub operators: Vec<Operator>,
    /// Where its rows come from; empty if it reads them.
    pub inputs: Vec<Feed>,
    /// How many tasks do the same to their parts.
    pub tasks: usize,
    /// What computes it.
    pub device: Device,
    /// What is expected of it.
    pub estimate: Estimate,
    /// The same for the same work on the same data.
    pub fingerprint: Fingerprint,
    /// What it came to, once it has run.
    pub measured: Option<Measured>,
}

/// A plan as layers, sources first; the last one makes the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerGraph {
    pub(super) layers: Vec<Layer>,
}

impl LayerGraph {
    /// Cuts a plan at its exchanges.
    pub fn of(plan: &Arc<dyn ExecutionPlan>) -> Result<Self> {
        let counted = |node: &Arc<dyn ExecutionPlan>| OperatorMetrics::of(node.as_ref());
        Ok(Self { layers: cut::layers(plan, &counted)? })
    }

    /// Cuts a plan whose operators ran elsewhere, and counted this.
    pub(crate) fn of_run(
        plan: &Arc<dyn ExecutionPlan>,
        counted: &dyn Fn(&Arc<dyn ExecutionPlan>) -> Option<OperatorMetrics>,
    ) -> Result<Self> {
        let mut graph = Self { layers: cut::layers(plan, counted)? };
        for layer in &mut graph.layers {
            layer.measured.get_or_insert_default();
        }
        Ok(graph)
    }

    /// All of it, for another process.
    pub(crate) fn to_json(&self) -> String {
        // Nothing in a graph is a map with keys that are no texts, which is all that could fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What another process sent.
    pub(crate) fn from_json(json: &str) -> Result<Self> {
        serde_json::from_str(json)
            .map_err(|error| EngineError::Pool(format!("these are no layers: {error}")))
    }

    /// Adds what a plan's layers came to, after it has run. It need not be the plan of this graph: a
    /// second try runs another, which is then shown instead.
    pub fn measure(&mut self, ran: &Arc<dyn ExecutionPlan>) -> Result<()> {
        let mut after = Self::of(ran)?;
        let alike = |before: &Layer, after: &Layer| {
            before.operators.iter().map(|o| &o.name).eq(after.operators.iter().map(|o| &o.name))
        };
        let same = self.layers.len() == after.layers.len()
            && self.layers.iter().zip(&after.layers).all(|(before, after)| alike(before, after));
        if same {
            // Filters that were found on the way are no other work.
            for (before, after) in self.layers.iter().zip(&mut after.layers) {
                after.fingerprint = before.fingerprint;
                after.operators.clone_from(&before.operators);
            }
        }
        self.layers = after.layers;
        for layer in &mut self.layers {
            layer.measured.get_or_insert_default();
        }
        Ok(())
    }

    /// The most that a task of any layer is expected to hold and cannot write to disk, in bytes.
    pub(crate) fn most_held(&self) -> u64 {
        let projected = self.layers.iter().filter_map(|layer| layer.estimate.memory);
        projected.filter(|memory| !memory.spills).map(|memory| memory.bytes).max().unwrap_or(0)
    }

    /// What all tasks together are expected to hold, in bytes, as far as it is known: what cannot be written to
    /// disk, and the most that one layer would keep in memory otherwise.
    pub fn projected(&self) -> u64 {
        let (mut held, mut spilled) = (0u64, 0u64);
        for layer in &self.layers {
            let Some(memory) = layer.estimate.memory else { continue };
            let bytes = memory.bytes.saturating_mul(layer.tasks.max(1) as u64);
            match memory.spills {
                true => spilled = spilled.max(bytes),
                false => held = held.saturating_add(bytes),
            }
        }
        held.saturating_add(spilled)
    }

    /// The layers, sources first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// A layer.
    pub fn layer(&self, id: LayerId) -> Option<&Layer> {
        self.layers.get(id.0)
    }

    /// The layer that makes the answer.
    pub fn last(&self) -> Option<&Layer> {
        self.layers.last()
    }
}
