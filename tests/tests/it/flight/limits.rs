//! How much at once, and for how long.

use std::time::{Duration, Instant};

use super::{ENDLESS, Served, count, fetch, number, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_has_its_time() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    run(&mut client, "SET flight.timeout = '300ms'").await.unwrap();
    let began = Instant::now();
    let error = run(&mut client, ENDLESS).await.unwrap_err();
    assert!(error.contains("flight.timeout"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(20));
    server.rests().await;
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
    let error = run(&mut client, &format!("CREATE TABLE t AS {ENDLESS}")).await.unwrap_err();
    assert!(error.contains("flight.timeout"), "{error}");
    server.rests().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_no_larger_than_allowed() {
    let server = Served::new(&["--set", "flight.rows=1000"]);
    let mut client = server.client().await;
    assert_eq!(count(&run(&mut client, "range(0, 1000)").await.unwrap()), 1000);
    let error = run(&mut client, "range(0, 1001)").await.unwrap_err();
    assert!(error.contains("flight.rows"), "{error}");
    run(&mut client, "SET flight.rows = 0").await.unwrap();
    run(&mut client, "SET flight.bytes = '10KiB'").await.unwrap();
    assert_eq!(count(&run(&mut client, "range(0, 1000)").await.unwrap()), 1000);
    let error = run(&mut client, "range(0, 100000)").await.unwrap_err();
    assert!(error.contains("flight.bytes"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_wait_in_order_and_not_for_ever() {
    let args = ["flight.running=1", "flight.waiting=1", "flight.patience=1s"];
    let args: Vec<&str> = args.iter().flat_map(|set| ["--set", *set]).collect();
    let server = Served::new(&args);
    let mut client = server.client().await;
    let info = client.execute(ENDLESS.to_string(), None).await.unwrap();
    let mut busy = server.client().await;
    let running = tokio::spawn(async move { fetch(&mut busy, info).await });
    server.works().await;
    let mut other = server.client().await;
    let waiting = tokio::spawn(async move { run(&mut other, "SELECT 1").await });
    // One waits, and a second is told at once; which of them is which, chance decides.
    let second = run(&mut client, "SELECT 2").await.unwrap_err();
    let first = waiting.await.unwrap().unwrap_err();
    let said = format!("{first} {second}");
    assert!(said.contains("flight.patience") && said.contains("flight.waiting"), "{said}");
    running.abort();
    drop(running.await);
    server.rests().await;
    assert_eq!(number(&mut client, "SELECT 3").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_all_answered() {
    let server = Served::new(&["--set", "flight.running=2"]);
    let each = (0..60).map(|at| {
        let client = server.client();
        async move {
            let mut client = client.await;
            number(&mut client, &format!("SELECT sum(value) + {at} FROM range(0, 1000)")).await
        }
    });
    let answers = futures::future::join_all(each).await;
    assert!(answers.iter().zip(0..).all(|(answer, at)| *answer == 499_500 + at), "{answers:?}");
}
