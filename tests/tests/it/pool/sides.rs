//! Sides of joins on a pool: exchanged, or given to every task where the other side is far larger.

use datafusion::execution::context::SessionContext;
use strata::RunText;
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
