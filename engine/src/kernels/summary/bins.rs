//! Bins: half open, but for the last, which has its right edge, too. As NumPy has it.

use serde::{Deserialize, Serialize};

use super::counts::Finds;
use crate::array::Kind;
use crate::kernels::element::Value;
use crate::kernels::floats::Floats;

/// Where bins begin and end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edges {
    edges: Floats,
    /// Whether all bins are equally wide.
    even: bool,
}

/// More bins than this are a mistake.
const MOST: u64 = 1 << 26;

impl Edges {
    /// So many bins of equal width.
    pub(crate) fn even(bins: u64, low: f64, high: f64) -> Result<Self, String> {
        if bins == 0 || bins > MOST {
            return Err(format!("a histogram has 1 to {MOST} bins, not {bins}"));
        }
        if !(low.is_finite() && high.is_finite() && low <= high && (high - low).is_finite()) {
            return Err(format!(
                "the range of bins goes from a number to a greater one, not from {low} to {high}"
            ));
        }
        let (low, high) = if low == high { (low - 0.5, high + 0.5) } else { (low, high) };
        let step = (high - low) / bins as f64;
        let mut edges: Vec<f64> = (0..=bins).map(|at| low + step * at as f64).collect();
        if let Some(last) = edges.last_mut() {
            *last = high;
        }
        let edges = Self { edges: Floats(edges.into()), even: true };
        edges.check().map(|()| edges)
    }

    /// Bins between these.
    pub(crate) fn between(edges: &[f64]) -> Result<Self, String> {
        let edges = Self { edges: edges.into(), even: false };
        edges.check().map(|()| edges)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let edges = &self.edges.0;
        if edges.len() < 2 || edges.len() as u64 > MOST + 1 {
            return Err(format!("a histogram has 2 to {} edges, not {}", MOST + 1, edges.len()));
        }
        let ordered = edges.iter().zip(edges.iter().skip(1)).all(|(a, b)| a <= b);
        match ordered {
            true => Ok(()),
            false => Err("the edges of bins increase".to_string()),
        }
    }

    pub(super) fn bins(&self) -> u64 {
        (self.edges.0.len() as u64).saturating_sub(1)
    }

    /// The edges, as values of a kind have them.
    pub(crate) fn of_kind(&self, kind: Kind) -> Vec<f64> {
        let narrow = |edge: &f64| if kind == Kind::F32 { f64::from(*edge as f32) } else { *edge };
        self.edges.0.iter().map(narrow).collect()
    }

    pub(super) fn finder(&self, kind: Kind) -> Finder {
        let edges = match self.even {
            // Those that somebody has written stay as they are.
            true => self.of_kind(kind),
            false => self.edges.0.to_vec(),
        };
        let (first, last) = match &edges[..] {
            [first, .., last] => (*first, *last),
            _ => (0.0, 0.0),
        };
        let bins = edges.len().saturating_sub(1);
        let per_bin = self.even.then(|| bins as f64 / (last - first));
        Finder { edges, first, last, bins, per_bin }
    }
}

/// Finds the bin of a value.
pub(super) struct Finder {
    edges: Vec<f64>,
    first: f64,
    last: f64,
    bins: usize,
    /// How many bins go into one, where all are equally wide.
    per_bin: Option<f64>,
}

impl Finds for Finder {
    #[inline]
    fn find<V: Value>(&self, value: V) -> Result<Option<usize>, ()> {
        let value = value.wide();
        if !(value >= self.first && value <= self.last) {
            return Ok(None);
        }
        let edge = |at: usize| self.edges.get(at).copied().unwrap_or(f64::INFINITY);
        let last = self.bins - 1;
        Ok(Some(match self.per_bin {
            Some(per_bin) => {
                let guess = (((value - self.first) * per_bin) as usize).min(last);
                // Rounding may have led beside an edge.
                if value < edge(guess) {
                    guess.saturating_sub(1)
                } else if guess < last && value >= edge(guess + 1) {
                    guess + 1
                } else {
                    guess
                }
            }
            None => self.edges.partition_point(|edge| *edge <= value).saturating_sub(1).min(last),
        }))
    }
}
