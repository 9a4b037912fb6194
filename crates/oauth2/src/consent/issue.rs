//! What a client gets for a consent: the grant, and the code that stands for it.

use std::time::Duration;

use orrery_core::id::GrantId;
use orrery_core::secret::Purpose;
use orrery_core::{RequestContext, Timestamp};
use serde_json::Value;

use super::claims;
use crate::authorize::has_word;
use crate::challenge::{AuthorizationFlow, AuthorizationRequest, ConsentAccepted, LoginAccepted};
use crate::client::Client;
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant::{Authentication, Grant, GrantKind, Requested, SessionClaims};
use crate::grant_type::GrantType;
use crate::scope;
use crate::service::OAuth2Service;
use crate::store::Granted;
use crate::token::access::{self, AccessRequest};
use crate::token::id_token::{self, IdTokenRequest};
use crate::token::{AuthorizationCode, OpaqueKind, lifespan, opaque};

/// Longest time for which something is remembered: a hundred years. "For ever" is stored as that.
pub const LONGEST: u64 = 100 * 365 * 24 * 3600;

/// On what terms something is granted.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// Scopes.
    pub scope: Vec<String>,
    /// Audiences.
    pub audience: Vec<String>,
    /// Added claims.
    pub session: SessionClaims,
    /// Whether it is remembered.
    pub remember: bool,
    /// For how long, in seconds; 0 for ever.
    pub remember_for: u64,
    /// Nobody was asked.
    pub skipped: bool,
    /// What the consent application passes on; `None` for what the login application did.
    pub context: Option<Value>,
    /// When.
    pub handled_at: Timestamp,
}

impl Terms {
    /// Everything that was asked for, because nobody had to be asked.
    #[must_use]
    pub fn as_asked(request: &AuthorizationRequest, now: Timestamp) -> Self {
        Self {
            scope: request.scope.clone(),
            audience: request.audience.clone(),
            session: SessionClaims::default(),
            remember: false,
            remember_for: 0,
            skipped: true,
            context: None,
            handled_at: now,
        }
    }

    /// What the consent application decided.
    #[must_use]
    pub fn accepted(consent: ConsentAccepted, skipped: bool) -> Self {
        Self {
            scope: consent.grant_scope,
            audience: consent.grant_audience,
            session: consent.session,
            remember: consent.remember,
            remember_for: consent.remember_for,
            skipped,
            context: consent.context,
            handled_at: consent.handled_at,
        }
    }
}

/// What the client is told, and what is stored of it.
#[derive(Debug)]
pub struct Issued {
    /// Parameters of the answer.
    pub parameters: Vec<(&'static str, String)>,
    /// For storage.
    pub granted: Granted,
}

/// Makes the grant, and what the response type asks for.
///
/// # Errors
/// When the client cannot be told who somebody is, an ID token was asked for alone without `openid` being granted, or no key
/// can sign.
pub async fn issue(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    client: &Client,
    flow: &AuthorizationFlow,
    login: &LoginAccepted,
    terms: Terms,
) -> Result<Issued, OAuth2Error> {
    let (now, words) = (context.now, &flow.request.response_type);
    let mut grant = grant(config, client, flow, login, terms, now)?;
    let openid = scope::is_openid(&grant.scope);
    if !openid && has_word(words, "id_token") && !has_word(words, "code") {
        let reason = "An ID token was asked for, and the scope 'openid' was not granted.";
        return Err(OAuth2Error::new(ErrorCode::UnsupportedResponseType, reason));
    }
    let mut parameters = Vec::new();
    let code = has_word(words, "code").then(|| opaque(OpaqueKind::AuthorizationCode, &*service.entropy));
    let mut tokens = Vec::new();
    let mut access_token = None;
    if has_word(words, "token") {
        let request = AccessRequest {
            client,
            subject: &grant.subject,
            grant: Some(&grant),
            parent: None,
            derived_from: None,
            scope: &grant.scope,
            audience: &grant.audience,
            claims: grant.session.access_token.clone(),
            actor: None,
            jkt: None,
            lifespan: lifespan::access(client, &config.ttl, GrantType::Implicit),
        };
        let access = access::issue(service, context.project, now, request).await?;
        grant.expires_at = grant.expires_at.max(access.expires_at);
        parameters.push(("access_token", access.value.clone()));
        parameters.push(("token_type", "bearer".to_owned()));
        parameters.push(("expires_in", access.expires_at.since(now).as_secs().to_string()));
        tokens.extend(access.stored);
        access_token = Some(access.value);
    }
    if openid && has_word(words, "id_token") {
        let request = IdTokenRequest {
            client,
            grant: &grant,
            claims: &grant.session.id_token,
            access_token: access_token.as_deref(),
            code: code.as_deref(),
            lifespan: lifespan::id(client, &config.ttl, GrantType::Implicit),
        };
        parameters.push(("id_token", id_token::issue(service, context.project, now, request).await?));
    }
    if has_word(words, "code") || has_word(words, "token") {
        parameters.push(("scope", grant.scope.join(" ")));
    }
    let stored = code.map(|text| {
        let hash = service.keyring.hash(Purpose::AuthorizationCode, &text);
        parameters.insert(0, ("code", text));
        AuthorizationCode {
            hash,
            grant: grant.id,
            client: client.id.clone(),
            redirect_uri: flow.request.redirect_uri_given.then(|| flow.request.redirect_uri.clone()),
            code_challenge: flow.request.code_challenge.clone(),
            dpop_jkt: flow.request.dpop_jkt.clone(),
            issued_at: now,
            expires_at: now + config.ttl.auth_code,
            used_at: None,
        }
    });
    let supersedes = (grant.remember && !grant.skipped).then(|| longest_token(client, config)).flatten();
    let granted = Granted { grant, code: stored, tokens, supersedes: supersedes.map(|life| now + life) };
    Ok(Issued { parameters, granted })
}

fn grant(
    config: &Config,
    client: &Client,
    flow: &AuthorizationFlow,
    login: &LoginAccepted,
    terms: Terms,
    now: Timestamp,
) -> Result<Grant, OAuth2Error> {
    let request = &flow.request;
    let forced = login.force_subject_identifier.as_deref();
    let obfuscated_subject = crate::subject::obfuscated(config, client, &login.subject, forced)?;
    let remembered = match (terms.remember && !terms.skipped, terms.remember_for) {
        (false, _) => now,
        (true, 0) => now + Duration::from_secs(LONGEST),
        (true, seconds) => flow.requested_at + Duration::from_secs(seconds.min(LONGEST)),
    };
    let until_fetched = if flow.device.is_some() { config.ttl.device_user_code } else { config.ttl.auth_code };
    let mut session = terms.session;
    claims::add(&mut session, request, &terms.scope, &login.claims);
    Ok(Grant {
        // What applications call the consent request is what administrators call the grant.
        id: GrantId::from_uuid(flow.id.as_uuid()),
        client: client.id.clone(),
        subject: login.subject.clone(),
        // The built-in login names people by their identity.
        identity: login.identity_session.and_then(|_| login.subject.parse().ok()),
        kind: if flow.device.is_some() { GrantKind::Device } else { GrantKind::Authorization },
        scope: terms.scope,
        audience: terms.audience,
        session,
        authentication: Authentication {
            at: login.authenticated_at,
            acr: login.acr.clone(),
            amr: login.amr.clone(),
            session: flow.session,
            obfuscated_subject,
        },
        requested: Requested {
            scope: request.scope.clone(),
            audience: request.audience.clone(),
            nonce: request.nonce.clone(),
            claims: request.claims.clone(),
            acr_values: request.acr_values.clone(),
            oidc_context: request.oidc_context.clone(),
            request_url: request.request_url.clone(),
        },
        remember: terms.remember,
        remember_for: terms.remember_for.min(LONGEST),
        skipped: terms.skipped,
        context: terms.context.unwrap_or_else(|| login.context.clone()),
        requested_at: flow.requested_at,
        handled_at: terms.handled_at,
        expires_at: remembered.max(now + until_fetched),
    })
}

/// How long tokens that were issued until now may live on; `None` for ever.
fn longest_token(client: &Client, config: &Config) -> Option<Duration> {
    let own = &client.lifespans;
    let refresh = [own.authorization_code_grant_refresh_token_lifespan, own.refresh_token_grant_refresh_token_lifespan];
    let access = [own.authorization_code_grant_access_token_lifespan, own.refresh_token_grant_access_token_lifespan];
    let longest = |own: [Option<orrery_core::duration::GoDuration>; 2], usual: Duration| {
        own.into_iter().flatten().map(|life| life.0).fold(usual, Duration::max)
    };
    Some(longest(refresh, config.ttl.refresh_token?).max(longest(access, config.ttl.access_token)))
}
