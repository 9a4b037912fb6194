//! What an operator reads when a configuration is wrong, and what secrets never appear in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;

const VALID: &str = "database:\n  url: sqlite://x.db\nsecrets:\n  default: [a secret of enough length]\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn sources(files: Vec<PathBuf>, environment: &[(&str, &str)]) -> Sources {
    let environment: BTreeMap<_, _> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sources { files, environment, ..Sources::default() }
}

/// The whole complaint about a file and an environment, without the folder's name.
fn complaint(name: &str, content: &str, environment: &[(&str, &str)]) -> String {
    let folder = Folder::new();
    let file = folder.file(name, content);
    let problems = load(&sources(vec![file], environment)).expect_err("refused");
    problems.to_string().replace(&folder.path().display().to_string(), "")
}

#[test]
fn complaints_name_file_line_key_and_a_way_out() {
    let yaml = format!("{VALID}serve:\n  public:\n    prot: 80\n    port: many\n  admn: {{}}\nlog:\n  format: xml\n");
    insta::assert_snapshot!("yaml", complaint("orrery.yml", &yaml, &[]));
    let toml = "[database]\nurl = \"sqlite://x\"\n\n[secrets]\ndefault = [\"a secret of enough length\"]\n\n[limits]\nlockout = \"1 day\"\nhash_queue = true\n";
    insta::assert_snapshot!("toml", complaint("orrery.toml", toml, &[]));
    insta::assert_snapshot!("environment", complaint("a.yml", VALID, &[("ORRERY__SERVE__PUBLIC__PORT", "http")]));
    insta::assert_snapshot!("empty", complaint("a.json", "{}", &[]));
    insta::assert_snapshot!("broken", complaint("a.yaml", "serve: [", &[]));
    insta::assert_snapshot!(
        "unsafe",
        complaint(
            "a.yml",
            "database: {url: 'mysql://root:hunter2@db/x'}\nsecrets: {default: [short]}\nadmin: {tokens: [short]}\nserve:\n  admin: {host: 0.0.0.0}\n  public: {tls: {cert: {}, key: {path: k, base64: aGk=}}}\nidentity:\n  courier: {delivery_strategy: inbox}\n  default_schema_id: person\n",
            &[],
        )
    );
    let list =
        format!("{VALID}identity:\n  schemas:\n    - id: a\n      url: base64://e30=\n    - id: b\n      ulr: x\n");
    insta::assert_snapshot!("list", complaint("a.yml", &list, &[]));
}

#[test]
fn an_admin_listener_open_to_the_network_needs_a_token() {
    for host in ["0.0.0.0", "'[::]'", "192.168.1.5", "admin.internal"] {
        let told = complaint("a.yml", &format!("{VALID}serve: {{admin: {{host: {host}}}}}\n"), &[]);
        assert!(told.contains("/a.yml:5: `serve.admin.host`") && told.contains("admin.tokens"), "{told}");
    }
    let folder = Folder::new();
    for host in ["127.0.0.1", "'[::1]'", "localhost", "unix:/run/orrery.sock"] {
        let file = folder.file("a.yml", &format!("{VALID}serve: {{admin: {{host: {host}}}}}\n"));
        assert!(load(&sources(vec![file], &[])).is_ok(), "{host}");
    }
}

#[test]
fn complaints_about_a_kratos_file_use_its_own_lines() {
    let folder = Folder::new();
    let content = "dsn: memory\nsecrets:\n  default: [a secret of enough length]\nsession:\n  lifespna: 1h\n";
    let kratos = folder.file("kratos.yml", content);
    let problems = load(&Sources { kratos: Some(kratos), ..Sources::default() }).expect_err("refused");
    insta::assert_snapshot!("kratos", problems.to_string().replace(&folder.path().display().to_string(), ""));
}

#[test]
fn the_environment_wins_and_is_read_as_the_type_that_is_wanted() {
    let folder = Folder::new();
    let file = folder.file("a.yml", VALID);
    let loaded = load(&sources(
        vec![file],
        &[
            ("ORRERY__SERVE__PUBLIC__PORT", "8080"),
            ("ORRERY__SERVE__ORY_PORTS", "true"),
            ("ORRERY__SECRETS__DEFAULT", "the first secret of two,the second secret of two"),
            ("ORRERY__ADMIN__TOKENS", "12345678901234567890123456789012345678"),
            ("ORRERY__IDENTITY__SCHEMAS", r#"[{"id":"default","url":"base64://e30="}]"#),
            ("ORRERY__SERVE__TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8"),
            ("PATH", "/bin"),
        ],
    ));
    let config = loaded.expect("valid").config;
    assert_eq!((config.serve.public.port, config.serve.ory_ports), (8080, true));
    assert_eq!(config.secrets.default.len(), 2);
    assert_eq!(config.secrets.default[1].expose(), "the second secret of two");
    assert_eq!(config.admin.tokens[0].expose(), "12345678901234567890123456789012345678");
    assert_eq!(config.identity.schemas[0].id, "default");
    assert_eq!(config.serve.trusted_proxies.len(), 2);
}

#[test]
fn later_files_win_and_formats_mix() {
    let folder = Folder::new();
    let files = vec![
        folder.file("a.yml", VALID),
        folder.file("b.toml", "[serve.public]\nport = 1000\n[serve.admin]\nport = 2000\n"),
        folder.file("c.json", r#"{"serve": {"public": {"port": 3000}}}"#),
    ];
    let serve = load(&sources(files, &[])).expect("valid").config.serve;
    assert_eq!((serve.public.port, serve.admin.port), (3000, 2000));
}

#[test]
fn secrets_come_from_files_and_are_shown_nowhere() {
    let folder = Folder::new();
    let secret = folder.file("secret", "SECRET-default-SECRET\n");
    let smtp = folder.file("smtp", "smtp://u:SECRET-smtp@mail:25/\n");
    let yaml = format!(
        "database: {{url: 'postgres://u:SECRET-dsn@db/x'}}\nsecrets: {{default: ['file://{}']}}\nadmin: {{tokens: [SECRET-token-SECRET-token-SECRET-token]}}\n\
         serve: {{public: {{tls: {{cert: {{path: c}}, key: {{base64: SECRET-key}}}}}}}}\n\
         identity:\n  courier:\n    smtp: {{connection_uri: 'file://{}'}}\n    channels: [{{id: sms, type: http, request_config: {{url: 'https://u:SECRET-url@sms/?key=SECRET-query', headers: {{X: SECRET-header}}, auth: {{type: basic_auth, config: {{user: u, password: SECRET-basic}}}}}}}}]\n\
         \x20 selfservice:\n    methods: {{oidc: {{config: {{providers: [{{id: x, client_secret: SECRET-client}}]}}}}}}\n    flows: {{login: {{after: {{hooks: [{{hook: web_hook, config: {{url: 'https://x.example/', method: POST, auth: {{type: api_key, config: {{name: X, in: header, value: SECRET-hook}}}}}}}}]}}}}}}\n",
        secret.display(),
        smtp.display(),
    );
    let loaded = load(&sources(vec![folder.file("a.yml", &yaml)], &[])).expect("valid");
    assert_eq!(loaded.config.secrets.default[0].expose(), "SECRET-default-SECRET");
    let shown = format!("{:?} {}", loaded.config, serde_json::to_string(&loaded.config).expect("JSON"));
    let found = shown.find("SECRET-").map(|at| &shown[at..(at + 40).min(shown.len())]);
    assert_eq!(found, None);
}

#[test]
fn a_secret_file_that_is_missing_is_named_but_its_value_never_is() {
    let yaml = "database: {url: memory}\nsecrets:\n  default:\n    - file:///nowhere/secret\n";
    let told = complaint("a.yml", yaml, &[]);
    assert!(told.contains("/a.yml:4: `secrets.default.0`") && told.contains("/nowhere/secret"), "{told}");
    let told = complaint("a.yml", "database: {url: memory}\nsecrets:\n  default: {hunter2: hunter2}\n", &[]);
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn every_configuration_in_deploy_is_valid() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let environment = [
        ("ORRERY__DATABASE__URL", "postgres://orrery@db/orrery"),
        ("ORRERY__SECRETS__DEFAULT", "a secret of enough length"),
        ("ORRERY__ADMIN__TOKENS", "a token of at least thirty-two characters"),
    ];
    for name in ["orrery.yaml", "orrery.example.yml"] {
        let loaded = load(&sources(vec![deploy.join(name)], &environment)).expect(name);
        assert_eq!(loaded.warnings, Vec::<String>::new(), "{name}");
    }
}

/// What is said about a file, without the folder's name.
fn warnings(content: &str, mode: Mode) -> Vec<String> {
    let folder = Folder::new();
    let file = folder.file("a.yml", content);
    let loaded = load(&Sources { files: vec![file], mode, ..Sources::default() }).expect("valid");
    let folder = folder.path().display().to_string();
    loaded.warnings.into_iter().map(|warning| warning.replace(&folder, "")).collect()
}

#[test]
fn what_is_accepted_without_effect_is_named_with_file_line_and_key() {
    for (key, yaml) in [
        ("selfservice.methods.password.config.migrate_hook", "{enabled: true}"),
        ("selfservice.methods.password.config.min_password_length", "6"),
        ("selfservice.methods.totp.enabled", "true"),
        ("selfservice.flows.login.before.hooks", "[{hook: revoke_active_sessions}]"),
        ("selfservice.flows.login.after.hooks", "[{hook: session}]"),
        ("selfservice.flows.registration.after.password.hooks", "[{hook: two_step_registration}]"),
        ("selfservice.flows.recovery.after.hooks", "[{hook: show_verification_ui}]"),
        ("selfservice.flows.settings.after.password.hooks", "[{hook: verify_new_address}]"),
        // The verification flow is off.
        ("selfservice.flows.settings.after.profile.hooks", "[{hook: verify_new_address}]"),
        ("security.account_enumeration.mitigate", "false"),
        ("security.disallow_ref_in_identity_schemas", "false"),
        ("feature_flags.legacy_require_verified_login_error", "true"),
    ] {
        let mut nested = format!("{VALID}identity:\n");
        for (depth, part) in key.split('.').enumerate() {
            nested.push_str(&format!("{}{part}:{}", "  ".repeat(depth + 1), "\n"));
        }
        let content = format!("{} {yaml}\n", nested.trim_end());
        let line = content.lines().count();
        let told = warnings(&content, Mode::Production);
        let place = format!("/a.yml:{line}: `identity.{key}`: ");
        assert!(matches!(told.as_slice(), [only] if only.starts_with(&place)), "{key}: {told:?}");
    }
    assert_eq!(warnings(VALID, Mode::Production), Vec::<String>::new(), "defaults promise nothing");
}

#[test]
fn a_hook_is_named_where_the_list_of_its_method_replaces_it() {
    let settings = |hooks: &str| {
        format!(
            "{VALID}identity:\n  selfservice:\n    flows:\n      verification: {{enabled: true}}\n      settings:\n        \
             after:\n          hooks: [{{hook: verify_new_address}}]\n          profile: {{hooks: {hooks}}}\n"
        )
    };
    assert_eq!(warnings(&settings("[]"), Mode::Production), Vec::<String>::new());
    let told = warnings(&settings("[{hook: revoke_active_sessions}]"), Mode::Production);
    let [only] = told.as_slice() else { panic!("{told:?}") };
    assert!(only.contains("`identity.selfservice.flows.settings.after.hooks`"), "{only}");
}

#[test]
fn weak_cookies_are_named() {
    let base = format!("{VALID}serve: {{public: {{base_url: 'https://id.example/'}}}}\nidentity:\n");
    let told = warnings(&format!("{base}  cookies: {{secure: false, same_site: None}}\n"), Mode::Production).join("\n");
    assert!(told.contains("`identity.cookies.secure`") && told.contains("`identity.cookies.same_site`"), "{told}");
    let told = warnings(&format!("{base}  session: {{cookie: {{secure: false}}}}\n"), Mode::Production).join("\n");
    assert!(told.contains("/a.yml:7: `identity.session.cookie.secure`"), "{told}");
    let fine = format!("{base}  cookies: {{secure: true, same_site: None}}\n");
    assert_eq!(warnings(&fine, Mode::Production), Vec::<String>::new());
}

#[test]
fn dev_mode_on_a_public_address_is_named() {
    let open = format!("{VALID}serve: {{public: {{host: 0.0.0.0}}}}\n");
    let told = warnings(&open, Mode::Dev).join("\n");
    assert!(told.contains("/a.yml:5: `serve.public.host`: --dev"), "{told}");
    assert_eq!(warnings(&open, Mode::Production), Vec::<String>::new());
    let closed = format!("{VALID}serve: {{public: {{host: 127.0.0.1}}}}\n");
    assert_eq!(warnings(&closed, Mode::Dev), Vec::<String>::new());
}

#[test]
fn a_code_is_the_only_factor_or_the_second_one() {
    let both = format!(
        "{VALID}identity: {{selfservice: {{methods: {{code: {{passwordless_enabled: true, mfa_enabled: true}}}}}}}}\n"
    );
    let refused = complaint("a.yml", &both, &[]);
    assert!(refused.contains("identity.selfservice.methods.code.mfa_enabled"), "{refused}");
}

#[test]
fn a_configuration_is_small_where_it_is_held() {
    let size = size_of::<Config>();
    assert!(size <= 2048, "{size} bytes: box a section");
}
