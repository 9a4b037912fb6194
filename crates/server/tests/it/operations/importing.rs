//! What the tests of the importers share.

use orrery_testkit::TestServer;
use serde_json::{Value, json};

use super::process::orrery;

/// Runs `orrery import <product>` into the database of a server that has these secrets: whether it succeeded, what it
/// printed and what it said.
pub(super) async fn run(
    server: &TestServer,
    product: &str,
    from: &str,
    secrets: &[&str],
    further: &[&str],
) -> (bool, String, String) {
    let target = json!({"database": {"url": server.database_url()}, "secrets": {"default": secrets}});
    std::fs::write(server.folder().join("target.json"), target.to_string()).expect("written");
    let arguments = [&["import", product, "--dev", "--config", "target.json"], further].concat();
    let mut command = orrery(server.folder(), &arguments);
    command.env(format!("ORRERY_{}_DSN", product.to_uppercase()), from);
    let output = command.output().await.expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// Source, copied, skipped and failed of each table.
pub(super) fn account(printed: &str) -> Vec<(String, [u64; 4])> {
    let rows: Vec<Value> = serde_json::from_str(printed).expect("JSON");
    let number = |row: &Value, name: &str| row[name].as_u64().expect("a number");
    let account = |row: &Value| {
        let counts = ["source", "copied", "skipped", "failed"].map(|name| number(row, name));
        assert_eq!(counts[0], counts[1] + counts[2] + counts[3], "{row}");
        (row["table"].as_str().expect("a name").to_owned(), counts)
    };
    rows.iter().map(account).collect()
}
