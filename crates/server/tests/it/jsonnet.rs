//! Programs of strangers, run by the built executable.

use std::time::Duration;

use orrery_core::jsonnet::{Jsonnet as _, JsonnetError, Program};
use orrery_server::jsonnet::Pool;
use serde_json::{Map, Value, json};

fn program(source: &str) -> Program {
    let mut arguments = Map::new();
    arguments.insert("ctx".to_owned(), json!({"name": "Ada"}));
    Program { source: source.into(), arguments, variables: Map::new() }
}

async fn run(pool: &Pool, source: &str) -> Result<Value, JsonnetError> {
    // Far above what the pool allows: the pool itself must give up.
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, pool.evaluate(program(source))).await.expect("an end")
}

#[tokio::test]
async fn programs_run_one_after_the_other() {
    let pool = Pool::new(env!("CARGO_BIN_EXE_orrery").into());
    for number in 0..20 {
        let source = format!("function(ctx) {{hello: ctx.name, number: {number}}}");
        assert_eq!(run(&pool, &source).await.expect("a value"), json!({"hello": "Ada", "number": number}));
    }
    let failed = run(&pool, "function(ctx) error 'cancel'").await;
    assert!(matches!(&failed, Err(JsonnetError::Failed(why)) if why == "cancel"), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_callers_get_their_own_values() {
    let pool = Pool::new(env!("CARGO_BIN_EXE_orrery").into());
    let callers: Vec<_> = (0..16)
        .map(|number| {
            let pool = pool.clone();
            tokio::spawn(async move { (number, run(&pool, &format!("{number}")).await) })
        })
        .collect();
    for caller in callers {
        let (number, value) = caller.await.expect("does not panic");
        assert_eq!(value.expect("a value"), json!(number));
    }
}

#[tokio::test]
async fn hostile_programs_are_stopped_and_harm_nobody_else() {
    let pool = Pool::new(env!("CARGO_BIN_EXE_orrery").into());
    let endless = "local f(n) = if n < 0 then 0 else f(n + 1) tailstrict; f(0)";
    let greedy = "local double(s, n) = if n == 0 then s else double(s + s, n - 1); std.length(double('xxxxxxxx', 30))";
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    let long = "std.repeat('x', 9000000)";
    for (name, source) in [("endless", endless), ("greedy", greedy), ("deep", &deep), ("long", long)] {
        let stopped = run(&pool, source).await;
        let is_stopped = matches!(stopped, Err(JsonnetError::TooMuch | JsonnetError::Failed(_)));
        assert!(is_stopped, "{name}: {stopped:?}");
        assert_eq!(run(&pool, "1 + 1").await.expect("a value"), json!(2), "after {name}");
    }
}

#[tokio::test]
async fn without_the_executable_nothing_is_run() {
    let pool = Pool::new("/nowhere/orrery".into());
    assert!(matches!(run(&pool, "1").await, Err(JsonnetError::Unavailable(Some(_)))));
}
