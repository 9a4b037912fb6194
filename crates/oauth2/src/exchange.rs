//! The tokens that can be exchanged (RFC 8693 section 3), and whom each speaks for.

use orrery_core::id::LoginSessionId;
use orrery_core::{StoreError, Timestamp, TokenHash};
use orrery_keys::config::ID_TOKEN_SET;
use orrery_keys::foreign;
use orrery_keys::{Lifetime, VerifyError};
use serde_json::{Map, Value};

use crate::assertion;
use crate::endpoint::Call;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant::Grant;
use crate::grant_type::jwt_bearer::{self, Vouched};
use crate::token::TokenKind;
use crate::token::lookup::{self, LiveToken};

/// A type of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// An access token of this server, in either form.
    AccessToken,
    /// A JWT: an access token of this server, or what a trusted issuer says.
    Jwt,
    /// An ID token of this server.
    IdToken,
}

impl TokenType {
    /// Those that can be exchanged.
    pub const ALL: [Self; 3] = [Self::AccessToken, Self::Jwt, Self::IdToken];

    /// Its identifier.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "urn:ietf:params:oauth:token-type:access_token",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
            Self::IdToken => "urn:ietf:params:oauth:token-type:id_token",
        }
    }

    /// The type with this identifier.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// Whom a token speaks for, and how far.
#[derive(Debug)]
pub struct Party {
    /// `sub`.
    pub subject: String,
    /// `iss`.
    pub issuer: String,
    /// Who acts for them already (`act`).
    pub actor: Option<Value>,
    /// Who may act for them (`may_act`).
    pub may_act: Option<Value>,
    /// Scopes.
    pub scope: Vec<String>,
    /// Audiences.
    pub audience: Vec<String>,
    /// Added claims.
    pub claims: Map<String, Value>,
    /// The family.
    pub grant: Option<Grant>,
    /// Its row, if it has one.
    pub token: Option<TokenHash>,
    /// When it ends.
    pub ends: Option<Timestamp>,
    /// Whether it was issued to the client that presents it.
    pub is_own: bool,
}

/// Why a token does not count.
pub enum Refusal {
    /// What is wrong with it, as the predicate of a sentence.
    Token(&'static str),
    /// Anything else.
    Other(OAuth2Error),
}

impl Refusal {
    /// As an error; `told` says what is wrong with the token.
    pub fn into_error(self, told: impl FnOnce(&str) -> OAuth2Error) -> OAuth2Error {
        match self {
            Self::Token(why) => told(why),
            Self::Other(error) => error,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

const UNKNOWN: Refusal = Refusal::Token("it is unknown, expired or revoked, or of another type than it is said to be");
const FOREIGN: Refusal = Refusal::Token("it was issued to another client, and its 'aud' does not name this one");

/// Reads a token that a client presents. It has to be the client's own, or to name the client in `aud`: otherwise whoever
/// gets hold of a token could have it exchanged.
///
/// # Errors
/// See [`Refusal`].
pub async fn read(call: &Call<'_>, token_type: TokenType, text: &str) -> Result<Party, Refusal> {
    let issuer = call.service.config.load().issuer.clone();
    match token_type {
        TokenType::AccessToken => access_token(call, issuer, text).await,
        TokenType::IdToken => id_token(call, issuer, text).await,
        TokenType::Jwt => {
            let peeked = foreign::peek(text).ok_or(Refusal::Token("it is no JWT"))?;
            if peeked.claims.get("iss").and_then(Value::as_str) == Some(issuer.as_str()) {
                return access_token(call, issuer, text).await;
            }
            vouched(call, text).await
        }
    }
}

async fn access_token(call: &Call<'_>, issuer: String, text: &str) -> Result<Party, Refusal> {
    let found = lookup::find_with_grant(call.service, call.project, call.now, text).await.map_err(Refusal::Other)?;
    let LiveToken { token, grant, stored, .. } =
        found.filter(|live| live.token.kind == TokenKind::Access).ok_or(UNKNOWN)?;
    let is_own = token.client == call.client.id;
    if !is_own && !token.audience.iter().any(|name| name == call.client.id.as_str()) {
        return Err(FOREIGN);
    }
    // Whoever was handed a token that is bound to a key has seen the proof; whoever it was issued to can make one.
    if is_own && token.jkt.is_some() && token.jkt != call.jkt {
        return Err(Refusal::Token("it is bound to a key, and the request has no DPoP proof of it"));
    }
    Ok(Party {
        subject: token.subject,
        issuer,
        actor: token.actor,
        may_act: token.claims.get("may_act").cloned(),
        scope: token.scope,
        audience: token.audience,
        claims: token.claims,
        grant,
        token: stored.then_some(token.hash),
        ends: token.expires_at,
        is_own,
    })
}

/// An ID token stands for what its subject granted to the client in that session: it has no scopes of its own.
async fn id_token(call: &Call<'_>, issuer: String, text: &str) -> Result<Party, Refusal> {
    let Call { service, project, client, now, .. } = call;
    let verified = match service.keys.verify_jwt(*project, *now, ID_TOKEN_SET, text, Lifetime::Enforced).await {
        Ok(verified) => verified,
        Err(VerifyError::Invalid | VerifyError::Expired | VerifyError::NotYetValid) => return Err(UNKNOWN),
        Err(VerifyError::Keys(error)) => return Err(Refusal::Other(error.into())),
    };
    let claims = verified.claims;
    let said = |name: &str| claims.get(name).and_then(Value::as_str);
    // The same keys sign userinfo answers, which have no `exp`, and logout tokens, which have another `typ`.
    let ends = claims.get("exp").and_then(Value::as_i64).map(Timestamp::from_seconds).ok_or(UNKNOWN)?;
    if verified.typ.as_deref() != Some("JWT") || said("iss") != Some(issuer.as_str()) {
        return Err(UNKNOWN);
    }
    if !assertion::names(&claims, &[client.id.to_string()]) {
        return Err(FOREIGN);
    }
    let session: LoginSessionId = said("sid").and_then(|sid| sid.parse().ok()).ok_or(UNKNOWN)?;
    let over = Refusal::Token("its sign-in has ended, or what was granted was taken back");
    if service.login_sessions.login_session_by_id(*project, session, *now).await?.is_none() {
        return Err(over);
    }
    let grant = service.grants.grant_of_session(*project, &client.id, session, *now).await?;
    let grant = grant.filter(|grant| said("sub") == Some(grant.told_subject())).ok_or(over)?;
    Ok(Party {
        subject: grant.subject.clone(),
        issuer,
        actor: None,
        may_act: claims.get("may_act").cloned(),
        scope: grant.scope.clone(),
        audience: grant.audience.clone(),
        claims: grant.session.access_token.clone(),
        token: None,
        ends: Some(ends),
        is_own: true,
        grant: Some(grant),
    })
}

/// What a trusted issuer says of its subject, under the rules of the grant `jwt-bearer`.
async fn vouched(call: &Call<'_>, text: &str) -> Result<Party, Refusal> {
    let refused = |error: OAuth2Error| {
        let code = if error.code == ErrorCode::InvalidGrant { ErrorCode::InvalidRequest } else { error.code };
        Refusal::Other(OAuth2Error { code, ..error })
    };
    let vouched = jwt_bearer::vouched(call, text).await.map_err(refused)?;
    vouched.use_once(call).await.map_err(Refusal::Other)?;
    let Vouched { subject, trusted, claims, .. } = vouched;
    Ok(Party {
        subject,
        issuer: trusted.issuer,
        actor: claims.get("act").filter(|act| act.is_object()).cloned(),
        may_act: claims.get("may_act").cloned(),
        scope: trusted.scope,
        audience: Vec::new(),
        claims: Map::new(),
        grant: None,
        token: None,
        ends: claims.get("exp").and_then(Value::as_i64).map(Timestamp::from_seconds),
        is_own: false,
    })
}
