//! The commands of a pool, as a person types them.

use std::time::{Duration, Instant};

use crate::run_in;

#[test]
fn a_pool_of_its_own_is_one_flag() {
    let home = tempfile::tempdir().unwrap();
    let text = "SELECT value % 3 AS k, count(*) AS n FROM range(0, 30000) GROUP BY ALL ORDER BY k; \
                SHOW WORKERS; SHOW JOBS; CANCEL JOB 1";
    let args = ["--workers", "2", "--memory", "1GiB", "--set", "pool.small=0B", "-c", text];
    let ran = run_in(home.path(), &args, "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!(lines.get(..4), Some(&["k,n", "0,10000", "1,10000", "2,10000"][..]), "{}", ran.out);
    assert!(lines.iter().any(|line| line.starts_with("local-1,idle,")), "{}", ran.out);
    assert!(lines.iter().any(|line| line.starts_with("local-2,idle,")), "{}", ran.out);
    assert!(lines.iter().any(|line| line.starts_with("1,finished,")), "{}", ran.out);
    assert!(ran.err.contains("job 1 was finished already"), "{}", ran.err);
    assert!(ran.out.contains("341.3MiB"), "the limit is divided by three: {}", ran.out);
}

#[test]
fn what_is_written_is_written_here() {
    let home = tempfile::tempdir().unwrap();
    let text = "CREATE TABLE t AS SELECT value AS id, value % 10 AS k FROM range(0, 1000); \
                INSERT INTO t SELECT id + 1000, k FROM t; \
                COPY (SELECT k, count(*) AS n FROM t GROUP BY k) TO 'out.parquet'; \
                CREATE VIEW v AS SELECT * FROM 'out.parquet'; \
                SELECT count(*) AS rows, sum(n) AS n FROM v; \
                x = range(0, 5); x.join(v, value = k).count()";
    let args = ["--workers", "2", "--set", "pool.small=0B", "-c", text];
    let ran = run_in(home.path(), &args, "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("rows,n\n10,2000\n"), "{} {}", ran.out, ran.err);
    assert!(home.path().join("out.parquet").exists());
}

#[test]
fn the_layers_are_those_of_this_machine() {
    let home = tempfile::tempdir().unwrap();
    let query = "SELECT k, count(*) AS n, sum(v) AS s FROM 't/' GROUP BY k ORDER BY k";
    let make = "COPY (SELECT value % 100 AS k, value AS v FROM range(0, 300000)) TO 't/' STORED AS parquet";
    assert_eq!(run_in(home.path(), &["-c", make], "").code, Some(0));
    let ask = |pool: &[&str], analyze: &str| {
        let text = format!("EXPLAIN {analyze} LAYERS (FORMAT json) {query}");
        let mut args = vec!["--threads", "2", "--set", "pool.small=0B", "-c", &text];
        args.extend(pool);
        let ran = run_in(home.path(), &args, "");
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()
    };
    let shape = |graph: &serde_json::Value| -> Vec<String> {
        let layers = graph["layers"].as_array().unwrap();
        layers.iter().map(|l| format!("{} {} {}", l["kind"], l["tasks"], l["inputs"])).collect()
    };
    let (here, there) = (ask(&[], ""), ask(&["--workers", "2"], ""));
    assert_eq!(shape(&here), shape(&there));
    let (here, there) = (ask(&[], "ANALYZE"), ask(&["--workers", "2"], "ANALYZE"));
    assert_eq!(shape(&here), shape(&there));
    for (here, there) in
        here["layers"].as_array().unwrap().iter().zip(there["layers"].as_array().unwrap())
    {
        for figure in ["rows_in", "rows_out"] {
            assert_eq!(here["measured"][figure], there["measured"][figure], "{here} {there}");
        }
        assert!(there["measured"]["compute"].as_f64().unwrap() >= 0.0);
    }
}

#[test]
fn what_is_not_there_is_said_in_time() {
    let home = tempfile::tempdir().unwrap();
    let token = "STRATA_TOKEN";
    assert!(std::env::var(token).is_err());
    for (args, says) in [
        (&["--cluster", "127.0.0.1:9", "-c", "SELECT 1"][..], "127.0.0.1:9 cannot be reached"),
        (&["--cluster", "nonsense", "-c", "SELECT 1"], "HOST:PORT"),
        (&["--cluster", "no-such-host.invalid:1", "-c", "SELECT 1"], "no-such-host.invalid:1"),
        (&["worker", "--scheduler", "127.0.0.1:9", "--death-timeout", "200ms"], "127.0.0.1:9"),
        (&["-c", "SHOW WORKERS"], "--workers N"),
        (&["-c", "CANCEL JOB x"], "number of a job"),
        (&["--workers", "0", "-c", "SELECT 1"], "0"),
        (&["--workers", "2", "--cluster", "a:1"], "cannot be used with"),
    ] {
        let began = Instant::now();
        let ran = run_in(home.path(), args, "");
        assert_ne!(ran.code, Some(0), "{args:?}");
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
        assert!(began.elapsed() < Duration::from_secs(15), "{args:?}: {:?}", began.elapsed());
    }
}
