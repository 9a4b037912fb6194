//! Login challenges as texts: sealed whole while they are short, otherwise stored under the authorization's id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use orrery_core::secret::Purpose;
use orrery_core::{Keyring, RequestContext, StoreError, TokenHash};
use serde_json::{Map, Value};

use super::LoginChallenge;
use super::seal::{Kind, MAX_INLINE, Sealer};
use crate::client::ClientId;
use crate::config::Config;
use crate::service::OAuth2Service;
use crate::store::PushedRequest;

/// The member of a stored request that holds the challenge.
const MEMBER: &str = "login_challenge";

/// The text of a challenge. Writes nothing while it is short.
pub(crate) async fn seal(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    client: &ClientId,
    challenge: &LoginChallenge,
) -> Result<String, StoreError> {
    let (sealer, entropy) = (Sealer { keyring: &service.keyring, project: context.project }, &*service.entropy);
    let plain = challenge.encode();
    let whole = sealer.seal(Kind::Login, &plain, entropy);
    if whole.len() <= MAX_INLINE {
        return Ok(whole);
    }
    let expires_at = challenge.requested_at + config.ttl.login_consent_request;
    let stored = PushedRequest {
        hash: service.keyring.hash(Purpose::PushedRequest, &name(challenge)),
        client: client.clone(),
        parameters: Map::from_iter([(MEMBER.to_owned(), Value::String(STANDARD_NO_PAD.encode(plain)))]),
        expires_at,
        used_at: None,
    };
    service.authorizations.request_keep(context.project, &stored).await?;
    Ok(sealer.name(Kind::StoredLogin, challenge.id, expires_at, entropy))
}

/// The challenge that a text is; `None` for one that we did not make, or whose request is gone.
pub(crate) async fn open(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
) -> Result<Option<LoginChallenge>, StoreError> {
    let sealer = Sealer { keyring: &service.keyring, project: context.project };
    if let Some(plain) = sealer.open(Kind::Login, text) {
        return Ok(LoginChallenge::decode(&plain));
    }
    let Some((id, _)) = sealer.named(Kind::StoredLogin, text) else { return Ok(None) };
    let hashes = hashes(&service.keyring, &id.to_string());
    let stored = service.authorizations.request_by_hash(context.project, &hashes).await?;
    let text = stored.as_ref().and_then(|stored| stored.parameters.get(MEMBER)?.as_str());
    Ok(text.and_then(|text| STANDARD_NO_PAD.decode(text).ok()).and_then(|plain| LoginChallenge::decode(&plain)))
}

fn name(challenge: &LoginChallenge) -> String {
    challenge.id.to_string()
}

fn hashes(keyring: &Keyring, name: &str) -> Vec<TokenHash> {
    keyring.candidates(Purpose::PushedRequest, name).collect()
}
