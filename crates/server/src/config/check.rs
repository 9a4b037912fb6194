//! What types cannot say: keys that need each other, values that would be unsafe.

use std::net::IpAddr;

use orrery_core::origin::OriginPattern;
use orrery_courier::config::DeliveryStrategy;

use super::identity::{HashAlgorithm, HookKind, Identity};
use super::serve::{Pem, Tls};
use super::{Config, Mode, Problem, oauth2};

/// Everything that is wrong with a well-typed configuration. What merely has no effect is in `idle.rs`.
pub(super) fn check(config: &Config, mode: Mode) -> Vec<Problem> {
    let mut problems = Vec::new();
    storage(config, &mut problems);
    listeners(config, &mut problems);
    identity(&config.identity, mode, &mut problems);
    oauth2::check(&config.oauth2, mode, &mut problems);
    problems
}

fn storage(config: &Config, problems: &mut Vec<Problem>) {
    let dev = "start with --dev to try Orrery without any configuration";
    match &config.database.url {
        None => problems.push(Problem::new("database.url", "no database is configured").hint(dev)),
        Some(url) if !is_database(url.expose()) => problems.push(
            Problem::new("database.url", "this kind of database is not supported")
                .hint("begin with sqlite:// or postgres://"),
        ),
        Some(_) => {}
    }
    let generate = "generate one with: openssl rand -base64 32";
    if config.secrets.default.is_empty() {
        problems.push(Problem::new("secrets.default", "no secret is configured").hint(generate));
    }
    if config.secrets.default.iter().any(|secret| secret.expose().chars().count() < 16) {
        problems.push(Problem::new("secrets.default", "a secret has fewer than 16 characters").hint(generate));
    }
    if config.admin.tokens.iter().any(|token| token.expose().chars().count() < 32) {
        problems.push(Problem::new("admin.tokens", "a token has fewer than 32 characters").hint(generate));
    }
}

fn is_database(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default();
    url == "memory" || matches!(scheme, "sqlite" | "sqlite3" | "postgres" | "postgresql")
}

fn listeners(config: &Config, problems: &mut Vec<Problem>) {
    let serve = &config.serve;
    if !is_private_place(&serve.admin.host) && config.admin.tokens.is_empty() {
        problems.push(
            Problem::new("serve.admin.host", "the admin listener would be open to the network without a token")
                .hint("set admin.tokens, or bind 127.0.0.1 or a Unix socket (unix:/run/orrery/admin.sock)"),
        );
    }
    for (key, host) in [("serve.public.host", &serve.public.host), ("serve.admin.host", &serve.admin.host)] {
        if host.is_empty() {
            problems.push(
                Problem::new(key, "the address is empty").hint("0.0.0.0 listens on every IPv4 address, [::] on all"),
            );
        }
    }
    for (key, url) in
        [("serve.public.base_url", &serve.public.base_url), ("serve.admin.base_url", &serve.admin.base_url)]
    {
        let Some(url) = url else { continue };
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            problems.push(Problem::new(key, "not a base URL").hint("an http or https URL without query and fragment"));
        }
    }
    for (key, tls) in [("serve.public.tls", &serve.public.tls), ("serve.admin.tls", &serve.admin.tls)] {
        let Some(Tls { cert, key: private }) = tls else { continue };
        for (part, Pem { path, base64 }) in [("cert", cert), ("key", private)] {
            if path.is_some() == base64.is_some() {
                problems.push(Problem::new(format!("{key}.{part}"), "exactly one of `path` and `base64` is needed"));
            }
        }
    }
    let origins = serve.public.cors.allowed_origins.iter().enumerate();
    for (index, _) in origins.filter(|(_, origin)| *origin != "*" && OriginPattern::parse(origin).is_none()) {
        problems.push(
            Problem::new(format!("serve.public.cors.allowed_origins.{index}"), "no origin fits this")
                .hint("such as https://app.example.com, https://*.example.com or https://pr-*.example.com"),
        );
    }
    let ratio = config.tracing.sampling_ratio;
    if !(0.0..=1.0).contains(&ratio) {
        problems.push(Problem::new("tracing.sampling_ratio", "not between 0 and 1"));
    }
}

/// Whether only this machine can reach a listener there. A name is not: it may resolve to anything.
pub(crate) fn is_private_place(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.starts_with("unix:") || host == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn identity(identity: &Identity, mode: Mode, problems: &mut Vec<Problem>) {
    let ids: Vec<_> = identity.schemas.iter().map(|schema| schema.id.as_str()).collect();
    let built_in = ids.is_empty() && identity.default_schema_id == "default";
    if !built_in && !ids.contains(&identity.default_schema_id.as_str()) {
        problems.push(Problem::new("identity.default_schema_id", "no schema has this id").hint(if ids.is_empty() {
            "give its address in identity.schemas".to_owned()
        } else {
            format!("configured: {}", ids.join(", "))
        }));
    }
    for (index, id) in ids.iter().enumerate() {
        if ids[..index].contains(id) {
            problems.push(Problem::new(format!("identity.schemas.{index}.id"), "another schema has the same id"));
        }
    }
    let courier = &identity.courier;
    if courier.delivery_strategy == DeliveryStrategy::Inbox && mode == Mode::Production {
        problems.push(
            Problem::new("identity.courier.delivery_strategy", "the inbox shows every code to everybody")
                .hint("use smtp or http; the inbox is for --dev"),
        );
    }
    let hashers = &identity.hashers;
    if hashers.algorithm == HashAlgorithm::Bcrypt && !(4..=15).contains(&hashers.bcrypt.cost) {
        problems.push(Problem::new("identity.hashers.bcrypt.cost", "not between 4 and 15"));
    } else if hashers.algorithm == HashAlgorithm::Bcrypt && hashers.bcrypt.cost < 12 && mode == Mode::Production {
        problems.push(Problem::new("identity.hashers.bcrypt.cost", "below 12 is only for --dev"));
    }
    let argon2 = &hashers.argon2;
    let least = 8 * 1024 * u64::from(argon2.parallelism);
    if !(1..=10).contains(&argon2.iterations)
        || !(1..=16).contains(&argon2.parallelism)
        || !(least..=1 << 30).contains(&argon2.memory.0)
    {
        problems.push(
            Problem::new("identity.hashers.argon2", "Argon2 cannot work with these costs, or nobody could afford them")
                .hint("1 to 10 iterations, 1 to 16 lanes, and 8 KB of memory for each lane to 1 GB"),
        );
    }
    let code = &identity.selfservice.methods.code;
    if code.passwordless_enabled && code.mfa_enabled {
        let key = "identity.selfservice.methods.code.mfa_enabled";
        let hint = "switch off passwordless_enabled, or this";
        problems.push(Problem::new(key, "a code cannot be the only factor and the second one at once").hint(hint));
    }
    if code.config.max_submissions == 0 {
        let key = "identity.selfservice.methods.code.config.max_submissions";
        problems.push(Problem::new(key, "no code could ever be entered").hint("at least 1"));
    }
    hooks(identity, problems);
    for (index, url) in identity.selfservice.allowed_return_urls.iter().enumerate() {
        if url::Url::parse(url).is_err() {
            problems.push(
                Problem::new(format!("identity.selfservice.allowed_return_urls.{index}"), "not a URL")
                    .hint("such as https://app.example.com/ or https://*.example.com"),
            );
        }
    }
}

/// Hooks that could not be called, or that would not do what they promise.
fn hooks(identity: &Identity, problems: &mut Vec<Problem>) {
    for list in identity.selfservice.flows.hook_lists() {
        for hook in list.hooks {
            if hook.hook == HookKind::B2bSso {
                let what = "the hook b2b_sso is a feature of the commercial edition: nobody would be sent to their organisation";
                problems.push(Problem::new(list.key.as_str(), what).hint("remove it"));
            }
            if let Err(why) = hook.web_hook() {
                problems.push(Problem::new(list.key.as_str(), why));
            }
        }
    }
}
