//! Signing in at the OAuth2 surface is signing in at the identity surface.

use std::sync::Arc;

use async_trait::async_trait;
use orrery_core::id::SessionId;
use orrery_core::{ProjectId, RequestContext, StoreError};
use orrery_identity::IdentityService;
use orrery_identity::identity::{Identity, Via};
use orrery_identity::session::{AuthenticationMethod, NoSession, Places, Presented, whoami};
use orrery_oauth2::authorize::{SignIn, SignInFor, SignInState, SignedIn};
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

/// The identity surface of the same process.
pub(super) struct IdentitySignIn(pub(super) Arc<IdentityService>);

#[async_trait]
impl SignIn for IdentitySignIn {
    async fn signed_in(
        &self,
        context: &RequestContext,
        cookies: &[(String, String)],
    ) -> Result<SignInState, StoreError> {
        let config = self.0.config.load_full();
        let name = &config.session.cookie_name;
        let values: Vec<_> =
            cookies.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect();
        let places = Places { session_token: None, cookies: &values, authorization: None };
        let presented = Presented::find(places, context.project, &self.0.keyring);
        match whoami(&self.0, context, &presented, config.session.required_aal).await {
            Ok(found) => Ok(SignInState::SignedIn(SignedIn {
                session: found.session.id,
                subject: found.identity.id.to_string(),
                authenticated_at: found.session.authenticated_at,
                expires_at: found.session.expires_at,
                acr: found.session.aal.as_str().to_owned(),
                reachable: config.available_aal(&found.identity).as_str().to_owned(),
                claims: claims(&found.identity),
                amr: methods(found.session.methods.iter().map(|used| used.method)),
            })),
            Err(NoSession::Inactive) => Ok(SignInState::Nobody),
            Err(NoSession::SecondFactorNeeded) => Ok(SignInState::SecondFactorMissing),
            Err(NoSession::Store(error)) => Err(error),
        }
    }

    fn page(&self, purpose: SignInFor, return_to: &str) -> String {
        let config = self.0.config.load();
        let mut query = Serializer::new(String::new());
        query.append_pair("return_to", return_to);
        let flow = match purpose {
            SignInFor::Anybody => "login",
            SignInFor::Again => {
                query.append_pair("refresh", "true");
                "login"
            }
            SignInFor::SecondFactor => {
                query.append_pair("aal", "aal2");
                "login"
            }
            SignInFor::Registration => "registration",
        };
        let base = config.public_url.as_str().trim_end_matches('/');
        format!("{base}/self-service/{flow}/browser?{}", query.finish())
    }

    fn claims(&self) -> &'static [&'static str] {
        &CLAIMS
    }

    async fn is_session(&self, project: ProjectId, id: SessionId) -> Result<bool, StoreError> {
        Ok(self.0.sessions.session_by_id(project, id).await?.is_some())
    }

    async fn sign_out(&self, project: ProjectId, id: SessionId) -> Result<(), StoreError> {
        self.0.sessions.session_revoke(project, id).await.map(|_| ())
    }
}

/// What [`claims`] may say.
const CLAIMS: [&str; 11] = [
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "picture",
    "locale",
    "updated_at",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
];

/// What OpenID Connect knows people by. A name that is an object has the parts that the default schema gives it.
fn claims(identity: &Identity) -> Map<String, Value> {
    let mut claims = Map::new();
    for (via, name) in [(Via::Email, "email"), (Via::Sms, "phone_number")] {
        if let Some(address) = identity.verifiable_addresses.iter().find(|address| address.via == via) {
            claims.insert(name.to_owned(), address.value.clone().into());
            claims.insert(format!("{name}_verified"), address.verified.into());
        }
    }
    let traits = &identity.traits;
    for (claim, name) in [("preferred_username", "username"), ("picture", "picture"), ("locale", "locale")] {
        if let Some(Value::String(value)) = traits.get(name) {
            claims.insert(claim.to_owned(), value.clone().into());
        }
    }
    match traits.get("name") {
        Some(Value::String(name)) => {
            claims.insert("name".to_owned(), name.clone().into());
        }
        Some(Value::Object(parts)) => {
            let part = |name: &str| parts.get(name).and_then(Value::as_str).filter(|part| !part.is_empty());
            let (first, last) = (part("first"), part("last"));
            let whole: Vec<_> = [first, last].into_iter().flatten().collect();
            if !whole.is_empty() {
                claims.insert("name".to_owned(), whole.join(" ").into());
            }
            for (claim, part) in [("given_name", first), ("family_name", last)] {
                if let Some(part) = part {
                    claims.insert(claim.to_owned(), part.into());
                }
            }
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) | None => {}
    }
    claims.insert("updated_at".to_owned(), identity.updated_at.as_seconds().into());
    claims
}

/// The contract's names of the methods, each once.
fn methods(used: impl Iterator<Item = AuthenticationMethod>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for method in used {
        let name = serde_json::to_value(method).ok().and_then(|name| name.as_str().map(str::to_owned));
        if let Some(name) = name.filter(|name| !names.contains(name)) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use orrery_core::id::AddressId;
    use orrery_core::{SystemEntropy, Timestamp};
    use orrery_identity::identity::{AddressStatus, VerifiableAddress};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_said_of_people_is_advertised_and_nothing_else() {
        let entropy = SystemEntropy::default();
        let mut identity = Identity::new("default", Timestamp::EPOCH, &entropy);
        for (via, value) in [(Via::Email, "ada@example.org"), (Via::Sms, "+1")] {
            identity.verifiable_addresses.push(VerifiableAddress {
                id: AddressId::generate(&entropy),
                value: value.to_owned(),
                via,
                verified: true,
                status: AddressStatus::Completed,
                verified_at: None,
                created_at: Timestamp::EPOCH,
                updated_at: Timestamp::EPOCH,
            });
        }
        let mut traits = json!({"username": "ada", "picture": "https://a.example/", "locale": "en"});
        traits["name"] = json!({"first": "Ada", "last": "Lovelace"});
        identity.traits = traits.as_object().cloned().expect("an object");
        let mut advertised = CLAIMS.to_vec();
        advertised.sort_unstable();
        let said = claims(&identity);
        let mut said: Vec<_> = said.keys().map(String::as_str).collect();
        said.sort_unstable();
        assert_eq!(said, advertised);
    }
}
