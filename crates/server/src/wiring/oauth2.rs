//! From the `oauth2` section to the settings of the OAuth2 surface, and what that surface needs of others.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use orrery_identity::IdentityService;
use orrery_identity::credentials::password::PasswordHash;
use orrery_oauth2::client::{AccessTokenStrategy, HasherBusy, SecretHasher, SubjectType};
use orrery_oauth2::config as target;
use secrecy::SecretString;
use url::Url;

use super::identity::is_plain_loopback;
use crate::config::identity::SameSite;
use crate::config::oauth2::{
    ApiKeyPlace, EntropyPreset, HookAuth, OAuth2, ScopeClaim, ScopeMatching, SubjectType as Subjects, TokenHook,
    TokenStrategy, UserCode,
};
use crate::config::{Config, Mode};
use crate::listeners::Addresses;

/// The settings of the OAuth2 surface.
pub(super) fn settings(config: &Config, mode: Mode, addresses: &Addresses) -> anyhow::Result<target::Config> {
    let oauth2 = &config.oauth2;
    let own = &oauth2.urls.own;
    let issuer = own.issuer.as_ref().map(|issuer| Url::parse(issuer)).transpose();
    let public = own.public.clone().or(issuer.context("oauth2.urls.self.issuer")?);
    let public = public.unwrap_or_else(|| addresses.public_url.clone());
    let admin = own.admin.clone().unwrap_or_else(|| addresses.admin_url.clone());
    let defaults = target::Config::new(public.clone(), admin);
    let ttl = &oauth2.ttl;
    let subjects = oauth2.oidc.subject_identifiers.supported_types.iter();
    Ok(target::Config {
        issuer: own.issuer.clone().unwrap_or(defaults.issuer),
        urls: urls(oauth2),
        ttl: target::Lifetimes {
            access_token: ttl.access_token.0,
            refresh_token: ttl.refresh_token.0.map(|lifetime| lifetime.0),
            id_token: ttl.id_token.0,
            auth_code: ttl.auth_code.0,
            device_user_code: ttl.device_user_code.0,
            login_consent_request: ttl.login_consent_request.0,
            authentication_session: ttl.authentication_session.0,
            pushed_request: ttl.pushed_request.0,
            credential_nonce: ttl.vc_nonce.0,
        },
        scope_strategy: match oauth2.strategies.scope {
            ScopeMatching::Wildcard => target::ScopeStrategy::Wildcard,
            ScopeMatching::Exact => target::ScopeStrategy::Exact,
        },
        access_token_strategy: match oauth2.strategies.access_token {
            TokenStrategy::Opaque => AccessTokenStrategy::Opaque,
            TokenStrategy::Jwt => AccessTokenStrategy::Jwt,
            TokenStrategy::StatelessJwt => AccessTokenStrategy::StatelessJwt,
        },
        scope_claim: match oauth2.strategies.jwt.scope_claim {
            ScopeClaim::Both => target::ScopeClaim::Both,
            ScopeClaim::List => target::ScopeClaim::List,
            ScopeClaim::String => target::ScopeClaim::Text,
        },
        pkce: match (oauth2.pkce.enforced, oauth2.pkce.enforced_for_public_clients) {
            (true, _) => target::PkcePolicy::Everybody,
            (false, true) => target::PkcePolicy::PublicClients,
            (false, false) => target::PkcePolicy::Optional,
        },
        refresh: target::RefreshConfig {
            retry_window: oauth2.grant.refresh_token.rotation_grace_period.0,
            absolute_lifetime: oauth2.grant.refresh_token.max_lifetime.map(|lifetime| lifetime.0),
        },
        assertions: target::AssertionConfig {
            jti_optional: oauth2.grant.jwt.jti_optional,
            iat_optional: oauth2.grant.jwt.iat_optional,
            max_ttl: oauth2.grant.jwt.max_ttl.0,
        },
        device: target::DeviceConfig {
            polling_interval: oauth2.device_authorization.token_polling_interval.0,
            user_code: user_code(&oauth2.device_authorization.user_code),
        },
        default_grant_allowed_scope: oauth2.client_credentials.default_grant_allowed_scope,
        allowed_top_level_claims: oauth2.allowed_top_level_claims.clone(),
        mirror_top_level_claims: oauth2.mirror_top_level_claims,
        preserve_ext_claims: oauth2.preserve_ext_claims,
        exclude_not_before_claim: oauth2.exclude_not_before_claim,
        token_hook: oauth2.token_hook.as_ref().map(hook),
        refresh_token_hook: oauth2.refresh_token_hook.as_ref().map(hook),
        registration: target::RegistrationConfig {
            enabled: oauth2.oidc.dynamic_client_registration.enabled,
            default_scope: oauth2.oidc.dynamic_client_registration.default_scope.clone(),
        },
        subject_types: subjects
            .map(|kind| match kind {
                Subjects::Public => SubjectType::Public,
                Subjects::Pairwise => SubjectType::Pairwise,
            })
            .collect(),
        pairwise_salt: oauth2.oidc.subject_identifiers.pairwise.salt.as_ref().map(|salt| salt.as_secret().clone()),
        discovery: discovery(oauth2),
        cookies: cookies(oauth2, &public),
        require_pushed_authorization_requests: oauth2.require_pushed_authorization_requests,
        limits: target::LimitsConfig {
            failed_authentications: config.limits.failed_client_authentications_per_minute,
            registrations: config.limits.registrations_per_minute,
        },
        dpop_nonces: oauth2.dpop.require_nonce,
        open_introspection: oauth2.introspection.open,
        dev: mode == Mode::Dev,
        ..defaults
    })
}

fn urls(oauth2: &OAuth2) -> target::Urls {
    let urls = &oauth2.urls;
    target::Urls {
        login: urls.login.clone(),
        registration: urls.registration.clone(),
        consent: urls.consent.clone(),
        logout: urls.logout.clone(),
        error: urls.error.clone(),
        post_logout_redirect: urls.post_logout_redirect.clone(),
        device_verification: urls.device.verification.clone(),
        device_success: urls.device.success.clone(),
    }
}

fn user_code(configured: &UserCode) -> target::UserCode {
    let preset = match configured.entropy_preset {
        EntropyPreset::High => target::UserCode::high(),
        EntropyPreset::Medium => target::UserCode::medium(),
        EntropyPreset::Low => target::UserCode::low(),
    };
    target::UserCode {
        length: configured.length.map_or(preset.length, usize::from),
        characters: configured.character_set.clone().unwrap_or(preset.characters),
    }
}

fn hook(configured: &TokenHook) -> target::HookConfig {
    match configured {
        TokenHook::Url(url) => target::HookConfig { url: url.expose().clone(), api_key: None },
        TokenHook::WithKey(hook) => target::HookConfig {
            url: hook.url.expose().clone(),
            api_key: hook.auth.as_ref().map(|HookAuth::ApiKey { place, name, value }| target::ApiKey {
                in_cookie: *place == ApiKeyPlace::Cookie,
                name: name.clone(),
                value: value.as_secret().clone(),
            }),
        },
    }
}

fn discovery(oauth2: &OAuth2) -> target::DiscoveryConfig {
    let discovery = &oauth2.webfinger.oidc_discovery;
    target::DiscoveryConfig {
        scopes: discovery.supported_scope.clone(),
        claims: discovery.supported_claims.clone(),
        jwks_url: discovery.jwks_url.clone(),
        token_url: discovery.token_url.clone(),
        auth_url: discovery.auth_url.clone(),
        device_authorization_url: discovery.device_authorization_url.clone(),
        client_registration_url: discovery.client_registration_url.clone(),
        userinfo_url: discovery.userinfo_url.clone(),
        verifiable_credentials_url: discovery.verifiable_credentials_url.clone(),
    }
}

fn cookies(oauth2: &OAuth2, public: &Url) -> target::CookieConfig {
    let cookies = &oauth2.cookies;
    let secure = cookies.secure.unwrap_or_else(|| !is_plain_loopback(public));
    target::CookieConfig {
        domain: cookies.domain.clone(),
        secure,
        // Browsers refuse None without Secure.
        same_site_none: secure && cookies.same_site_mode == Some(SameSite::None),
        session_name: cookies.names.session.clone(),
        session_path: cookies.paths.session.clone(),
    }
}

/// Chosen client secrets are hashed on the threads that hash passwords, so that both share one bound.
pub(super) struct SharedHasher(pub(super) Arc<IdentityService>);

#[async_trait]
impl SecretHasher for SharedHasher {
    async fn hash(&self, secret: SecretString) -> Result<String, HasherBusy> {
        let algorithm = self.0.config.load().hasher.algorithm;
        let hash = self.0.hasher.hash(algorithm, secret, &*self.0.entropy).await.map_err(|_| HasherBusy)?;
        Ok(hash.encode())
    }

    async fn verify(&self, hash: &str, secret: SecretString) -> Result<bool, HasherBusy> {
        let Ok(hash) = hash.parse::<PasswordHash>() else { return Ok(false) };
        self.0.hasher.verify(hash, secret).await.map_err(|_| HasherBusy)
    }

    fn is_outdated(&self, hash: &str, secret: &SecretString) -> bool {
        let algorithm = self.0.config.load().hasher.algorithm;
        hash.parse::<PasswordHash>().is_ok_and(|hash| hash.needs_rehash(algorithm, secret))
    }
}
