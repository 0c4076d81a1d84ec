//! Plans as layers: what the graph of every TPC-H query must have, before and after it has run; what
//! fingerprints tell apart; every format; and what `EXPLAIN LAYERS` is not about.

use std::sync::Arc;

use arrow::array::AsArray;
use datafusion::execution::context::SessionContext;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, Partitioning};
use futures::StreamExt;
use strata::RunText;
use strata_engine::{LayerFormat, LayerGraph, LocalRunner, Runner, Work};
use strata_tests::oracle::Grain;

use crate::run_in;
use crate::tpch::{TABLES, generate, queries};

fn session(partitions: usize) -> SessionContext {
    Grain { batch_size: 8192, partitions }.session()
}

async fn physical(session: &SessionContext, text: &str) -> Arc<dyn ExecutionPlan> {
    session.run(text).await.unwrap().create_physical_plan().await.unwrap()
}

async fn layers(session: &SessionContext, text: &str) -> LayerGraph {
    LayerGraph::of(&physical(session, text).await).unwrap()
}

/// The text that a statement answers with.
async fn told(session: &SessionContext, statement: &str) -> String {
    let batches = session.run(statement).await.unwrap().collect().await.unwrap();
    assert_eq!((batches.len(), batches[0].num_rows()), (1, 1), "{statement}");
    batches[0].column(0).as_string::<i32>().value(0).to_string()
}

fn hash_exchanges(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let here = plan
        .downcast_ref::<RepartitionExec>()
        .is_some_and(|exchange| matches!(exchange.partitioning(), Partitioning::Hash(..)));
    usize::from(here) + plan.children().into_iter().map(hash_exchanges).sum::<usize>()
}

/// What holds for the graph of any plan.
fn check(name: &str, graph: &LayerGraph, plan: &Arc<dyn ExecutionPlan>) {
    let mut fed = vec![0; graph.layers().len()];
    for (place, layer) in graph.layers().iter().enumerate() {
        assert_eq!(layer.id.to_string(), place.to_string(), "{name}");
        assert!(layer.tasks > 0, "{name}: {layer:?}");
        for feed in &layer.inputs {
            let below = graph.layer(feed.layer).unwrap();
            assert!(below.id < layer.id, "{name}: {layer:?}");
            fed[graph.layers().iter().position(|layer| layer.id == feed.layer).unwrap()] += 1;
        }
        match &layer.work {
            Work::Shuffle { keys, fan_out } => {
                assert!(layer.operators.is_empty() && layer.inputs.len() == 1, "{name}: {layer:?}");
                assert!(!keys.is_empty() && *fan_out > 0, "{name}: {layer:?}");
                // Whoever takes its parts has a task for each.
                let taker = graph
                    .layers()
                    .iter()
                    .find(|other| other.inputs.iter().any(|feed| feed.layer == layer.id));
                assert_eq!(taker.unwrap().tasks, *fan_out, "{name}: {layer:?}");
            }
            Work::Reduction => assert!(!layer.inputs.is_empty(), "{name}: {layer:?}"),
            Work::Blockwise => assert!(!layer.operators.is_empty(), "{name}: {layer:?}"),
        }
    }
    let last = fed.pop();
    assert_eq!(last, Some(0), "{name}: the answer feeds a layer");
    assert!(fed.iter().all(|times| *times == 1), "{name}: {fed:?}");
    let shuffles =
        graph.layers().iter().filter(|layer| matches!(layer.work, Work::Shuffle { .. })).count();
    assert_eq!(shuffles, hash_exchanges(plan), "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_is_a_tree_of_layers_that_counts_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    {
        let data = data.clone();
        tokio::task::spawn_blocking(move || generate(&data, 0.01)).await.unwrap();
    }
    for partitions in [1, 2, 5] {
        let session = session(partitions);
        for name in TABLES {
            let files = data.join(name);
            let view = format!("CREATE VIEW {name} AS SELECT * FROM '{}'", files.display());
            session.run(&view).await.unwrap();
        }
        for (name, text) in queries() {
            let plan = session.run(&text).await.unwrap().into_unoptimized_plan();
            let planned = session.state().create_physical_plan(&plan).await.unwrap();
            let before = LayerGraph::of(&planned).unwrap();
            check(&name, &before, &planned);
            let mut execution = LocalRunner.run(&session, plan).await.unwrap();
            assert!(before.layers().iter().all(|layer| layer.measured.is_none()), "{name}");
            let mut rows = 0;
            while let Some(batch) = execution.stream.next().await {
                rows += batch.unwrap().num_rows() as u64;
            }
            let mut after = before.clone();
            after.measure(&execution.plan()).unwrap();
            check(&name, &after, &execution.plan());
            for (before, after) in before.layers().iter().zip(after.layers()) {
                assert_eq!(before.fingerprint, after.fingerprint, "{name}");
                assert_eq!(before.estimate, after.estimate, "{name}");
            }
            let counted = after.last().unwrap().measured.unwrap().rows_out;
            assert_eq!(counted, Some(rows), "{name}: {}", after.render(LayerFormat::Tree));
            for layer in after.layers().iter().filter(|layer| !layer.inputs.is_empty()) {
                let below: u64 = layer
                    .inputs
                    .iter()
                    .filter_map(|feed| after.layer(feed.layer)?.measured?.rows_out)
                    .sum();
                let read = layer.operators.iter().any(|operator| operator.name == "Scan");
                let came = layer.measured.unwrap().rows_in.unwrap_or(0);
                assert!(came == below || read && came > below, "{name}: {came}, {layer:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_fingerprint_is_the_same_for_the_same_work_on_the_same_data() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.csv");
    std::fs::write(&file, "k,v\na,1\nb,2\n").unwrap();
    let session = session(2);
    let query = |least: i64| {
        format!("SELECT k, sum(v) FROM '{}' WHERE v > {least} GROUP BY k", file.display())
    };
    let of = async |text: String| layers(&session, &text).await.last().unwrap().fingerprint;
    let first = of(query(0)).await;
    assert_eq!(first, of(query(0)).await);
    assert_ne!(first, of(query(1)).await);
    // The same size: only its time tells.
    std::fs::write(&file, "k,v\na,1\nb,3\n").unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    std::fs::File::options().append(true).open(&file).unwrap().set_modified(later).unwrap();
    assert_ne!(first, of(query(0)).await);
    // Chance.
    let chance = format!("SELECT random() FROM '{}'", file.display());
    assert_ne!(of(chance.clone()).await, of(chance).await);
    // Rows in memory, whose texts and numbers lie in other places: within others, too.
    session.run("CREATE TABLE s AS SELECT named_struct('x', 1) AS s").await.unwrap();
    session.run("CREATE TABLE t AS SELECT named_struct('x', 2) AS s").await.unwrap();
    assert_ne!(of("FROM s".to_string()).await, of("FROM t".to_string()).await);
    session.run("CREATE TABLE m AS SELECT 1 AS a").await.unwrap();
    session.run("CREATE TABLE n AS SELECT 2 AS a").await.unwrap();
    let of_m = of("FROM m".to_string()).await;
    assert_eq!(of_m, of("FROM m".to_string()).await);
    assert_ne!(of_m, of("FROM n".to_string()).await);
}

#[tokio::test]
async fn a_side_that_every_task_is_given_is_a_layer() {
    let session = session(2);
    session.run("CREATE VIEW big AS SELECT value AS k FROM range(0, 100000)").await.unwrap();
    session.run("CREATE TABLE few AS SELECT 7 AS k, 'x' AS name").await.unwrap();
    let graph = layers(&session, "SELECT count(*) FROM big JOIN few USING (k)").await;
    let broadcast: Vec<_> = graph
        .layers()
        .iter()
        .flat_map(|layer| layer.inputs.iter().filter(|feed| feed.to_all))
        .collect();
    assert_eq!(broadcast.len(), 1, "{}", graph.render(LayerFormat::Tree));
    assert!(graph.render(LayerFormat::Tree).contains(", to every task"));
}

#[tokio::test]
async fn every_format_holds_every_layer_whatever_names_are_like() {
    let session = session(2);
    session
        .run("CREATE TABLE t AS SELECT 1 AS \"a<b>&\"\"c\\\", 'x' AS s, 2 AS \"it's@1\"")
        .await
        .unwrap();
    let query = "SELECT \"a<b>&\"\"c\\\", count(*) FROM t WHERE s <> '<\"\\\n@2' GROUP BY ALL";
    let graph = layers(&session, query).await;
    let count = graph.layers().len();
    assert!(count > 2);

    let json = told(&session, &format!("EXPLAIN LAYERS (FORMAT json) {query}")).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let listed = json["layers"].as_array().unwrap();
    assert_eq!(listed.len(), count);
    for (layer, shown) in graph.layers().iter().zip(listed) {
        assert_eq!(shown["kind"], layer.work.name());
        assert_eq!(shown["tasks"], layer.tasks);
        assert_eq!(shown["fingerprint"], layer.fingerprint.to_string());
    }

    let svg = told(&session, &format!("EXPLAIN LAYERS (FORMAT svg) {query}")).await;
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    for id in 0..count {
        assert_eq!(svg.matches(&format!("<g id=\"layer-{id}\">")).count(), 1, "{svg}");
    }
    // Nothing of a name is read as a tag.
    let tags = [
        "<svg", "</svg>", "<rect", "<path", "<g ", "</g>", "<text", "</text>", "<title", "</title",
    ];
    let known: usize = tags.iter().map(|tag| svg.matches(tag).count()).sum();
    assert_eq!(svg.matches('<').count(), known, "{svg}");

    let dot = told(&session, &format!("EXPLAIN LAYERS (FORMAT DOT) {query}")).await;
    assert!(dot.starts_with("digraph ") && dot.ends_with("}\n"), "{dot}");
    assert_eq!(dot.matches(" [label=\"").count(), count, "{dot}");
    assert_eq!(dot.matches(" -> ").count(), count - 1, "{dot}");

    let tree = told(&session, &format!("EXPLAIN LAYERS (FORMAT tree) {query}")).await;
    assert_eq!(tree, told(&session, &format!("EXPLAIN LAYERS {query}")).await);
    assert!(tree.contains("s != <\"\\ @2"), "{tree}");
}

#[tokio::test]
async fn what_has_run_shows_what_was_expected_beside_it() {
    let session = session(2);
    session.run("CREATE TABLE t AS SELECT value % 3 AS k FROM range(0, 1000)").await.unwrap();
    let tree = told(&session, "EXPLAIN ANALYZE LAYERS SELECT k, count(*) FROM t GROUP BY k").await;
    assert!(tree.contains("out 3 rows (expected "), "{tree}");
    // A chain is explained as the SQL it says.
    let sql = told(&session, "EXPLAIN LAYERS SELECT k, count(*) AS n FROM t GROUP BY k").await;
    let chain = told(&session, "EXPLAIN LAYERS t.group_by(k).agg(count(*) AS n)").await;
    assert_eq!(sql, chain);
    // No rows, and one.
    for (least, counted) in [(3, "out 0 rows"), (2, "out 333 rows")] {
        let text = format!("EXPLAIN ANALYZE LAYERS SELECT k FROM t WHERE k >= {least}");
        let tree = told(&session, &text).await;
        assert!(tree.contains(counted), "{tree}");
    }
}

#[tokio::test]
async fn a_table_called_layers_is_explained_as_any_other() {
    let session = session(2);
    session.run("CREATE TABLE layers AS SELECT 1 AS a").await.unwrap();
    for text in ["EXPLAIN layers.head(1)", "EXPLAIN layers", "EXPLAIN SELECT * FROM layers"] {
        let plans = session.run(text).await.unwrap().collect().await.unwrap();
        assert_eq!(plans[0].schema().field(0).name(), "plan_type", "{text}");
    }
    for text in [
        "EXPLAIN LAYERS layers",
        "EXPLAIN LAYERS (SELECT a FROM layers)",
        "EXPLAIN LAYERS ((SELECT a FROM layers))",
        "EXPLAIN LAYERS (WITH q AS (SELECT a FROM layers) SELECT * FROM q)",
        "EXPLAIN LAYERS (VALUES (1))",
        "EXPLAIN LAYERS VALUES (1)",
    ] {
        assert!(told(&session, text).await.contains("blockwise"), "{text}");
    }
}

#[test]
fn what_cannot_be_shown_is_refused() {
    let home = tempfile::tempdir().unwrap();
    for (text, says) in [
        ("EXPLAIN LAYERS (FORMAT png) SELECT 1", &["no format 'png'", "tree, dot, svg, json"][..]),
        ("EXPLAIN LAYERS", &["LAYERS"]),
        ("EXPLAIN LAYERS (FORMAT svg)", &["found: EOF"]),
        ("EXPLAIN LAYERS FROM nowhere", &["nowhere"]),
        ("EXPLAIN LAYERS SELECT nothing FROM (VALUES (1)) AS t(a)", &["nothing"]),
        (
            "EXPLAIN ANALYZE LAYERS SELECT 1 / (a - 1) FROM (VALUES (1)) AS t(a)",
            &["division by zero"],
        ),
    ] {
        let ran = run_in(home.path(), &["-c", text], "");
        assert_eq!(ran.code, Some(1), "{text}: {}{}", ran.out, ran.err);
        for part in says {
            assert!(ran.err.contains(part), "{text}: no '{part}' in {}", ran.err);
        }
    }
}

#[test]
fn a_picture_goes_into_a_file_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let ran = run_in(home.path(), &["-c", "EXPLAIN LAYERS (FORMAT svg) SELECT 1 AS \"a,b\""], "");
    assert!(ran.out.starts_with("<svg xmlns=\""), "{}{}", ran.out, ran.err);
    assert!(ran.out.ends_with("</svg>\n"), "{}", ran.out);
}
