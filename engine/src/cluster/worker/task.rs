//! One attempt at one part of a stage: runs it, and puts its rows where others find them.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use arrow::ipc::writer::StreamWriter;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_expr::{Partitioning, PhysicalExprRef};
use datafusion::physical_plan::metrics::Time;
use datafusion::physical_plan::repartition::{BatchPartitioner, RepartitionExec};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;

use super::exchange::Exchange;
use super::outputs::{Output, OutputId};
use crate::cluster::options::for_the_pool;
use crate::cluster::protocol::{Done, Run, TaskId};
use crate::layers::{LayerGraph, metrics_of};
use crate::run::{LocalRunner, Runner};
use crate::session::reconfigured;
use crate::wire::{Wire, overlaid};

/// A stage, decoded when its first part is made.
pub(super) struct Stage {
    run: Run,
    session: SessionContext,
    exchange: Arc<Exchange>,
    prepared: OnceLock<Result<Prepared, Arc<DataFusionError>>>,
}

/// What all parts of a stage share.
struct Prepared {
    state: SessionState,
    context: Arc<TaskContext>,
    work: Work,
}

enum Work {
    /// Each part is a partition of this plan.
    Parts {
        plan: Arc<dyn ExecutionPlan>,
        /// How its rows are spread over the parts of the stages above; all go to one by default.
        spread: Option<(Vec<PhysicalExprRef>, usize)>,
    },
    /// The query is one part, planned here.
    Whole(Box<LogicalPlan>),
}

impl Stage {
    pub(super) fn new(run: Run, session: SessionContext, exchange: Arc<Exchange>) -> Self {
        Self { run, session, exchange, prepared: OnceLock::new() }
    }

    fn prepared(&self) -> Result<&Prepared> {
        let prepared = self.prepared.get_or_init(|| self.prepare().map_err(Arc::new));
        prepared.as_ref().map_err(|error| DataFusionError::Shared(Arc::clone(error)))
    }

    fn prepare(&self) -> Result<Prepared> {
        let state = self.session.state();
        let mut options = overlaid(state.config_options(), &self.run.settings)?;
        if !self.run.whole {
            let partitions = options.execution.target_partitions;
            for_the_pool(&mut options, partitions)?;
        }
        let mut config = state.config().clone();
        *config.options_mut() = options;
        config.set_extension(Arc::clone(&self.exchange));
        let state = reconfigured(state, config).build();
        let context = state.task_ctx();
        let wire = Wire::of(&self.session);
        let work = if self.run.whole {
            Work::Whole(Box::new(wire.logical_from_bytes(&self.run.plan, &context)?))
        } else {
            let plan = wire.physical_from_bytes(&self.run.plan, &context)?;
            match plan.downcast_ref::<RepartitionExec>().map(|e| (e.partitioning(), e.input())) {
                Some((Partitioning::Hash(keys, parts), input)) => {
                    Work::Parts { spread: Some((keys.clone(), *parts)), plan: Arc::clone(input) }
                }
                _ => Work::Parts { plan, spread: None },
            }
        };
        Ok(Prepared { state, context, work })
    }
}

/// A part to make.
pub(super) struct Task {
    pub(super) stage: Arc<Stage>,
    pub(super) id: TaskId,
}

impl Task {
    /// Makes the part.
    pub(super) async fn make(self) -> Result<Done> {
        let began = Instant::now();
        let prepared = self.stage.prepared()?;
        let (output, metrics) = match &prepared.work {
            Work::Parts { plan, spread } => {
                let rows = plan.execute(self.id.part as usize, Arc::clone(&prepared.context))?;
                let output = self.keep(prepared, rows, spread.as_ref()).await?;
                let measure = self.stage.run.measure;
                (output, if measure { json(&metrics_of(plan))? } else { String::new() })
            }
            Work::Whole(plan) => self.whole(prepared, plan).await?,
        };
        let bytes = output.bytes();
        let small = !output.is_away()
            && bytes.len() == 1
            && bytes.iter().sum::<u64>() <= self.stage.run.inline;
        let inline = if small { Some(inlined(&output).await?.into()) } else { None };
        Ok(Done {
            rows: output.rows(),
            bytes,
            inline,
            metrics,
            microseconds: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        })
    }

    /// Plans and runs a whole query; tells its layers where that is wanted.
    async fn whole(
        &self,
        prepared: &Prepared,
        plan: &LogicalPlan,
    ) -> Result<(Arc<Output>, String)> {
        let session = SessionContext::new_with_state(prepared.state.clone());
        let run = LocalRunner.run(&session, plan.clone()).await;
        let execution = run.map_err(DataFusionError::from)?;
        let planned = self.stage.run.measure.then(|| execution.plan());
        let before = planned.as_ref().map(LayerGraph::of).transpose();
        let before = before.map_err(DataFusionError::from)?;
        let (rows, running) = execution.split_plan();
        let output = self.keep(prepared, rows, None).await?;
        let Some(mut layers) = before else { return Ok((output, String::new())) };
        layers.measure(&running()).map_err(DataFusionError::from)?;
        Ok((output, layers.to_json()))
    }

    async fn keep(
        &self,
        prepared: &Prepared,
        mut rows: SendableRecordBatchStream,
        spread: Option<&(Vec<PhysicalExprRef>, usize)>,
    ) -> Result<Arc<Output>> {
        let schema: SchemaRef = rows.schema();
        let parts = spread.map_or(1, |(_, parts)| *parts);
        let batch_size = prepared.context.session_config().batch_size();
        let Exchange { outputs, live, .. } = self.stage.exchange.as_ref();
        let mut writer = outputs.write(schema, parts, batch_size);
        let Run { job, stage, .. } = self.stage.run;
        let id = OutputId { job, stage, task: self.id };
        match spread {
            None if self.stage.run.live => {
                let mut running = live.begin(id);
                while let Some(batch) = rows.try_next().await? {
                    running.push(&mut writer, batch).await?;
                }
                return running.finish(writer).await;
            }
            None => {
                while let Some(batch) = rows.try_next().await? {
                    writer.push(0, batch)?;
                }
            }
            Some((keys, parts)) => {
                let mut partitioner =
                    BatchPartitioner::new_hash_partitioner(keys.clone(), *parts, Time::default())?;
                while let Some(batch) = rows.try_next().await? {
                    partitioner.partition(batch, |part, batch| writer.push(part, batch))?;
                }
            }
        }
        writer.finish(id)
    }
}

fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| DataFusionError::External(Box::new(error)))
}

/// All rows of an output's first part, as an Arrow IPC stream.
async fn inlined(output: &Arc<Output>) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), &output.schema())?;
    if let Some(rows) = output.read(0) {
        let mut rows = rows.boxed();
        while let Some(batch) = rows.try_next().await? {
            writer.write(&batch)?;
        }
    }
    Ok(writer.into_inner()?)
}
