//! Sides of joins on a pool: exchanged, or given to every task where the other side is far larger.

use datafusion::execution::context::SessionContext;
use futures::StreamExt;
use strata::RunText;
use strata_engine::{LayerFormat, LayerGraph, PoolExec, PoolRunner, Runner, SessionSettings};
use strata_tests::oracle::answer;
use strata_tests::pool::{Shape, TestPool};

use super::{here, name_tables, tpch};

/// How many layers are given to every task.
async fn given(session: &SessionContext, text: &str) -> usize {
    let text = format!("EXPLAIN LAYERS {text}");
    let rows = session.run(&text).await.unwrap().collect().await.unwrap();
    let shown = datafusion::arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string();
    shown.matches("to every task").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn sides_that_are_given_beside_far_larger_ones_change_no_answer() {
    let data = tpch(0.01).await;
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    // No side is small by itself, in bytes or in rows.
    let small = [
        ("datafusion.optimizer.hash_join_single_partition_threshold", "0"),
        ("datafusion.optimizer.hash_join_single_partition_threshold_rows", "0"),
    ];
    let (session, here) = (pool.session(&small), here());
    name_tables(&session, data.path()).await;
    name_tables(&here, data.path()).await;
    let nations = "SELECT count(*) AS n FROM nation JOIN lineitem ON n_nationkey = l_suppkey";
    let orders = "SELECT count(*) AS n FROM orders JOIN lineitem ON o_orderkey = l_orderkey";
    assert_eq!((given(&session, nations).await, given(&session, orders).await), (1, 0));
    for (name, text) in crate::tpch::queries() {
        let expected = answer(&here, &text).await.unwrap();
        let got = answer(&session, &text).await.unwrap();
        assert_eq!(got.difference(&expected, false), None, "{name}");
    }
}

/// The layers of a query as they were planned, and as its stages were when they had run.
async fn planned_and_run(session: &SessionContext, text: &str) -> (LayerGraph, LayerGraph) {
    let plan = session.run(text).await.unwrap().into_unoptimized_plan();
    let planned = session.state().create_physical_plan(&plan).await.unwrap();
    let planned = PoolExec::within(&planned).unwrap().layers().await.unwrap();
    let pool = session.pool().unwrap();
    let mut execution = PoolRunner::new(&pool).run(session, plan).await.unwrap();
    PoolExec::within(&execution.plan()).unwrap().measure();
    while let Some(batch) = execution.stream.next().await {
        batch.unwrap();
    }
    let run = PoolExec::within(&execution.plan()).and_then(PoolExec::measured);
    (planned, run.expect("it runs in stages"))
}

/// What layers do, and from where they take it.
fn shape(graph: &LayerGraph) -> Vec<String> {
    let layers = graph.layers().iter().map(|layer| {
        let operators: Vec<_> = layer.operators.iter().map(|operator| &operator.name).collect();
        let (work, tasks, inputs) = (layer.work.name(), layer.tasks, &layer.inputs);
        format!("{work} in {tasks} of {inputs:?}: {operators:?}")
    });
    layers.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_are_the_layers_that_were_planned() {
    let data = tpch(0.01).await;
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    // Sides of up to so many bytes and rows are small; all are below Ballista's bound.
    for (bytes, rows, parts) in
        [("8388608", "1000000", "2"), ("65536", "1000", "5"), ("0", "0", "2")]
    {
        let session = pool.session(&[
            ("datafusion.optimizer.hash_join_single_partition_threshold", bytes),
            ("datafusion.optimizer.hash_join_single_partition_threshold_rows", rows),
            ("pool.parts", parts),
            ("pool.small", "0 B"),
        ]);
        name_tables(&session, data.path()).await;
        for (name, text) in crate::tpch::queries() {
            let (planned, run) = planned_and_run(&session, &text).await;
            let tree = run.render(LayerFormat::Tree);
            assert_eq!(shape(&run), shape(&planned), "{name} with sides of {bytes}:\n{tree}");
        }
    }
}
