//! Settings that are accepted and change nothing, or less than they promise. Nobody should find that out by waiting.
//!
//! Only what somebody has set is named: a default promises nothing.

use super::check::is_private_place;
use super::identity::{Cookies, Flows, HookKind, HookList, HookMoment, Identity, SameSite, VerificationUse};
use super::{Config, Mode, Problem, oauth2};

/// Fewer characters are guessed by anybody (NIST SP 800-63B, 3.1.1.2).
const SHORTEST_PASSWORD: u32 = 8;

/// Bytes of salt and of hash that every new Argon2id hash has.
const SALT: u32 = 16;
const HASH: u32 = 32;

/// A warning for each of them. `is_set` says whether a source names the key.
pub(super) fn idle(config: &Config, mode: Mode, is_set: impl Fn(&str) -> bool) -> Vec<Problem> {
    let mut found = Vec::new();
    methods(&config.identity, &mut found);
    passwords(&config.identity, &is_set, &mut found);
    hooks(&config.identity, &mut found);
    senders(&config.identity, &mut found);
    privacy(&config.identity, &is_set, &mut found);
    cookies(config, &mut found);
    oauth2::idle(&config.oauth2, &mut found);
    if mode == Mode::Dev && !is_private_place(&config.serve.public.host) {
        let message = "--dev is open to the network here: whoever knows the address can register, and secrets are weak";
        found.push(Problem::new("serve.public.host", message));
    }
    found.retain(|problem| is_set(&problem.key));
    found
}

/// Methods that the configuration knows but this version does not offer.
fn methods(identity: &Identity, found: &mut Vec<Problem>) {
    let methods = &identity.selfservice.methods;
    let on = [
        ("totp.enabled", methods.totp.enabled),
        ("lookup_secret.enabled", methods.lookup_secret.enabled),
        ("webauthn.enabled", methods.webauthn.enabled),
        ("passkey.enabled", methods.passkey.enabled),
        ("oidc.enabled", methods.oidc.enabled),
    ];
    for (name, _) in on.into_iter().filter(|(_, enabled)| *enabled) {
        let key = format!("identity.selfservice.methods.{name}");
        found.push(Problem::new(key, "the method is not available yet and stays off"));
    }
}

fn passwords(identity: &Identity, is_set: &impl Fn(&str) -> bool, found: &mut Vec<Problem>) {
    let policy = &identity.selfservice.methods.password.config;
    let key = |name: &str| format!("identity.selfservice.methods.password.config.{name}");
    if policy.min_password_length < SHORTEST_PASSWORD {
        let message = format!("fewer than {SHORTEST_PASSWORD} characters are guessed easily");
        found.push(Problem::new(key("min_password_length"), message));
    }
    let argon2 = &identity.hashers.argon2;
    let fixed = [("salt_length", argon2.salt_length, SALT), ("key_length", argon2.key_length, HASH)];
    for (name, given, fixed) in fixed {
        let key = format!("identity.hashers.argon2.{name}");
        if is_set(&key) && given != fixed {
            found.push(Problem::new(key, format!("new hashes always have {fixed} bytes there")));
        }
    }
    if policy.migrate_hook.is_some() {
        found.push(Problem::new(
            key("migrate_hook"),
            "no other server is asked about passwords yet; import their hashes",
        ));
    }
}

fn hooks(identity: &Identity, found: &mut Vec<Problem>) {
    let flows = &identity.selfservice.flows;
    for list in flows.hook_lists() {
        for hook in list.hooks.iter().map(|hook| hook.hook) {
            let name = hook.name();
            if !works(flows, &list, hook) {
                found.push(Problem::new(list.key.as_str(), format!("the hook {name} does nothing here")));
            } else if hook == HookKind::VerifyNewAddress && !flows.verification.enabled {
                let message = format!("the hook {name} does nothing while the verification flow is off");
                found.push(Problem::new(list.key.as_str(), message));
            }
        }
    }
}

/// Whether a hook does anything in this list.
fn works(flows: &Flows, list: &HookList<'_>, hook: HookKind) -> bool {
    let flow = list.flow;
    if list.moment == HookMoment::Before {
        return hook == HookKind::WebHook;
    }
    match hook {
        HookKind::WebHook => true,
        HookKind::Session => flow == "registration",
        HookKind::ShowVerificationUi | HookKind::Verification => matches!(flow, "login" | "registration" | "settings"),
        HookKind::RevokeActiveSessions => matches!(flow, "login" | "settings" | "recovery"),
        HookKind::RequireVerifiedAddress => flow == "login",
        HookKind::VerifyNewAddress => {
            // Addresses follow from the profile, whose own list replaces the general one.
            let own = flows.settings.after.profile.as_ref().is_some_and(|profile| !profile.hooks.is_empty());
            flow == "settings" && if own { list.method == Some("profile") } else { list.method.is_none() }
        }
        HookKind::NotifyPreviousAddresses | HookKind::B2bSso | HookKind::TwoStepRegistration => false,
    }
}

/// Flows that send with a method that is off.
fn senders(identity: &Identity, found: &mut Vec<Problem>) {
    let (flows, methods) = (&identity.selfservice.flows, &identity.selfservice.methods);
    for (name, flow) in [("recovery", &flows.recovery), ("verification", &flows.verification)] {
        let (method, on) = match flow.uses {
            VerificationUse::Code => ("code", methods.code.enabled),
            VerificationUse::Link => ("link", methods.link.enabled),
        };
        if flow.enabled && !on {
            let message = format!("nothing is sent, because the method `{method}` that it uses is off");
            found.push(Problem::new(format!("identity.selfservice.flows.{name}.enabled"), message));
        }
    }
}

fn privacy(identity: &Identity, is_set: &impl Fn(&str) -> bool, found: &mut Vec<Problem>) {
    if !identity.security.account_enumeration.mitigate {
        let message = "answers never tell whether an account exists, except that registration refuses a taken name";
        found.push(Problem::new("identity.security.account_enumeration.mitigate", message));
    }
    let references = "identity.security.disallow_ref_in_identity_schemas";
    if !identity.security.disallow_ref_in_identity_schemas && is_set(references) {
        let message = "schemas may refer to other places of their own document, and never to other documents";
        found.push(Problem::new(references, message));
    }
    let flags = &identity.feature_flags;
    let flags = [
        ("legacy_continue_with_verification_ui", flags.legacy_continue_with_verification_ui),
        ("legacy_require_verified_login_error", flags.legacy_require_verified_login_error),
    ];
    for (name, _) in flags.into_iter().filter(|(_, on)| *on) {
        found.push(Problem::new(format!("identity.feature_flags.{name}"), "the switch has no effect yet"));
    }
}

/// Cookies that a network or another site could get hold of, and those that no browser takes.
fn cookies(config: &Config, found: &mut Vec<Problem>) {
    let Cookies { same_site, secure, .. } = &config.identity.cookies;
    let own = &config.identity.session.cookie;
    let https = config.serve.public.base_url.as_ref().is_some_and(|url| url.scheme() == "https");
    let https = https || config.serve.public.tls.is_some();
    let oauth2 = &config.oauth2.cookies;
    let lax = SameSite::Lax;
    for (section, named, same_site, secure) in [
        ("identity.cookies", "same_site", *same_site, *secure),
        ("identity.session.cookie", "same_site", own.same_site.unwrap_or(*same_site), own.secure.or(*secure)),
        // `None` may be Hydra's default, which nobody has set.
        ("oauth2.cookies", "secure", oauth2.same_site_mode.unwrap_or(lax), oauth2.secure),
    ] {
        let key = |name: &str| format!("{section}.{name}");
        if https && secure == Some(false) {
            let message = "browsers would send the cookie over plain http, too, although this server has https";
            found.push(Problem::new(key("secure"), message));
        }
        if same_site == SameSite::None && secure == Some(false) {
            let message = "browsers refuse SameSite=None without Secure; it becomes Lax";
            found.push(Problem::new(key(named), message));
        }
    }
}
