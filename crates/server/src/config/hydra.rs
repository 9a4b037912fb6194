//! What becomes of the keys of a Hydra configuration.

use super::translate::Dialect;
use super::translate::Fate::{Becomes, Ends};

/// What a Hydra configuration leaves unsaid: its ports. A Kratos configuration beside it has its own.
pub(super) const PORTS: &str = "serve: {public: {port: 4444}, admin: {port: 4445}}";

/// And what its cookies are: with https, applications of other sites renew sign-ins in a frame.
pub(super) const COOKIES: &str = "oauth2: {cookies: {same_site_mode: None}}";

/// The keys of a Hydra configuration.
pub(super) const HYDRA: Dialect = Dialect {
    name: "the Hydra configuration",
    rules: &[
        ("dsn", Becomes("database.url")),
        ("serve.public", Becomes("serve.public")),
        ("serve.admin", Becomes("serve.admin")),
        ("serve.cookies", Becomes("oauth2.cookies")),
        ("log.level", Becomes("log.level")),
        ("log.format", Becomes("log.format")),
        ("secrets.system", Becomes("secrets.default")),
        ("tracing.service_name", Becomes("tracing.service_name")),
        ("oauth2", Becomes("oauth2")),
        ("urls", Becomes("oauth2.urls")),
        ("ttl", Becomes("oauth2.ttl")),
        ("strategies", Becomes("oauth2.strategies")),
        ("oidc", Becomes("oauth2.oidc")),
        ("webfinger", Becomes("oauth2.webfinger")),
        ("version", Ends("the format of the file is recognised by its keys")),
        ("dev", Ends("development mode is the flag --dev")),
        ("sqa", Ends("nothing is reported to anybody")),
        ("serve.tls", Ends("each listener has its own: serve.public.tls and serve.admin.tls")),
        ("serve.public.tls.enabled", Ends("TLS is on where a certificate is given")),
        ("serve.admin.tls.enabled", Ends("TLS is on where a certificate is given")),
        ("serve.public.tls.allow_termination_from", Ends("name the proxies in serve.trusted_proxies")),
        ("serve.admin.tls.allow_termination_from", Ends("name the proxies in serve.trusted_proxies")),
        ("serve.public.cors.options_passthrough", Ends("preflight requests are always answered here")),
        ("serve.public.cors.debug", Ends("the access log shows what was answered")),
        ("serve.admin.cors", Ends("pages of other origins never call the admin listener")),
        ("serve.public.socket.owner", Ends("a socket belongs to the user that runs the server")),
        ("serve.public.socket.group", Ends("a socket belongs to the user that runs the server")),
        ("serve.admin.socket.owner", Ends("a socket belongs to the user that runs the server")),
        ("serve.admin.socket.group", Ends("a socket belongs to the user that runs the server")),
        ("secrets.cookie", Ends("a key for each purpose is derived from secrets.default")),
        ("secrets.pagination", Ends("a key for each purpose is derived from secrets.default")),
        ("log.leak_sensitive_values", Ends("secrets are never logged")),
        ("log.redaction_text", Ends("secrets are never logged")),
        ("tracing.provider", Ends("traces leave by OTLP; set tracing.endpoint")),
        ("tracing.providers", Ends("traces leave by OTLP; set tracing.endpoint")),
        ("tracing.deployment_environment", Ends("traces leave by OTLP; set tracing.endpoint")),
        (
            "clients.http.disallow_private_ip_ranges",
            Ends("private addresses are always refused to URLs that callers choose"),
        ),
        ("clients.http.private_ip_exception_urls", Ends("name networks in outbound.allowed_networks")),
        ("hsm", Ends("signing keys are kept in the database, sealed")),
        ("cgroups", Ends("threads follow the processors that the system grants; see serve.workers")),
        ("db", Ends("the schema is checked when the server starts")),
        ("profiling", Ends("profiles are taken from outside")),
        ("feature_flags.legacy_allow_insecure_origins", Ends("origins are always checked strictly")),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_and_meaningless_ones_are_said() {
        let yaml = "dsn: sqlite://x\nserve: {cookies: {same_site_mode: Lax}, public: {port: 1}, tls: {enabled: true}}\n\
                    urls: {self: {issuer: https://id.example.com}}\noauth2: {pkce: {enforced: true}}\nttl: {id_token: 2h}\n\
                    secrets: {system: [a], cookie: [b]}\nsqa: {opt_out: true}\n";
        let file = config::File::from_str(yaml, config::FileFormat::Yaml);
        let it = HYDRA.translate(&config::Config::builder().add_source(file).build().expect("YAML"));
        let get = |key: &str| it.source.get_string(key).ok();
        for (key, value) in [
            ("database.url", "sqlite://x"),
            ("oauth2.cookies.same_site_mode", "Lax"),
            ("serve.public.port", "1"),
            ("oauth2.urls.self.issuer", "https://id.example.com"),
            ("oauth2.pkce.enforced", "true"),
            ("oauth2.ttl.id_token", "2h"),
        ] {
            assert_eq!(get(key).as_deref(), Some(value), "{key}");
        }
        let named: Vec<_> = it.warnings.iter().filter_map(|warning| warning.split('`').nth(1)).collect();
        assert_eq!(named, ["secrets.cookie", "serve.tls", "sqa"]);
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(HYDRA.original_path(&path("oauth2.urls.self.issuer")), path("urls.self.issuer"));
        assert_eq!(HYDRA.original_path(&path("oauth2.pkce.enforced")), path("oauth2.pkce.enforced"));
        assert_eq!(HYDRA.original_path(&path("oauth2.cookies.domain")), path("serve.cookies.domain"));
    }
}
