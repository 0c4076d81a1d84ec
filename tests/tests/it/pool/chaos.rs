//! Faults within tasks, as Ballista's chaos execution makes them: a part of a plan that fails, breaks or is
//! slow on a worker. A query then has its answer or fails by name, and the pool goes on.

use std::sync::Arc;

use ballista_core::execution_plans::ChaosExec;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionContext;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use strata_tests::oracle::answer;
use strata_tests::pool::{Shape, TestPool};

use super::{here, name_tables, tpch};

/// Puts chaos above whatever reads.
#[derive(Debug)]
struct Chaos {
    kind: &'static str,
    probability: f64,
}

impl PhysicalOptimizerRule for Chaos {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut seed = 0;
        let wrapped = plan.transform_up(|node| {
            if !node.children().is_empty() {
                return Ok(Transformed::no(node));
            }
            seed += 1;
            let chaos = ChaosExec::new(node, self.probability, self.kind, Some(seed))?;
            Ok(Transformed::yes(Arc::new(chaos) as _))
        });
        Ok(wrapped?.data)
    }

    fn name(&self) -> &'static str {
        "chaos"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn add(session: &SessionContext, kind: &'static str, probability: f64) {
    let state = session.state();
    let rule = Arc::new(Chaos { kind, probability });
    let state = SessionStateBuilder::new_from_existing(state).with_physical_optimizer_rule(rule);
    *session.state_ref().write() = state.build();
}

/// Runs all TPC-H queries on two workers; what differs from the answers of this machine, and how many
/// queries failed with these words.
async fn run_all(chaos: fn(&SessionContext), words: &str) -> usize {
    let data = tpch(0.01).await;
    let pool = TestPool::knowing(chaos, Shape { workers: 2, cores: 2 }).await;
    let (session, here) = (pool.session(&[]), here());
    name_tables(&session, data.path()).await;
    name_tables(&here, data.path()).await;
    let mut failed = 0;
    for (name, text) in crate::tpch::queries() {
        let expected = answer(&here, &text).await.unwrap();
        match answer(&session, &text).await {
            Ok(answer) => assert_eq!(answer.difference(&expected, false), None, "{name}"),
            Err(error) => {
                assert!(error.contains(words), "{name}: {error}");
                failed += 1;
            }
        }
    }
    let workers = pool.pool.workers().await.unwrap();
    assert_eq!(workers.len(), 2, "workers outlive what breaks in them");
    assert!(workers.iter().all(|worker| worker.tasks == 0), "{workers:?}");
    failed
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_parts_change_no_answer() {
    assert_eq!(run_all(|session| add(session, "delay:2", 1.0), "").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_fail_again_and_again_fail_their_query_by_name() {
    let failed = run_all(|session| add(session, "transient", 0.3), "TRANSIENT FAILURE").await;
    assert!((1..22).contains(&failed), "{failed} of 22 failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_fail_for_good_fail_their_query_by_name() {
    let failed = run_all(|session| add(session, "fatal", 0.3), "FATAL FAILURE").await;
    assert!((1..22).contains(&failed), "{failed} of 22 failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_panic_fail_their_query_and_no_worker() {
    let failed = run_all(|session| add(session, "panic", 0.3), "injected PANIC").await;
    assert!((1..22).contains(&failed), "{failed} of 22 failed");
}
