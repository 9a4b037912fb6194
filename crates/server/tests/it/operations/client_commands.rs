//! `orrery clients`.

use serde_json::{Value, json};

use super::admin_commands::{Shell, error};

#[tokio::test]
async fn clients_are_created_shown_listed_changed_and_deleted() {
    let shell = Shell::start().await;
    let as_json = ["--format", "json"];
    let create = ["clients", "create", "--id", "shop", "--name", "Shop", "--redirect-uri", "https://shop.example/cb"];
    let create =
        [&create[..], &["--scope", "openid profile", "--metadata", "{\"team\": 1}", "--skip-consent"]].concat();
    let made = read(&shell.print(&[&create[..], &as_json].concat()).await);
    assert!(made["client_secret"].is_string());
    let shown = (&made["client_id"], &made["scope"], &made["metadata"], &made["skip_consent"]);
    assert_eq!(shown, (&json!("shop"), &json!("openid profile"), &json!({"team": 1}), &json!(true)));
    let said = shell.fail(&create).await;
    assert!(said.contains("(409)"), "{said}");

    let file = shell.server.folder().join("client.json");
    std::fs::write(&file, r#"{"client_id": "robot", "client_name": "Robot", "owner": "ada"}"#).expect("written");
    let file = file.to_str().expect("a path");
    let table = shell.print(&["clients", "create", "--file", file, "--grant-type", "client_credentials"]).await;
    assert!(
        table.contains("CLIENT SECRET") && table.contains("robot") && table.contains("client_credentials"),
        "{table}"
    );

    let got = read(&shell.print(&[&["clients", "get", "robot"][..], &as_json].concat()).await);
    assert_eq!((&got["owner"], got.get("client_secret")), (&json!("ada"), None));
    let all = shell.print(&["clients", "list"]).await;
    assert_eq!(all.lines().count(), 3, "{all}");
    let hers = read(&shell.print(&[&["clients", "list", "--owner", "ada"][..], &as_json].concat()).await);
    assert_eq!(hers.as_array().map(Vec::len), Some(1));

    let update = ["clients", "update", "shop", "--name", "Other", "--skip-consent=false"];
    let changed = read(&shell.print(&[&update[..], &as_json].concat()).await);
    assert_eq!((&changed["client_name"], &changed["skip_consent"]), (&json!("Other"), &json!(false)));
    assert_eq!(changed["redirect_uris"], json!(["https://shop.example/cb"]), "the rest stays");
    let replace = ["clients", "update", "shop", "--file", file];
    let replaced = read(&shell.print(&[&replace[..], &as_json].concat()).await);
    assert_eq!((&replaced["client_name"], &replaced["redirect_uris"]), (&json!("Robot"), &json!([])));
    assert!(shell.fail(&["clients", "update", "shop"]).await.contains("nothing to change"));
    let said = shell.fail(&["clients", "update", "shop", "--redirect-uri", "nowhere"]).await;
    assert!(said.contains("(400)") && said.contains("redirect_uris"), "{said}");

    let deleted = shell.run(&["clients", "delete", "shop", "none", "robot"]).await;
    assert!(!deleted.status.success());
    assert_eq!(String::from_utf8_lossy(&deleted.stdout), "deleted shop\ndeleted robot\n");
    assert!(error(&deleted).contains("orrery: none: the server refused (404)"), "{}", error(&deleted));
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
