//! From the `identity` section to the settings of the identity surface.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use anyhow::Context as _;
use orrery_identity::config as target;
use url::{Host, Url};

use crate::config::identity::{
    After, AfterMethod, Compatibility, Cookies, HashAlgorithm, Hook, HookKind, Identity, LoginStyle, RegistrationStyle,
    RequiredAal, SameSite, VerificationUse,
};
use crate::config::{Config, Mode};
use crate::listeners::Addresses;

/// The settings of the identity surface.
pub(super) fn settings(config: &Config, mode: Mode, addresses: &Addresses) -> anyhow::Result<target::Config> {
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
        login: target::LoginConfig {
            style: match flows.login.style {
                LoginStyle::Unified => target::LoginStyle::Unified,
                LoginStyle::IdentifierFirst => target::LoginStyle::IdentifierFirst,
            },
            refresh_chooses_address: identity.feature_flags.refresh_login_choose_address,
            after: after(&flows.login.after),
        },
        registration: target::RegistrationConfig {
            enabled: flows.registration.enabled,
            style: match (flows.registration.style, flows.registration.enable_legacy_one_step) {
                (RegistrationStyle::Unified, _) | (_, true) => target::RegistrationStyle::Unified,
                (RegistrationStyle::ProfileFirst, false) => target::RegistrationStyle::ProfileFirst,
            },
            login_hints: flows.registration.login_hints,
            selectable_schemas: selectable(identity),
            after: after(&flows.registration.after),
        },
        settings: target::SettingsConfig {
            privileged_max_age: flows.settings.privileged_session_max_age.0,
            required_aal: required_aal(flows.settings.required_aal),
            after: after(&flows.settings.after),
        },
        recovery: target::RecoveryConfig {
            enabled: flows.recovery.enabled,
            uses: delivery(flows.recovery.uses),
            choose_address: identity.feature_flags.choose_recovery_address,
            notify_unknown_recipients: flows.recovery.notify_unknown_recipients,
            after: after(&flows.recovery.after),
        },
        verification: target::VerificationConfig {
            enabled: flows.verification.enabled,
            uses: delivery(flows.verification.uses),
            notify_unknown_recipients: flows.verification.notify_unknown_recipients,
            after: after(&flows.verification.after),
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

fn after(after: &After) -> target::After {
    let methods: [(&str, &Option<AfterMethod>); 8] = [
        ("password", &after.password),
        ("code", &after.code),
        ("oidc", &after.oidc),
        ("webauthn", &after.webauthn),
        ("passkey", &after.passkey),
        ("totp", &after.totp),
        ("lookup_secret", &after.lookup_secret),
        ("profile", &after.profile),
    ];
    let return_urls: BTreeMap<String, Url> = methods
        .iter()
        .filter_map(|(name, method)| Some(((*name).to_owned(), method.as_ref()?.default_browser_return_url.clone()?)))
        .collect();
    let known = |hooks: &[Hook]| hooks.iter().filter_map(|hook| supported(hook.hook)).collect::<Vec<_>>();
    let own = methods.iter().filter_map(|(name, method)| Some(((*name).to_owned(), known(&method.as_ref()?.hooks))));
    target::After {
        return_urls,
        return_url: after.default_browser_return_url.clone(),
        hooks: known(&after.hooks),
        method_hooks: own.collect(),
    }
}

/// The hooks that exist here. What does nothing is named when the configuration is read (`config/idle.rs`).
const fn supported(hook: HookKind) -> Option<target::Hook> {
    match hook {
        HookKind::Session => Some(target::Hook::Session),
        HookKind::ShowVerificationUi => Some(target::Hook::ShowVerificationUi),
        HookKind::RevokeActiveSessions => Some(target::Hook::RevokeActiveSessions),
        HookKind::RequireVerifiedAddress => Some(target::Hook::RequireVerifiedAddress),
        HookKind::VerifyNewAddress => Some(target::Hook::VerifyNewAddress),
        HookKind::WebHook
        | HookKind::Verification
        | HookKind::NotifyPreviousAddresses
        | HookKind::B2bSso
        | HookKind::TwoStepRegistration => None,
    }
}
