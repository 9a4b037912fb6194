//! Whether a person has to be asked for consent.

use crate::authorize::identifies_the_client;
use crate::challenge::AuthorizationRequest;
use crate::client::Client;
use crate::config::ScopeStrategy;
use crate::grant::Grant;
use crate::{audience, scope};

/// Whether somebody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Yes.
    Ask,
    /// No: an earlier grant covers the request, or the client is one of the operator's own.
    Skip,
}

/// Whether a person has to be asked before the client gets what it wants. `remembered` is the newest grant that is to be
/// remembered.
///
/// `prompt=consent` always asks. A client that is marked `skip_consent` is trusted by the operator. A public client whose
/// redirect address anybody's application can claim is never assumed to be the one that was granted something before
/// (RFC 8252 section 8.6).
#[must_use]
pub fn need(
    request: &AuthorizationRequest,
    client: &Client,
    remembered: Option<&Grant>,
    strategy: ScopeStrategy,
) -> Need {
    if let Some(need) = at_once(request, client) {
        return need;
    }
    let covered = remembered.is_some_and(|grant| {
        request.scope.iter().all(|asked| scope::allows(strategy, &grant.scope, asked))
            && request.audience.iter().all(|asked| audience::allows(&grant.audience, asked))
    });
    if covered { Need::Skip } else { Need::Ask }
}

/// Whether an earlier grant could make a difference.
#[must_use]
pub fn depends_on_history(request: &AuthorizationRequest, client: &Client) -> bool {
    at_once(request, client).is_none()
}

fn at_once(request: &AuthorizationRequest, client: &Client) -> Option<Need> {
    if request.prompt.iter().any(|word| word == "consent") {
        return Some(Need::Ask);
    }
    if client.skip_consent {
        return Some(Need::Skip);
    }
    (client.is_public() && !identifies_the_client(&request.redirect_uri)).then_some(Need::Ask)
}

#[cfg(test)]
mod tests {
    use orrery_core::Timestamp;
    use orrery_core::entropy::SeededEntropy;
    use orrery_core::id::{GrantId, LoginSessionId};
    use serde_json::Value;

    use super::*;
    use crate::authorize::{Parameters, check, samples};
    use crate::client::AuthMethod;
    use crate::grant::{Authentication, GrantKind, Requested, SessionClaims};

    fn request(client: &Client, extra: &str) -> AuthorizationRequest {
        let query = format!(
            "client_id=app&response_type=code&redirect_uri={}&state=12345678&scope=openid+photos.read\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256{extra}",
            client.redirect_uris[0]
        );
        let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
        check(&Parameters::new(pairs).expect("within bounds"), client, &samples::config()).expect("a good request")
    }

    fn granted(scope: &[&str], audience: &[&str]) -> Grant {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let entropy = SeededEntropy::new(1);
        Grant {
            id: GrantId::generate(&entropy),
            client: samples::client().id,
            subject: "ada".to_owned(),
            identity: None,
            kind: GrantKind::Authorization,
            scope: list(scope),
            audience: list(audience),
            session: SessionClaims::default(),
            authentication: Authentication {
                at: Timestamp::EPOCH,
                acr: String::new(),
                amr: Vec::new(),
                session: LoginSessionId::generate(&entropy),
                obfuscated_subject: None,
            },
            requested: Requested::default(),
            remember: true,
            remember_for: 0,
            skipped: false,
            context: Value::Null,
            requested_at: Timestamp::EPOCH,
            handled_at: Timestamp::EPOCH,
            expires_at: Timestamp::EPOCH,
        }
    }

    fn asks(client: &Client, extra: &str, remembered: Option<&Grant>) -> bool {
        need(&request(client, extra), client, remembered, ScopeStrategy::Wildcard) == Need::Ask
    }

    #[test]
    fn an_earlier_grant_suffices_when_it_covers_everything() {
        let client = samples::client();
        assert!(asks(&client, "", None));
        assert!(!asks(&client, "", Some(&granted(&["openid", "photos.*"], &[]))));
        assert!(asks(&client, "", Some(&granted(&["openid"], &[]))));
        let audience = "&audience=https://api.example/v1";
        assert!(asks(&client, audience, Some(&granted(&["openid", "photos.*"], &[]))), "another audience is asked for");
        assert!(!asks(&client, audience, Some(&granted(&["openid", "photos.*"], &["https://api.example"]))));
    }

    #[test]
    fn prompt_consent_asks_and_a_client_of_the_operator_does_not() {
        let trusted = Client { skip_consent: true, ..samples::client() };
        let everything = granted(&["openid", "photos.*"], &[]);
        assert!(!asks(&trusted, "", None));
        assert!(asks(&trusted, "&prompt=consent", None));
        assert!(asks(&samples::client(), "&prompt=consent", Some(&everything)));
    }

    #[test]
    fn an_application_that_anybody_can_imitate_is_always_asked_for() {
        let everything = granted(&["openid", "photos.*"], &[]);
        for (uri, asked) in [
            ("com.example.app:/cb", true),
            ("https://app.example/cb", false),
            ("http://127.0.0.1/cb", false),
            ("http://localhost/cb", false),
        ] {
            let redirect_uris = vec![uri.to_owned()];
            let public = Client { token_endpoint_auth_method: AuthMethod::None, redirect_uris, ..samples::client() };
            assert_eq!(asks(&public, "", Some(&everything)), asked, "{uri}");
            let confidential = Client { token_endpoint_auth_method: AuthMethod::ClientSecretBasic, ..public };
            assert!(!asks(&confidential, "", Some(&everything)), "it proves itself at the token endpoint");
        }
    }
}
