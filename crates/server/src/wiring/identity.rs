//! From the `identity` section to the settings of the identity surface.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::Context as _;
use orrery_identity::config as target;
use orrery_identity::credentials::password::BreachedList;
use orrery_identity::flow::FlowKind;
use orrery_identity::flow::node::Group;
use orrery_keys::FixedKey;
use url::{Host, Url};

use super::references::Documents;
use crate::config::identity::{
    After, Compatibility, Cookies, HashAlgorithm, Hook, HookKind, HookList, HookMoment, Identity, LoginStyle,
    RegistrationStyle, RequiredAal, SameSite, SubjectSource, TraitGroup, VerificationUse,
};
use crate::config::{Config, Mode};
use crate::listeners::Addresses;

/// Request headers that hooks are told unless the operator says otherwise: none of them authenticates anybody.
const HEADERS: [&str; 17] = [
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Content-Length",
    "Content-Type",
    "Origin",
    "Priority",
    "Referer",
    "Sec-Ch-Ua",
    "Sec-Ch-Ua-Mobile",
    "Sec-Ch-Ua-Platform",
    "Sec-Fetch-Dest",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "Sec-Fetch-User",
    "True-Client-Ip",
    "User-Agent",
];

/// The settings of the identity surface.
pub(super) fn settings(
    config: &Config,
    mode: Mode,
    addresses: &Addresses,
    documents: &Documents,
) -> anyhow::Result<target::Config> {
    let identity = &config.identity;
    let flows = &identity.selfservice.flows;
    let public = &addresses.public_url;
    let page = |configured: &Option<Url>, name: &str| match configured {
        Some(url) => Ok(url.clone()),
        None => public.join(&format!("ui/{name}")).context("serve.public.base_url"),
    };
    let allowed = identity.selfservice.allowed_return_urls.iter().map(|url| Url::parse(url));
    Ok(target::Config {
        public_url: public.clone(),
        admin_url: addresses.admin_url.clone(),
        default_schema_id: identity.default_schema_id.clone(),
        default_return_url: page(&identity.selfservice.default_browser_return_url, "account")?,
        allowed_return_urls: allowed.collect::<Result<_, _>>().context("identity.selfservice.allowed_return_urls")?,
        ui: target::UiUrls {
            login: page(&flows.login.ui_url, "login")?,
            registration: page(&flows.registration.ui_url, "registration")?,
            verification: page(&flows.verification.ui_url, "verification")?,
            recovery: page(&flows.recovery.ui_url, "recovery")?,
            settings: page(&flows.settings.ui_url, "settings")?,
            error: page(&flows.error.ui_url, "error")?,
        },
        lifespans: target::FlowLifespans {
            login: flows.login.lifespan.0.0,
            registration: flows.registration.lifespan.0.0,
            settings: flows.settings.lifespan.0.0,
            recovery: flows.recovery.lifespan.0.0,
            verification: flows.verification.lifespan.0.0,
        },
        before: before(&flows.hook_lists(), documents)?,
        web_hooks: target::WebHooks {
            heard: identity.courier.speaks_http()
                || flows.hook_lists().iter().flat_map(|list| list.hooks).any(|hook| hook.hook == HookKind::WebHook),
            timeout: identity.clients.web_hook.timeout.0,
            header_allowlist: match &identity.clients.web_hook.header_allowlist {
                Some(headers) => headers.clone(),
                None => HEADERS.map(str::to_owned).into(),
            },
            retention: config.outbox.retention.0,
        },
        login: target::LoginConfig {
            style: match flows.login.style {
                LoginStyle::Unified => target::LoginStyle::Unified,
                LoginStyle::IdentifierFirst => target::LoginStyle::IdentifierFirst,
            },
            refresh_chooses_address: identity.feature_flags.refresh_login_choose_address,
            after: after("login", &flows.login.after, documents)?,
        },
        registration: target::RegistrationConfig {
            enabled: flows.registration.enabled,
            style: match (flows.registration.style, flows.registration.enable_legacy_one_step) {
                (RegistrationStyle::Unified, _) | (_, true) => target::RegistrationStyle::Unified,
                (RegistrationStyle::ProfileFirst, false) => target::RegistrationStyle::ProfileFirst,
            },
            trait_group: match identity.feature_flags.password_profile_registration_node_group {
                TraitGroup::Default => Group::Default,
                TraitGroup::Password => Group::Password,
            },
            login_hints: flows.registration.login_hints,
            selectable_schemas: selectable(identity),
            after: after("registration", &flows.registration.after, documents)?,
        },
        settings: target::SettingsConfig {
            profile: identity.selfservice.methods.profile.enabled,
            privileged_max_age: flows.settings.privileged_session_max_age.0,
            required_aal: required_aal(flows.settings.required_aal),
            after: after("settings", &flows.settings.after, documents)?,
        },
        recovery: target::RecoveryConfig {
            enabled: flows.recovery.enabled,
            uses: delivery(flows.recovery.uses),
            choose_address: identity.feature_flags.choose_recovery_address,
            notify_unknown_recipients: flows.recovery.notify_unknown_recipients,
            after: after("recovery", &flows.recovery.after, documents)?,
        },
        verification: target::VerificationConfig {
            enabled: flows.verification.enabled,
            uses: delivery(flows.verification.uses),
            notify_unknown_recipients: flows.verification.notify_unknown_recipients,
            after: after("verification", &flows.verification.after, documents)?,
        },
        logout_return_url: flows.logout.after.default_browser_return_url.clone(),
        logout_clears_browser: flows.logout.after.clear_browser_data,
        code: {
            let code = &identity.selfservice.methods.code;
            target::CodeConfig {
                enabled: code.enabled,
                lifespan: code.config.lifespan.0,
                max_submissions: code.config.max_submissions,
                sign_in: match (code.passwordless_enabled, code.mfa_enabled) {
                    (true, _) => target::CodeSignIn::FirstFactor,
                    (false, true) => target::CodeSignIn::SecondFactor,
                    (false, false) => target::CodeSignIn::Off,
                },
                to_any_address: code.config.missing_credential_fallback_enabled,
            }
        },
        link: {
            let link = &identity.selfservice.methods.link;
            target::LinkConfig {
                enabled: link.enabled,
                lifespan: link.config.lifespan.0,
                base_url: link.config.base_url.clone(),
            }
        },
        password: {
            let password = &identity.selfservice.methods.password;
            target::PasswordPolicy {
                enabled: password.enabled,
                min_length: password.config.min_password_length as usize,
                similarity_check: password.config.identifier_similarity_check_enabled,
            }
        },
        breaches: breaches(identity, documents)?,
        tokenizer: tokenizer(identity, documents)?,
        hasher: hasher(config),
        session: session(identity, public),
        cookies: cookies(&identity.cookies, public),
        limits: target::LimitsConfig {
            attempts: config.limits.failed_attempts,
            window: config.limits.attempt_window.0,
            lock: config.limits.lockout.0,
            submits_per_minute: config.limits.submits_per_minute,
            flows_per_minute: config.limits.flows_per_minute,
        },
        compatibility: match identity.compatibility {
            Compatibility::Off => target::Compatibility::Off,
            Compatibility::Auto => target::Compatibility::Auto,
            Compatibility::On => target::Compatibility::On,
        },
        continue_with_transitions: identity.feature_flags.use_continue_with_transitions,
        mitigate_enumeration: identity.security.account_enumeration.mitigate,
        development: mode == Mode::Dev,
    })
}

fn breaches(identity: &Identity, documents: &Documents) -> anyhow::Result<target::BreachPolicy> {
    let policy = &identity.selfservice.methods.password.config;
    let host = policy.haveibeenpwned_host.trim_end_matches('/');
    let service = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    let list = policy.breached_passwords.as_deref().map(|reference| documents.text(reference)).transpose()?;
    Ok(target::BreachPolicy {
        service: policy.haveibeenpwned_enabled.then_some(service),
        tolerated: policy.max_breaches.into(),
        tolerates_silence: policy.ignore_network_errors,
        list: list.map_or_else(BreachedList::default, |text| BreachedList::parse(&text)),
    })
}

fn tokenizer(
    identity: &Identity,
    documents: &Documents,
) -> anyhow::Result<BTreeMap<String, target::TokenizerTemplate>> {
    let mut templates = BTreeMap::new();
    for (name, template) in &identity.session.whoami.tokenizer.templates {
        let key = || format!("identity.session.whoami.tokenizer.templates.{name}");
        let set = documents.bytes(&template.jwks_url).with_context(key)?;
        let mapper = template.claims_mapper_url.as_deref().map(|reference| documents.text(reference)).transpose();
        let made = target::TokenizerTemplate {
            ttl: template.ttl.0,
            mapper: mapper.with_context(key)?,
            key: FixedKey::from_set(&set).with_context(key)?,
            subject: match template.subject_source {
                SubjectSource::Id => target::SubjectSource::Id,
                SubjectSource::ExternalId => target::SubjectSource::ExternalId,
            },
        };
        templates.insert(name.clone(), made);
    }
    Ok(templates)
}

/// The pool that hashes passwords.
pub(super) fn hasher(config: &Config) -> target::HasherConfig {
    let hashers = &config.identity.hashers;
    let algorithm = match hashers.algorithm {
        HashAlgorithm::Argon2 => target::HashAlgorithm::Argon2id {
            memory_kib: u32::try_from(hashers.argon2.memory.0 / 1024).unwrap_or(u32::MAX),
            iterations: hashers.argon2.iterations,
            parallelism: hashers.argon2.parallelism,
        },
        HashAlgorithm::Bcrypt => target::HashAlgorithm::Bcrypt { cost: hashers.bcrypt.cost },
    };
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    target::HasherConfig {
        algorithm,
        workers: config.limits.hash_workers.unwrap_or_else(cores),
        queue: config.limits.hash_queue,
    }
}

fn selectable(identity: &Identity) -> Vec<String> {
    identity.schemas.iter().filter(|schema| schema.selfservice_selectable).map(|schema| schema.id.clone()).collect()
}

fn session(identity: &Identity, public: &Url) -> target::SessionConfig {
    let session = &identity.session;
    let defaults = cookies(&identity.cookies, public);
    let flags = &identity.feature_flags;
    target::SessionConfig {
        lifespan: session.lifespan.0,
        earliest_extend: session.earliest_possible_extend.map(|before| before.0),
        cookie_name: session.cookie.name.clone(),
        cookie: target::CookieConfig {
            domain: session.cookie.domain.clone().or(defaults.domain),
            path: session.cookie.path.clone().unwrap_or(defaults.path),
            same_site: session.cookie.same_site.map_or(defaults.same_site, same_site),
            secure: session.cookie.secure.unwrap_or(defaults.secure),
        },
        persistent: session.cookie.persistent,
        required_aal: required_aal(session.whoami.required_aal),
        cache_for: flags
            .cacheable_sessions
            .then(|| flags.cacheable_sessions_max_age.map_or(session.lifespan.0, |longest| longest.0)),
        faster_extend: flags.faster_session_extend,
    }
}

const fn required_aal(required: RequiredAal) -> target::RequiredAal {
    match required {
        RequiredAal::Aal1 => target::RequiredAal::Aal1,
        RequiredAal::HighestAvailable => target::RequiredAal::HighestAvailable,
    }
}

const fn delivery(uses: VerificationUse) -> target::Delivery {
    match uses {
        VerificationUse::Code => target::Delivery::Code,
        VerificationUse::Link => target::Delivery::Link,
    }
}

fn cookies(cookies: &Cookies, public: &Url) -> target::CookieConfig {
    target::CookieConfig {
        domain: cookies.domain.clone(),
        path: cookies.path.clone(),
        same_site: same_site(cookies.same_site),
        secure: cookies.secure.unwrap_or_else(|| !is_plain_loopback(public)),
    }
}

/// Browsers send `Secure` cookies over `http` to nobody, or to loopback only; elsewhere plain `http` is a mistake.
pub(super) fn is_plain_loopback(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && loopback
}

const fn same_site(same_site: SameSite) -> target::SameSite {
    match same_site {
        SameSite::Lax => target::SameSite::Lax,
        SameSite::Strict => target::SameSite::Strict,
        SameSite::None => target::SameSite::None,
    }
}

/// The hooks before flows.
fn before(lists: &[HookList<'_>], documents: &Documents) -> anyhow::Result<target::Before> {
    let mut before = target::Before::default();
    for list in lists.iter().filter(|list| list.moment == HookMoment::Before) {
        let kind = match list.flow {
            "login" => FlowKind::Login,
            "registration" => FlowKind::Registration,
            "settings" => FlowKind::Settings,
            "recovery" => FlowKind::Recovery,
            _ => FlowKind::Verification,
        };
        let calls = hooks(&list.key, list.hooks, documents)?.into_iter().filter_map(|hook| match hook {
            target::Hook::WebHook(hook) => Some(hook),
            target::Hook::Session
            | target::Hook::ShowVerificationUi
            | target::Hook::RevokeActiveSessions
            | target::Hook::RequireVerifiedAddress
            | target::Hook::VerifyNewAddress
            | target::Hook::Verification => None,
        });
        before.hooks.insert(kind, calls.collect());
    }
    Ok(before)
}

fn after(flow: &str, after: &After, documents: &Documents) -> anyhow::Result<target::After> {
    let key = format!("identity.selfservice.flows.{flow}.after");
    let mut all = target::After {
        return_url: after.default_browser_return_url.clone(),
        hooks: hooks(&format!("{key}.hooks"), &after.hooks, documents)?,
        ..target::After::default()
    };
    for (name, method) in after.methods() {
        let Some(method) = method else { continue };
        if let Some(url) = &method.default_browser_return_url {
            all.return_urls.insert(name.to_owned(), url.clone());
        }
        let own = hooks(&format!("{key}.{name}.hooks"), &method.hooks, documents)?;
        all.method_hooks.insert(name.to_owned(), own);
    }
    Ok(all)
}

/// The hooks of a list that exist here. What does nothing is named when the configuration is read (`config/idle.rs`).
fn hooks(key: &str, hooks: &[Hook], documents: &Documents) -> anyhow::Result<Vec<target::Hook>> {
    let mut known = Vec::new();
    for (index, hook) in hooks.iter().enumerate() {
        known.extend(match hook.hook {
            HookKind::Session => Some(target::Hook::Session),
            HookKind::ShowVerificationUi => Some(target::Hook::ShowVerificationUi),
            HookKind::RevokeActiveSessions => Some(target::Hook::RevokeActiveSessions),
            HookKind::RequireVerifiedAddress => Some(target::Hook::RequireVerifiedAddress),
            HookKind::VerifyNewAddress => Some(target::Hook::VerifyNewAddress),
            HookKind::Verification => Some(target::Hook::Verification),
            HookKind::WebHook => {
                let place = format!("{key}.{index}");
                let made = web_hook(&place, hook, documents).with_context(|| place.clone())?;
                Some(target::Hook::WebHook(Arc::new(made)))
            }
            HookKind::NotifyPreviousAddresses | HookKind::B2bSso | HookKind::TwoStepRegistration => None,
        });
    }
    Ok(known)
}

fn web_hook(place: &str, hook: &Hook, documents: &Documents) -> anyhow::Result<target::WebHook> {
    let config = hook.web_hook().map_err(anyhow::Error::msg)?.context("the hook has no settings")?;
    let mode = if config.response.ignore {
        target::HookMode::Ignored
    } else if config.response.parse || config.can_interrupt {
        target::HookMode::Heard
    } else {
        target::HookMode::Awaited
    };
    let body = config.body.as_deref().map(|reference| documents.text(reference)).transpose()?;
    // Its place makes it unique, whatever it is called.
    let name = config.id.map_or_else(|| place.to_owned(), |id| format!("{place} ({id})"));
    let auth = config.auth.as_ref();
    Ok(target::WebHook::new(name, &config.method, &config.url, config.headers, auth, body, mode)?)
}
