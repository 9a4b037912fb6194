//! Everything about an authorization request that can be judged before anybody is asked to sign in.
//!
//! A request that can never succeed does not drag a person through login and consent.

use serde_json::{Map, Value};

use super::{Parameters, Refused, ReturnPath, redirect_uri, response_type};
use crate::challenge::AuthorizationRequest;
use crate::client::Client;
use crate::config::{Config, PkcePolicy};
use crate::error::{ErrorCode, OAuth2Error};
use crate::{audience, scope};

/// Shortest `state` and `nonce`, in characters: shorter ones can be guessed.
const MIN_ENTROPY: usize = 8;
/// Longest text of the request that is kept word by word (`acr_values`, `ui_locales`, `prompt`).
const MAX_WORDS: usize = 32;

/// Words of `prompt` (OpenID Connect Core section 3.1.2.1, Initiating User Registration 1.0, and what Hydra calls that).
pub(crate) const PROMPTS: [&str; 6] = ["none", "login", "consent", "select_account", "create", "registration"];

/// A request whose every parameter is right, except for what needs a key or another server to judge: `id_token_hint`,
/// `request` and `request_uri` are looked at before.
///
/// # Errors
/// The first thing that is wrong, and whether the client may be told of it by a redirect.
pub fn check(parameters: &Parameters, client: &Client, config: &Config) -> Result<AuthorizationRequest, Refused> {
    let repeated = parameters.repeated();
    if let Some(name @ ("client_id" | "redirect_uri" | "response_mode")) = repeated {
        return Err(Refused::to_person(twice(name)));
    }
    let mode = response_type::asked_mode(parameters.get("response_mode")).map_err(Refused::to_person)?;
    let scopes = scope::parse(parameters.get("scope").unwrap_or_default());
    let openid = scope::is_openid(&scopes);
    let asked_uri = parameters.get("redirect_uri");
    let redirect_uri = redirect_uri::choose(client, asked_uri, openid).map_err(Refused::to_person)?;

    let mut path = ReturnPath {
        redirect_uri: redirect_uri.clone(),
        mode: mode.unwrap_or(crate::challenge::ResponseMode::Query),
        state: parameters.get("state").map(str::to_owned),
    };
    let words = match response_type::parse(client, parameters.get("response_type")) {
        Ok(words) => words,
        Err(error) => {
            // The order of the checks is the contract's: what follows would have been found first.
            let refused = first_of(parameters, client, config, repeated, &scopes).unwrap_or(error);
            return Err(Refused::to_client(refused, path));
        }
    };
    path.mode = mode.unwrap_or_else(|| response_type::default_mode(&words));
    if let Err(error) = response_type::check_mode(&words, path.mode) {
        path.mode = response_type::default_mode(&words);
        return Err(Refused::to_client(error, path));
    }
    if let Some(error) = first_of(parameters, client, config, repeated, &scopes) {
        return Err(Refused::to_client(error, path));
    }
    let rest = Rest { parameters, client, config, words: &words, openid };
    match rest.check() {
        Err(error) => Err(Refused::to_client(error, path)),
        Ok(Checked { audience, prompt, max_age, claims }) => Ok(AuthorizationRequest {
            client: client.id.clone(),
            response_type: words,
            response_mode: path.mode,
            redirect_uri,
            redirect_uri_given: asked_uri.is_some(),
            scope: scopes,
            audience,
            state: path.state,
            nonce: parameters.get("nonce").map(str::to_owned),
            code_challenge: parameters.get("code_challenge").map(str::to_owned),
            dpop_jkt: parameters.get("dpop_jkt").map(str::to_owned),
            prompt,
            max_age,
            acr_values: list(parameters.get("acr_values")),
            claims,
            hinted_subject: None,
            oidc_context: oidc_context(parameters),
            request_url: format!("{}?{}", super::endpoint(config, "/oauth2/auth"), parameters.to_query()),
            pushed: None,
        }),
    }
}

/// What is judged before the response type.
fn first_of(
    parameters: &Parameters,
    client: &Client,
    config: &Config,
    repeated: Option<&str>,
    scopes: &[String],
) -> Option<OAuth2Error> {
    if let Some(name) = repeated {
        return Some(twice(name));
    }
    if let Err(error) = scope::check(config.scope_strategy, &client.scope, scopes) {
        return Some(error);
    }
    if let Err(error) = audiences(parameters, client) {
        return Some(error);
    }
    parameters.get("registration").map(|_| {
        OAuth2Error::new(ErrorCode::RegistrationNotSupported, "The parameter 'registration' is not supported.")
    })
}

pub(super) fn twice(name: &str) -> OAuth2Error {
    let name: String = name.chars().take(100).collect();
    OAuth2Error::new(ErrorCode::InvalidRequest, format!("The parameter '{name}' was sent more than once."))
}

fn audiences(parameters: &Parameters, client: &Client) -> Result<Vec<String>, OAuth2Error> {
    let (named, resources) = (parameters.all("audience"), parameters.all("resource"));
    let asked = audience::parse(&named, &[])?;
    audience::check(&client.audience, &asked, ErrorCode::InvalidRequest)?;
    audience::check(&client.audience, &audience::parse(&[], &resources)?, ErrorCode::InvalidTarget)?;
    audience::parse(&named, &resources)
}

/// What is judged once it is known what the client wants.
struct Rest<'a> {
    parameters: &'a Parameters,
    client: &'a Client,
    config: &'a Config,
    words: &'a [String],
    openid: bool,
}

struct Checked {
    audience: Vec<String>,
    prompt: Vec<String>,
    max_age: Option<u64>,
    claims: Option<Value>,
}

impl Rest<'_> {
    fn check(&self) -> Result<Checked, OAuth2Error> {
        if self.parameters.get("state").is_none_or(|state| state.chars().count() < MIN_ENTROPY) {
            let reason = format!("The parameter 'state' must have at least {MIN_ENTROPY} characters.");
            return Err(OAuth2Error::new(ErrorCode::InvalidState, reason));
        }
        self.transport()?;
        self.nonce()?;
        self.pkce()?;
        if self.parameters.get("dpop_jkt").is_some_and(|jkt| !is_digest(jkt)) {
            return Err(invalid(
                "The parameter 'dpop_jkt' must be a SHA-256 thumbprint in base64url, without padding.",
            ));
        }
        Ok(Checked {
            audience: audiences(self.parameters, self.client)?,
            prompt: prompt(self.parameters.get("prompt"))?,
            max_age: max_age(self.parameters.get("max_age"))?,
            claims: claims(self.parameters.get("claims"))?,
        })
    }

    fn transport(&self) -> Result<(), OAuth2Error> {
        let redirect_uri =
            self.parameters.get("redirect_uri").or(self.client.redirect_uris.first().map(String::as_str));
        let secure = redirect_uri.is_some_and(redirect_uri::is_secure);
        if !secure && !self.config.dev {
            return Err(invalid(
                "The redirect address is plain http beyond this machine: anybody on the way reads the answer.",
            ));
        }
        let hybrid = self.words.len() > 1 || response_type::has(self.words, "id_token");
        if hybrid && self.parameters.get("redirect_uri").is_none() {
            return Err(invalid("The parameter 'redirect_uri' is missing; this response type requires it."));
        }
        Ok(())
    }

    fn nonce(&self) -> Result<(), OAuth2Error> {
        let nonce = self.parameters.get("nonce");
        if response_type::has(self.words, "id_token") && nonce.is_none() {
            return Err(invalid("The parameter 'nonce' is missing; an ID token in the answer requires it."));
        }
        if self.openid && nonce.is_some_and(|nonce| nonce.chars().count() < MIN_ENTROPY) {
            let reason = format!("The parameter 'nonce' must have at least {MIN_ENTROPY} characters.");
            return Err(OAuth2Error::new(ErrorCode::InsufficientEntropy, reason));
        }
        Ok(())
    }

    /// RFC 7636 section 4.3. `plain` protects against nobody who can read the request.
    fn pkce(&self) -> Result<(), OAuth2Error> {
        let (challenge, method) = (self.parameters.get("code_challenge"), self.parameters.get("code_challenge_method"));
        let Some(challenge) = challenge else {
            let required = match self.config.pkce {
                PkcePolicy::Optional => false,
                PkcePolicy::PublicClients => self.client.is_public(),
                PkcePolicy::Everybody => true,
            };
            if method.is_some() {
                return Err(invalid("The parameter 'code_challenge' is missing beside 'code_challenge_method'."));
            }
            if required && response_type::has(self.words, "code") {
                return Err(invalid(
                    "The parameter 'code_challenge' is missing; this client must use PKCE (RFC 7636).",
                ));
            }
            return Ok(());
        };
        if method != Some("S256") {
            return Err(invalid("The parameter 'code_challenge_method' must be 'S256'."));
        }
        if !is_digest(challenge) {
            return Err(invalid(
                "The parameter 'code_challenge' must be a SHA-256 digest in base64url, without padding.",
            ));
        }
        Ok(())
    }
}

/// Whether a text is 32 bytes in base64url.
fn is_digest(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn prompt(text: Option<&str>) -> Result<Vec<String>, OAuth2Error> {
    let words = list(text);
    if let Some(word) = words.iter().find(|word| !PROMPTS.contains(&word.as_str())) {
        return Err(invalid(format!("The value '{word}' of 'prompt' is not supported.")));
    }
    if words.len() > 1 && response_type::has(&words, "none") {
        return Err(invalid("The value 'none' of 'prompt' excludes all others."));
    }
    Ok(words)
}

fn max_age(text: Option<&str>) -> Result<Option<u64>, OAuth2Error> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|_| invalid("The parameter 'max_age' must be a number of seconds from zero up."))
}

/// OpenID Connect Core section 5.5.
fn claims(text: Option<&str>) -> Result<Option<Value>, OAuth2Error> {
    let Some(text) = text else { return Ok(None) };
    let wrong = || invalid("The parameter 'claims' must be a JSON object with the members 'userinfo' and 'id_token'.");
    let parsed: Map<String, Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    let each_is_an_object = ["userinfo", "id_token"].iter().all(|name| {
        parsed.get(*name).is_none_or(|member| {
            let claim = |claim: &Value| claim.is_null() || claim.is_object();
            member.as_object().is_some_and(|members| members.values().all(claim))
        })
    });
    if each_is_an_object { Ok(Some(Value::Object(parsed))) } else { Err(wrong()) }
}

fn list(text: Option<&str>) -> Vec<String> {
    scope::parse(text.unwrap_or_default()).into_iter().take(MAX_WORDS).collect()
}

/// What login and consent applications are told of the request (`oAuth2ConsentRequestOpenIDConnectContext`).
fn oidc_context(parameters: &Parameters) -> Map<String, Value> {
    let mut context = Map::new();
    for name in ["acr_values", "ui_locales"] {
        let words = list(parameters.get(name));
        if !words.is_empty() {
            context.insert(name.to_owned(), words.into());
        }
    }
    for name in ["display", "login_hint"] {
        if let Some(value) = parameters.get(name) {
            context.insert(name.to_owned(), value.into());
        }
    }
    context
}

fn invalid(reason: impl Into<std::borrow::Cow<'static, str>>) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidRequest, reason)
}

#[cfg(test)]
mod tests;
