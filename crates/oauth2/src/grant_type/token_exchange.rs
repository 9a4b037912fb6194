//! `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693): a client that was handed a token gets one of its own for the
//! next server, for the same person and never for more.

use orrery_core::Timestamp;
use serde_json::{Value, json};

use crate::audience;
use crate::client::{AccessTokenStrategy, Client};
use crate::config::Config;
use crate::endpoint::Call;
use crate::error::{ErrorCode, OAuth2Error};
use crate::exchange::{Party, TokenType, read};
use crate::grant_type::GrantType;
use crate::token::alone::{self, Origin, Wanted};
use crate::token::response::TokenResponse;
use crate::{scope, subject};

/// How many actors a token may name, one behind the other.
const MOST_ACTORS: usize = 8;
/// Scopes that say something about a person's own grant to a client, and are not passed on.
const PERSONAL: [&str; 3] = ["openid", "offline", "offline_access"];

/// Exchanges a token.
///
/// # Errors
/// `invalid_request` for a token that is not good for this (section 2.2.2), `invalid_scope` and `invalid_target` for more
/// than it is good for, `unauthorized_client` for a public client.
pub async fn exchange(call: &Call<'_>) -> Result<TokenResponse, OAuth2Error> {
    let Call { service, client, .. } = call;
    if client.is_public() {
        return Err(OAuth2Error::new(
            ErrorCode::UnauthorizedClient,
            "A public client cannot exchange tokens: whoever had found one could. Register it with a secret or a key.",
        ));
    }
    let config = service.config.load_full();
    let issued_type = issued_type(call, &config)?;
    let subject = party(call, "subject_token", "subject_token_type").await?;
    let subject = subject.ok_or_else(|| invalid("The parameter 'subject_token' is missing.".to_owned()))?;
    let actor = party(call, "actor_token", "actor_token_type").await?;
    if let Some(may_act) = &subject.may_act
        && !permits(may_act, actor.as_ref(), client, &config)
    {
        return Err(invalid(
            "The subject_token says in 'may_act' who may act for its subject, and that is somebody else.".to_owned(),
        ));
    }
    let scope = scope_for(call, &config, &subject)?;
    let audience = audience_for(call, &subject)?;
    let wanted = Wanted {
        subject: &subject.subject,
        scope: &scope,
        audience: &audience,
        origin: Some(Origin {
            actor: chain(&config, client, actor.as_ref(), subject.actor.as_ref())?,
            ends: earlier(subject.ends, actor.as_ref().and_then(|actor| actor.ends)),
            grant: subject.grant,
            token: subject.token,
            claims: subject.claims,
        }),
    };
    let issued = alone::issue(call, GrantType::TokenExchange, wanted).await?;
    Ok(TokenResponse { issued_token_type: Some(issued_type.name()), ..issued })
}

/// What is issued: an access token, in the form that the client is registered for.
fn issued_type(call: &Call<'_>, config: &Config) -> Result<TokenType, OAuth2Error> {
    let strategy = call.client.access_token_strategy.unwrap_or(config.access_token_strategy);
    match (call.parameters.get("requested_token_type").map(TokenType::parse), strategy) {
        (None | Some(Some(TokenType::AccessToken)), _) => Ok(TokenType::AccessToken),
        (Some(Some(TokenType::Jwt)), AccessTokenStrategy::Jwt | AccessTokenStrategy::StatelessJwt) => {
            Ok(TokenType::Jwt)
        }
        (Some(Some(TokenType::Jwt)), AccessTokenStrategy::Opaque) => {
            Err(invalid("The client is registered for opaque tokens, so that no JWT can be requested.".to_owned()))
        }
        (Some(Some(TokenType::IdToken) | None), _) => Err(invalid(format!(
            "The parameter 'requested_token_type' must be {} or {}.",
            TokenType::AccessToken.name(),
            TokenType::Jwt.name()
        ))),
    }
}

/// Whom one of the tokens speaks for. A token comes with its type, and a type with its token (section 2.1).
async fn party(call: &Call<'_>, name: &'static str, type_name: &'static str) -> Result<Option<Party>, OAuth2Error> {
    match (call.parameters.get(name), call.parameters.get(type_name)) {
        (None, None) => Ok(None),
        (Some(token), Some(token_type)) => {
            let token_type = TokenType::parse(token_type).ok_or_else(|| {
                let known = TokenType::ALL.map(TokenType::name).join(", ");
                invalid(format!("The parameter '{type_name}' must be one of: {known}."))
            })?;
            let why = |why: &str| invalid(format!("The parameter '{name}' is not accepted: {why}."));
            read(call, token_type, token).await.map_err(|refusal| refusal.into_error(why)).map(Some)
        }
        (Some(_), None) => Err(invalid(format!("The parameter '{type_name}' is missing."))),
        (None, Some(_)) => Err(invalid(format!("The parameter '{name}' is missing."))),
    }
}

/// Whether `may_act` (section 4.4) means who acts: the actor, or the client where there is none. Every member counts, and one
/// that is not understood means nobody.
fn permits(may_act: &Value, actor: Option<&Party>, client: &Client, config: &Config) -> bool {
    let Some(members) = may_act.as_object().filter(|members| !members.is_empty()) else { return false };
    let subject = actor.map_or(client.id.as_str(), |actor| actor.subject.as_str());
    let issuer = actor.map_or(config.issuer.as_str(), |actor| actor.issuer.as_str());
    let names_somebody = members.contains_key("sub") || members.contains_key("client_id");
    names_somebody
        && members.iter().all(|(name, value)| match name.as_str() {
            "sub" => value == subject,
            "iss" => value == issuer,
            "client_id" => value == client.id.as_str(),
            _ => false,
        })
}

/// What the token is good for: no more than the one that is exchanged, and no more than the client is registered for.
fn scope_for(call: &Call<'_>, config: &Config, subject: &Party) -> Result<Vec<String>, OAuth2Error> {
    let registered = |scope: &String| scope::allows(config.scope_strategy, &call.client.scope, scope);
    let passed_on = |scope: &&String| !PERSONAL.contains(&scope.as_str());
    let asked = scope::parse(call.parameters.get("scope").unwrap_or_default());
    if asked.is_empty() {
        return Ok(subject.scope.iter().filter(passed_on).filter(|scope| registered(scope)).cloned().collect());
    }
    let granted = |scope: &&String| scope::allows(config.scope_strategy, &subject.scope, scope);
    if let Some(beyond) = asked.iter().find(|scope| !granted(scope) || !passed_on(scope)) {
        let reason = format!("The scope '{beyond}' is not one that the subject_token could pass on.");
        return Err(OAuth2Error::new(ErrorCode::InvalidScope, reason));
    }
    scope::check(config.scope_strategy, &call.client.scope, &asked)?;
    Ok(asked)
}

/// Whom the token is for. What a client was handed it may pass on to where it is registered for; its own tokens it may
/// narrow.
fn audience_for(call: &Call<'_>, subject: &Party) -> Result<Vec<String>, OAuth2Error> {
    let Call { client, parameters, .. } = call;
    let asked = audience::parse(&parameters.all("audience"), &parameters.all("resource"))?;
    if asked.is_empty() {
        let known = |name: &&String| audience::allows(&client.audience, name);
        return Ok(subject.audience.iter().filter(known).cloned().collect());
    }
    audience::check(&client.audience, &asked, ErrorCode::InvalidTarget)?;
    if subject.is_own
        && let Some(beyond) = asked.iter().find(|name| !audience::allows(&subject.audience, name))
    {
        let reason = format!("The subject_token was not granted for the audience '{beyond}'.");
        return Err(OAuth2Error::new(ErrorCode::InvalidTarget, reason));
    }
    Ok(asked)
}

/// `act` (section 4.1): who acts now, as the client knows them, and behind that who acted before.
fn chain(
    config: &Config,
    client: &Client,
    actor: Option<&Party>,
    before: Option<&Value>,
) -> Result<Option<Value>, OAuth2Error> {
    let Some(actor) = actor else { return Ok(before.cloned()) };
    let sub = subject::known_to(config, client, actor.grant.as_ref(), &actor.subject)?;
    let mut act = json!({"sub": sub, "iss": actor.issuer});
    if let Some(before) = before {
        act["act"] = before.clone();
    }
    let mut actors = 0;
    let mut next = Some(&act);
    while let Some(one) = next {
        actors += 1;
        next = one.get("act");
    }
    if actors > MOST_ACTORS {
        return Err(invalid(format!("More than {MOST_ACTORS} actors would act one behind the other.")));
    }
    Ok(Some(act))
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    [one, other].into_iter().flatten().min()
}

fn invalid(description: String) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidRequest, description)
}
