//! What becomes of the keys of a Kratos configuration.

use super::translate::Dialect;
use super::translate::Fate::{Becomes, Ends};

/// The keys of a Kratos configuration.
pub(super) const KRATOS: Dialect = Dialect {
    name: "the Kratos configuration",
    rules: &[
        ("dsn", Becomes("database.url")),
        ("serve.public", Becomes("serve.public")),
        ("serve.admin", Becomes("serve.admin")),
        ("log.level", Becomes("log.level")),
        ("log.format", Becomes("log.format")),
        ("secrets.default", Becomes("secrets.default")),
        ("database.cleanup.batch_size", Becomes("database.cleanup.batch_size")),
        ("tracing.service_name", Becomes("tracing.service_name")),
        ("clients.http.private_ip_exceptions", Becomes("identity.clients.http.private_ip_exceptions")),
        ("clients.web_hook", Becomes("identity.clients.web_hook")),
        ("identity", Becomes("identity")),
        ("selfservice", Becomes("identity.selfservice")),
        ("session", Becomes("identity.session")),
        ("cookies", Becomes("identity.cookies")),
        ("hashers", Becomes("identity.hashers")),
        ("security", Becomes("identity.security")),
        ("courier", Becomes("identity.courier")),
        ("feature_flags", Becomes("identity.feature_flags")),
        ("version", Ends("the format of the file is recognised by its keys")),
        ("dev", Ends("development mode is the flag --dev")),
        ("watch-courier", Ends("the courier runs with `serve all`, or as `serve courier`")),
        ("expose-metrics-port", Ends("metrics are on the admin listener")),
        ("sqa-opt-out", Ends("nothing is reported to anybody")),
        ("serve.public.cors.options_passthrough", Ends("preflight requests are always answered here")),
        ("serve.public.cors.debug", Ends("the access log shows what was answered")),
        ("serve.public.socket.owner", Ends("a socket belongs to the user that runs the server")),
        ("serve.public.socket.group", Ends("a socket belongs to the user that runs the server")),
        ("serve.admin.socket.owner", Ends("a socket belongs to the user that runs the server")),
        ("serve.admin.socket.group", Ends("a socket belongs to the user that runs the server")),
        ("secrets.cookie", Ends("a key for each purpose is derived from secrets.default")),
        ("secrets.cipher", Ends("a key for each purpose is derived from secrets.default")),
        ("secrets.pagination", Ends("a key for each purpose is derived from secrets.default")),
        ("ciphers", Ends("stored secrets are always encrypted with AES-256-GCM")),
        ("hashers.argon2.expected_duration", Ends("an unknown account costs a real hash, not a pause")),
        ("hashers.argon2.expected_deviation", Ends("an unknown account costs a real hash, not a pause")),
        ("hashers.argon2.dedicated_memory", Ends("the hashing pool is bounded by limits.hash_workers")),
        ("database.cleanup", Ends("what has expired is removed continuously")),
        ("log.leak_sensitive_values", Ends("secrets are never logged")),
        ("log.redaction_text", Ends("secrets are never logged")),
        ("tracing.deployment_environment", Ends("name it in tracing.service_name")),
        ("tracing.provider", Ends("traces leave by OTLP; set tracing.endpoint")),
        ("tracing.providers", Ends("traces leave by OTLP; set tracing.endpoint")),
        (
            "clients.http.disallow_private_ip_ranges",
            Ends("private addresses are always refused to URLs that callers choose"),
        ),
        ("clients.http.private_ip_exception_urls", Ends("name networks in outbound.allowed_networks")),
        ("clients.smtp", Ends("the mail server is the operator's own choice")),
        ("oauth2_provider", Ends("the OAuth2 server is part of this one")),
        ("preview", Ends("reads are always consistent")),
        ("organizations", Ends("a feature of the commercial edition")),
        ("revision", Ends("a feature of the commercial edition")),
        ("enterprise", Ends("a feature of the commercial edition")),
        ("feature_flags.legacy_oidc_registration_node_group", Ends("not available yet")),
        ("feature_flags.legacy_allow_insecure_origins", Ends("return addresses are always checked strictly")),
    ],
};

#[cfg(test)]
mod tests {
    use std::path::Path;

    use config::{Value, ValueKind};

    use super::*;
    use crate::config::Sources;
    use crate::config::load::read_file;
    use crate::config::translate::{Translated, beneath};

    fn translated(yaml: &str) -> Translated {
        let original = config::Config::builder()
            .add_source(config::File::from_str(yaml, config::FileFormat::Yaml))
            .build()
            .expect("YAML");
        KRATOS.translate(&original)
    }

    #[test]
    fn keys_move_and_meaningless_ones_are_said() {
        let it = translated(
            "dsn: sqlite://x\nversion: v26\nsecrets: {default: [a], cipher: [b]}\nhashers: {argon2: {memory: 1MB, expected_duration: 1s}}\nidentity: {default_schema_id: p}\nsession: {lifespan: 1h}\ndatabase: {cleanup: {batch_size: 7, sleep: {tables: 1m}}}\n",
        );
        let get = |key: &str| it.source.get_string(key).ok();
        assert_eq!(get("database.url").as_deref(), Some("sqlite://x"));
        assert_eq!(get("identity.hashers.argon2.memory").as_deref(), Some("1MB"));
        assert_eq!(get("identity.session.lifespan").as_deref(), Some("1h"), "not replaced by the other section");
        assert_eq!(get("identity.default_schema_id").as_deref(), Some("p"));
        assert_eq!(get("database.cleanup.batch_size").as_deref(), Some("7"));
        let mut named: Vec<_> = it.warnings.iter().filter_map(|warning| warning.split('`').nth(1)).collect();
        named.sort_unstable();
        assert_eq!(named, ["database.cleanup.sleep", "hashers.argon2.expected_duration", "secrets.cipher", "version"]);
    }

    /// Every key of a tree that has no section below it.
    fn leaves(value: &Value, path: &mut Vec<String>, found: &mut Vec<String>) {
        let ValueKind::Table(table) = &value.kind else { return found.push(path.join(".")) };
        if table.is_empty() {
            found.push(path.join("."));
        }
        for (name, inner) in table {
            path.push(name.clone());
            leaves(inner, path, found);
            path.pop();
        }
    }

    /// What a key is called here; none where it has no meaning.
    fn ours(key: &str) -> Option<String> {
        let fitting = KRATOS.rules.iter().filter_map(|(name, fate)| Some((beneath(name, key)?, fate)));
        match fitting.min_by_key(|(rest, _)| rest.len()) {
            Some((rest, Becomes(ours))) => Some(format!("{ours}{rest}")),
            Some((_, Ends(_))) | None => None,
        }
    }

    #[test]
    fn every_documented_key_of_kratos_is_understood_or_told() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kratos/every-key.yml");
        let original = read_file(&file).expect("a file");
        let loaded = crate::config::load(&Sources { kratos: Some(file), ..Sources::default() });
        let loaded = loaded.expect("no documented key is refused");
        let config = serde_json::to_value(&loaded.config).expect("JSON");
        let told: Vec<_> = loaded.warnings.iter().filter_map(|warning| warning.split('`').nth(1)).collect();
        let is_told = |key: &str| told.iter().any(|told| beneath(told, key).is_some());
        let mut keys = Vec::new();
        leaves(&original.cache, &mut Vec::new(), &mut keys);
        assert!(keys.len() > 200, "{}", keys.len());
        for key in keys.iter().filter(|key| !is_told(key)) {
            let Some(ours) = ours(key) else { panic!("{key} is dropped silently") };
            let place = format!("/{}", ours.replace('.', "/"));
            let understood = config.pointer(&place).is_some_and(|value| !value.is_null());
            assert!(is_told(&ours) || understood, "{key} is not at {place}");
        }
        for key in ["secrets.cipher", "oauth2_provider.url", "tracing.deployment_environment"] {
            assert!(is_told(key), "{key}: {told:?}");
        }
        assert!(is_told("identity.hashers.argon2.salt_length"), "{told:?}");
    }

    #[test]
    fn unknown_keys_stay_so_that_they_are_refused() {
        assert!(translated("surprise: {a: 1}").source.get_int("surprise.a").is_ok());
    }

    #[test]
    fn places_are_found_again() {
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(KRATOS.original_path(&path("identity.session.cookie.name")), path("session.cookie.name"));
        assert_eq!(KRATOS.original_path(&path("database.url")), path("dsn"));
        assert_eq!(KRATOS.original_path(&path("identity.schemas.0")), path("identity.schemas.0"));
    }
}
