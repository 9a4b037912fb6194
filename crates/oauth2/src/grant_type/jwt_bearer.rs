//! `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 section 2.1): a trusted issuer vouches for somebody.

use orrery_core::secret::Purpose;
use orrery_keys::Claims;
use orrery_keys::foreign::{self, ForeignKeys};
use serde_json::{Value, json};

use crate::assertion::{self, ASYMMETRIC, Checked, Rules};
use crate::audience;
use crate::endpoint::Call;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant_type::GrantType;
use crate::scope;
use crate::store::AssertionKeys;
use crate::token::alone::{self, Wanted};
use crate::token::response::TokenResponse;
use crate::trust::TrustedIssuer;

/// Most keys that are tried for an assertion that names none.
const MAX_KEYS: u32 = 100;

/// Grants what a trusted issuer asks for its subject.
///
/// # Errors
/// `invalid_grant` for an assertion that is not good, `jti_known` for one that was used before, `invalid_scope` for more
/// than the issuer or the client may have.
pub async fn grant(call: &Call<'_>) -> Result<TokenResponse, OAuth2Error> {
    let Call { client, parameters, .. } = call;
    let token = parameters.required("assertion")?;
    let vouched = vouched(call, token).await?;
    let scope = scope_for(call, &vouched.trusted)?;
    let asked = audience::parse(&parameters.all("audience"), &parameters.all("resource"))?;
    let audience: Vec<_> = asked.into_iter().filter(|name| audience::allows(&client.audience, name)).collect();
    vouched.use_once(call).await?;
    let wanted = Wanted { subject: &vouched.subject, scope: &scope, audience: &audience, origin: None };
    alone::issue(call, GrantType::JwtBearer, wanted).await
}

/// What a trusted issuer says.
pub(crate) struct Vouched {
    /// About whom.
    pub(crate) subject: String,
    /// Under which trust.
    pub(crate) trusted: TrustedIssuer,
    /// All of it.
    pub(crate) claims: Claims,
    checked: Checked,
}

impl Vouched {
    /// Notes that it was presented: it is good once.
    ///
    /// # Errors
    /// `jti_known` when it had been before.
    pub(crate) async fn use_once(&self, call: &Call<'_>) -> Result<(), OAuth2Error> {
        let Some(id) = &self.checked.id else { return Ok(()) };
        let name = format!("grant\0{}\0{id}", self.trusted.issuer);
        let key = call.service.keyring.hash(Purpose::AssertionId, &name);
        if call.service.tokens.assertion_use(call.project, key, self.checked.remember_until).await? {
            return Ok(());
        }
        let description = "The assertion was used before. Make a new one, with another 'jti'.";
        Err(OAuth2Error::new(ErrorCode::JtiKnown, description))
    }
}

/// What a trusted issuer says to this server, now.
///
/// # Errors
/// `invalid_grant` for an assertion that is not good.
pub(crate) async fn vouched(call: &Call<'_>, token: &str) -> Result<Vouched, OAuth2Error> {
    let (claims, trusted) = verified(call, token).await?;
    let config = call.service.config.load();
    let rules = Rules {
        audiences: &assertion::own_addresses(&config),
        jti_optional: config.assertions.jti_optional,
        iat_optional: config.assertions.iat_optional,
        max_ttl: config.assertions.max_ttl,
    };
    let checked = assertion::check(&claims, call.now, &rules).map_err(invalid)?;
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Vouched { subject, trusted, claims, checked })
}

/// The claims, and the trust that they come under: the issuer's, for this subject, by this key, as long as it lasts.
async fn verified(call: &Call<'_>, token: &str) -> Result<(Claims, TrustedIssuer), OAuth2Error> {
    let peeked = foreign::peek(token).ok_or_else(|| invalid("it is no JWT"))?;
    let text = |name: &str| peeked.claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let issuer = text("iss").ok_or_else(|| invalid("'iss' is missing"))?;
    let subject = text("sub").ok_or_else(|| invalid("'sub' is missing"))?;
    let wanted = AssertionKeys { issuer, subject, kid: peeked.kid.as_deref(), now: call.now, limit: MAX_KEYS };
    let trusted = call.service.trusted_issuers.assertion_keys(call.project, wanted).await?;
    for entry in trusted {
        let keys = ForeignKeys::parse(&json!({ "keys": [entry.public_jwk] }));
        if let Some(claims) = keys.and_then(|keys| keys.verify(token, &ASYMMETRIC).ok()) {
            return Ok((claims, entry));
        }
    }
    Err(invalid("no key is trusted for its 'iss', 'sub' and 'kid', or its signature is wrong"))
}

/// What is granted: within what the issuer may vouch for and what the client may have.
fn scope_for(call: &Call<'_>, trusted: &TrustedIssuer) -> Result<Vec<String>, OAuth2Error> {
    let config = call.service.config.load();
    let (strategy, client) = (config.scope_strategy, call.client);
    let asked = scope::parse(call.parameters.get("scope").unwrap_or_default());
    if asked.is_empty() && config.default_grant_allowed_scope {
        let both = |scope: &&String| scope::allows(strategy, &trusted.scope, scope);
        return Ok(client.scope.iter().filter(both).cloned().collect());
    }
    scope::check(strategy, &trusted.scope, &asked)?;
    scope::check(strategy, &client.scope, &asked)?;
    Ok(asked)
}

fn invalid(why: &'static str) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidGrant, format!("The assertion is not accepted: {why}."))
}
