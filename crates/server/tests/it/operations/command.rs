//! Commands that do not serve.

use super::process::{Running, output};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_configuration_is_judged_printed_and_described() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("bad.yml"), "serve:\n  pubic: {}\n").expect("written");
    let bad = output(folder.path(), &["config", "check", "--config", "bad.yml"]).await;
    assert!(!bad.status.success());
    assert!(text(&bad.stderr).contains("bad.yml:2: `serve.pubic`: unknown key"), "{}", text(&bad.stderr));
    let good = output(folder.path(), &["config", "check", "--dev"]).await;
    assert!(good.status.success(), "{}", text(&good.stderr));
    let printed = output(folder.path(), &["config", "print", "--dev"]).await;
    let secret = std::fs::read_to_string(folder.path().join("data/secret")).expect("a secret");
    assert!(text(&printed.stdout).contains("<redacted>") && !text(&printed.stdout).contains(&secret));
    let schema = output(folder.path(), &["config", "schema"]).await;
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).expect("JSON");
    assert_eq!(schema["title"], "Orrery configuration");
}

#[tokio::test]
async fn a_printed_configuration_tells_no_secret_of_a_hook() {
    let folder = tempfile::tempdir().expect("a folder");
    let hooks = "identity: {selfservice: {flows: {login: {after: {hooks: [{hook: web_hook, config: {method: POST, \
                 url: 'https://crm:hunter2@hooks.example/x?key=hunter3', headers: {X-Crm: hunter4}}}]}}}}}\n\
                 oauth2: {token_hook: 'https://hooks.example/token?hunter5'}\n\
                 tracing: {endpoint: 'https://hunter6@traces.example/'}\n";
    std::fs::write(folder.path().join("hooks.yml"), hooks).expect("written");
    let printed = output(folder.path(), &["config", "print", "--dev", "--config", "hooks.yml"]).await;
    let printed = text(&printed.stdout);
    assert!(printed.contains("hooks.example/x") && printed.contains("X-Crm"), "{printed}");
    assert!(
        printed.contains("hooks.example/token") && printed.contains("traces.example") && !printed.contains("hunter"),
        "{printed}"
    );
}

#[tokio::test]
async fn a_kratos_configuration_is_accepted_with_warnings() {
    let folder = tempfile::tempdir().expect("a folder");
    let kratos = "version: v1.3.0\ndsn: memory\nserve:\n  public: {base_url: http://127.0.0.1:4433/, cors: {enabled: true, debug: true}}\n  admin: {base_url: http://127.0.0.1:4434/}\nselfservice:\n  default_browser_return_url: http://127.0.0.1:4455/\n  allowed_return_urls: [http://127.0.0.1:4455]\n  methods: {password: {enabled: true}, totp: {enabled: true, config: {issuer: Kratos}}}\n  flows:\n    error: {ui_url: http://127.0.0.1:4455/error}\n    login: {ui_url: http://127.0.0.1:4455/login, lifespan: 10m}\n    registration: {lifespan: 10m, ui_url: http://127.0.0.1:4455/registration, after: {password: {hooks: [{hook: session}]}}}\nlog: {level: debug, format: text, leak_sensitive_values: true}\nsecrets:\n  cookie: [PLEASE-CHANGE-ME-I-AM-VERY-INSECURE]\n  default: [PLEASE-CHANGE-ME-I-AM-VERY-INSECURE]\n  cipher: [32-LONG-SECRET-NOT-SECURE-AT-ALL]\nciphers: {algorithm: xchacha20-poly1305}\nhashers: {algorithm: bcrypt, bcrypt: {cost: 12}}\nidentity:\n  default_schema_id: default\n  schemas: [{id: default, url: 'base64://e30='}]\ncourier: {smtp: {connection_uri: 'smtps://test:test@mailslurper:1025/?skip_ssl_verify=true'}}\n";
    std::fs::write(folder.path().join("kratos.yml"), kratos).expect("written");
    let checked = output(folder.path(), &["config", "check", "--kratos-config", "kratos.yml"]).await;
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let warnings = text(&checked.stderr);
    for key in ["version", "secrets.cookie", "secrets.cipher", "ciphers", "log.leak_sensitive_values", "cors.debug"] {
        assert!(warnings.contains(&format!("{key}`")), "{key}: {warnings}");
    }
    assert!(warnings.contains("kratos.yml:9: `identity.selfservice.methods.totp.enabled`: the method"), "{warnings}");
    assert!(!warnings.contains("PLEASE-CHANGE-ME"), "{warnings}");
}

#[tokio::test]
async fn migrations_go_up_are_listed_and_come_down_only_on_demand() {
    let folder = tempfile::tempdir().expect("a folder");
    let status = || async { text(&output(folder.path(), &["migrate", "status", "--dev"]).await.stdout) };
    assert!(status().await.lines().all(|line| line.starts_with("pending")));
    assert!(output(folder.path(), &["migrate", "up", "--dev"]).await.status.success());
    assert!(status().await.lines().all(|line| line.starts_with("applied")));
    let refused = output(folder.path(), &["migrate", "down", "--dev"]).await;
    assert!(!refused.status.success() && text(&refused.stderr).contains("--yes"));
    assert!(output(folder.path(), &["migrate", "down", "--dev", "--yes"]).await.status.success());
    assert_eq!(status().await.lines().filter(|line| line.starts_with("pending")).count(), 1);
}

#[tokio::test]
async fn routes_are_listed_with_listener_surface_and_operation() {
    let folder = tempfile::tempdir().expect("a folder");
    let listed = output(folder.path(), &["routes", "--json"]).await;
    let routes: Vec<serde_json::Value> = serde_json::from_slice(&listed.stdout).expect("JSON");
    let whoami = routes.iter().find(|route| route["operation"] == "toSession").expect("whoami");
    assert_eq!((&whoami["listener"], &whoami["path"]), (&"public".into(), &"/sessions/whoami".into()));
    for route in &routes {
        let path = route["path"].as_str().expect("a path");
        assert!(route["listener"] == "admin" || !path.starts_with("/admin"), "{path} is public");
    }
}

#[tokio::test]
async fn the_program_serves_reloads_and_ends_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("orrery.yml");
    std::fs::write(&file, "log: {level: info}\n").expect("written");
    let mut running = Running::start(folder, &["serve", "all", "--dev", "--config", "orrery.yml"], "info").await;
    let status = |address: String| async move { reqwest::get(address).await.expect("an answer").status().as_u16() };
    assert_eq!(status(format!("{}/health/ready", running.public)).await, 200);

    let closed = "identity: {selfservice: {flows: {registration: {enabled: false}}}}\n";
    std::fs::write(running.folder.path().join("orrery.yml"), closed).expect("written");
    running.wait_for("the configuration was read again").await;
    assert_eq!(status(format!("{}/self-service/registration/api", running.public)).await, 400);

    std::fs::write(running.folder.path().join("orrery.yml"), "identity: {nonsense: 1}\n").expect("written");
    let refused = running.wait_for("the new configuration is refused").await.to_string();
    assert!(refused.contains("orrery.yml:1: `identity.nonsense`"), "{refused}");
    assert_eq!(status(format!("{}/self-service/registration/api", running.public)).await, 400);

    std::fs::write(running.folder.path().join("orrery.yml"), "{}\n").expect("written");
    running.signal("HUP").await;
    running.wait_for("the configuration was read again").await;
    let (success, log) = running.stop().await;
    assert!(success, "{log}");
    assert!(log.contains("stopped"), "{log}");
}
