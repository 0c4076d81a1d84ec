//! Why Ballista's own scheduler does not run our stages: what its graph of a job does when an executor is
//! lost, seen from outside. Should this test fail one day, that has been mended, and the decision in
//! `docs/src/architecture.md` may be looked at again.

use std::collections::HashMap;
use std::sync::Arc;

use ballista_core::JobId;
use ballista_core::execution_plans::ShuffleReaderExec;
use ballista_core::extension::SessionConfigExt;
use ballista_core::serde::protobuf::{
    ShuffleWritePartition, SuccessfulTask, TaskStatus, task_status::Status,
};
use ballista_core::serde::scheduler::{
    ExecutorMetadata, ExecutorOperatingSystemSpecification, ExecutorSpecification, TaskKey,
};
use ballista_scheduler::planner::DefaultDistributedPlanner;
use ballista_scheduler::state::execution_graph::{
    ExecutionGraph, StaticExecutionGraph, TaskDescription, create_task_info,
};
use ballista_scheduler::state::execution_stage::ExecutionStage;
use datafusion::datasource::MemTable;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};

fn executor(id: &str) -> ExecutorMetadata {
    ExecutorMetadata {
        id: id.to_string(),
        host: id.to_string(),
        port: 1,
        grpc_port: 2,
        specification: ExecutorSpecification::default(),
        os_info: ExecutorOperatingSystemSpecification::default(),
    }
}

/// A task that has made a row for each part of the stage above.
fn done(task: &TaskDescription, by: &str) -> TaskStatus {
    let partitions = (0..task.get_output_partition_number()).map(|part| ShuffleWritePartition {
        partition_id: part as u64,
        num_batches: 1,
        num_rows: 1,
        num_bytes: 1,
        file_id: None,
        is_sort_shuffle: false,
    });
    TaskStatus {
        task_id: task.key.task_id as u32,
        job_id: task.key.job_id.clone().into(),
        stage_id: task.key.stage_id as u32,
        stage_attempt_num: task.stage_attempt_num as u32,
        launch_time: 0,
        start_exec_time: 0,
        end_exec_time: 0,
        metrics: vec![],
        status: Some(Status::Successful(SuccessfulTask {
            executor_id: by.to_string(),
            partitions: partitions.collect(),
            runtime_stats: vec![],
            task_column_stats: vec![],
            window_state: vec![],
        })),
    }
}

/// Has an executor do one task, whichever is next; the number of its stage.
fn work(graph: &mut StaticExecutionGraph, by: &ExecutorMetadata) -> Option<usize> {
    graph.revive();
    let (job_id, session_id) = (graph.job_id().clone(), graph.session_id().to_string());
    let session_config = graph.session_config();
    let stage = graph.fetch_running_stage(&[])?;
    let parts = stage.pending.next_slice(1);
    let task_id = stage.task_infos.len();
    let mut info = create_task_info(by.id.clone(), task_id);
    info.global_input_partition_ids = parts.clone();
    info.vcores_consumed = 1;
    stage.task_infos.push(info);
    let task = TaskDescription {
        session_id,
        key: TaskKey { job_id, stage_id: stage.stage_id, task_id },
        stage_attempt_num: stage.stage_attempt_num,
        task_attempt: 0,
        global_input_partition_ids: parts,
        vcores_consumed: 1,
        plan: Arc::clone(&stage.plan),
        session_config,
    };
    graph.update_task_status(by, vec![done(&task, &by.id)], 4, 4).unwrap();
    Some(task.key.stage_id)
}

/// How many places the readers of a plan have for each of their parts.
fn places(plan: &Arc<dyn ExecutionPlan>) -> Vec<usize> {
    if let Some(reader) = plan.downcast_ref::<ShuffleReaderExec>() {
        return reader.partition.iter().map(Vec::len).collect();
    }
    plan.children().into_iter().flat_map(places).collect()
}

#[tokio::test]
async fn a_stage_that_was_rolled_back_leaves_its_old_rows_to_the_stages_above() {
    let config = SessionConfig::new_with_ballista().with_target_partitions(2);
    let context = SessionContext::new_with_config(config.clone());
    // A table in two partitions, grouped twice: three stages of two tasks each.
    let part = context.sql("SELECT value AS k FROM range(0, 9)").await.unwrap();
    let schema = Arc::clone(part.schema().inner());
    let part = part.collect().await.unwrap();
    let table = MemTable::try_new(schema, vec![part.clone(), part]).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    let text = "SELECT s, count(*) FROM (SELECT k, sum(k) AS s FROM t GROUP BY k) GROUP BY s";
    let plan = context.sql(text).await.unwrap().create_physical_plan().await.unwrap();
    let job = JobId::from("job".to_string());
    let mut graph = StaticExecutionGraph::new(
        "scheduler",
        &job,
        "",
        "session",
        plan,
        0,
        Arc::new(config),
        &mut DefaultDistributedPlanner::new(),
        None,
    )
    .unwrap();
    let (lost, stays) = (executor("lost"), executor("stays"));
    // Both make a part of the first stage; one part of the second is made where it will stay.
    assert_eq!(work(&mut graph, &lost), Some(1));
    assert_eq!(work(&mut graph, &stays), Some(1));
    assert_eq!(work(&mut graph, &stays), Some(2));
    // Then one goes. All that is left is done by the other.
    graph.reset_stages_on_lost_executor(&lost.id).unwrap();
    let mut seen: HashMap<usize, Vec<usize>> = HashMap::new();
    loop {
        graph.revive();
        for (number, stage) in graph.stages() {
            if let ExecutionStage::Running(stage) = stage {
                seen.insert(*number, places(&stage.plan));
            }
        }
        if work(&mut graph, &stays).is_none() {
            break;
        }
    }
    // The second stage has two tasks. Whoever reads them from three places reads one of them twice.
    assert!(graph.is_successful());
    assert_eq!(seen.get(&3), Some(&vec![3, 3]), "{seen:?}");
}
