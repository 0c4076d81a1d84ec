//! What a layer came to, read from the metrics of its operators.

use std::sync::Arc;
use std::time::Duration;

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::{MetricValue, MetricsSet};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a layer came to, over all its tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Rows that came in, or were read.
    pub rows_in: Option<u64>,
    /// Bytes that were read from files.
    pub bytes_read: Option<u64>,
    /// Rows that went out.
    pub rows_out: Option<u64>,
    /// Their bytes in memory, where operators count them.
    pub bytes_out: Option<u64>,
    /// Time that operators spent computing, on all cores.
    #[serde(serialize_with = "seconds", deserialize_with = "of_seconds")]
    pub compute: Duration,
    /// Bytes that were written to disk for want of memory.
    pub spilled: u64,
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

fn of_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
}

/// What one operator counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct OperatorMetrics {
    pub(super) rows: Option<u64>,
    pub(super) bytes: Option<u64>,
    pub(super) read: Option<u64>,
    compute: Duration,
    spilled: u64,
}

/// What the operators of a plan counted, from the top, each before its inputs.
pub(crate) fn metrics_of(plan: &Arc<dyn ExecutionPlan>) -> Vec<Option<OperatorMetrics>> {
    let mut counted = vec![OperatorMetrics::of(plan.as_ref())];
    for input in plan.children() {
        counted.extend(metrics_of(input));
    }
    counted
}

impl OperatorMetrics {
    /// Adds what the same operator counted elsewhere.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            rows: sum_of(self.rows, other.rows),
            bytes: sum_of(self.bytes, other.bytes),
            read: sum_of(self.read, other.read),
            compute: self.compute + other.compute,
            spilled: self.spilled + other.spilled,
        }
    }

    /// None if the operator has not run.
    pub(super) fn of(plan: &dyn ExecutionPlan) -> Option<Self> {
        let metrics = plan.metrics().filter(|metrics| metrics.iter().next().is_some())?;
        let spilled = metrics.spilled_bytes().unwrap_or(0) as u64;
        let compute = Duration::from_nanos(metrics.elapsed_compute().unwrap_or(0) as u64);
        let counted = |wanted: fn(&MetricValue) -> bool| sum(&metrics, wanted);
        Some(Self {
            rows: counted(|value| matches!(value, MetricValue::OutputRows(_))),
            bytes: counted(|value| matches!(value, MetricValue::OutputBytes(_))),
            read: counted(|value| value.name() == "bytes_scanned"),
            compute,
            spilled,
        })
    }
}

fn sum(metrics: &MetricsSet, wanted: fn(&MetricValue) -> bool) -> Option<u64> {
    let found = metrics.iter().filter(|metric| wanted(metric.value()));
    found.map(|metric| metric.value().as_usize() as u64).reduce(|a, b| a + b)
}

impl Measured {
    /// Adds what an operator of the layer counted; the last one added is the one above all.
    pub(super) fn add(&mut self, operator: &OperatorMetrics, is_source: bool) {
        self.compute += operator.compute;
        self.spilled += operator.spilled;
        if is_source {
            self.rows_in = sum_of(self.rows_in, operator.rows);
            self.bytes_read = sum_of(self.bytes_read, operator.read);
        }
        if operator.rows.is_some() {
            self.rows_out = operator.rows;
            self.bytes_out = operator.bytes;
        }
    }

    /// Adds what a layer below gave.
    pub(super) fn take_in(&mut self, rows: Option<u64>) {
        self.rows_in = sum_of(self.rows_in, rows);
    }
}

fn sum_of(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}
