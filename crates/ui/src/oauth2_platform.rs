//! The pages' way to the OAuth2 surface of the same process.

use std::sync::Arc;

use actix_web::HttpRequest;
use async_trait::async_trait;
use orrery_core::RequestContext;
use orrery_oauth2::authorize::{SealedError, SignInFor};
use orrery_oauth2::challenge::{AuthorizationRequest, ChallengeError, Rejection};
use orrery_oauth2::client::Client;
use orrery_oauth2::consent::{self, AcceptConsent};
use orrery_oauth2::device::{user_code, verify};
use orrery_oauth2::{ErrorCode, OAuth2Error, OAuth2Service, authorize, challenge, logout};
use orrery_web::cookie;
use url::Url;

use crate::authorization::{
    Application, ApplicationLinks, Authorizations, CodeLetters, ConsentAnswer, ConsentQuestion, DeviceQuestion,
    FetchedBy, LogoutQuestion, RequestError, SignInReason,
};
use crate::frontend::Trouble;

/// The OAuth2 surface of this process.
pub struct OAuth2Platform(pub Arc<OAuth2Service>);

#[async_trait(?Send)]
impl Authorizations for OAuth2Platform {
    async fn consent(
        &self,
        context: &RequestContext,
        request: &HttpRequest,
        challenge: &str,
    ) -> Result<ConsentQuestion, Trouble> {
        let found = consent::read_for_browser(&self.0, context, challenge, &cookie::all(request)).await?;
        Ok(ConsentQuestion {
            application: application(&found.client),
            target: authorize::target(&found.flow.request.redirect_uri),
            fetched_by: if found.flow.device.is_some() { FetchedBy::Device } else { FetchedBy::Browser },
            locales: locales(&found.flow.request),
            unchecked: (!found.client.is_vouched_for()).then(|| found.flow.request.redirect_uri.clone()),
            scopes: found.flow.request.scope,
            audiences: found.flow.request.audience,
        })
    }

    async fn answer(
        &self,
        context: &RequestContext,
        request: &HttpRequest,
        challenge: &str,
        answer: ConsentAnswer,
    ) -> Result<String, Trouble> {
        let found = consent::read_for_browser(&self.0, context, challenge, &cookie::all(request)).await?;
        let asked = found.flow.request;
        let accept = |remember| AcceptConsent {
            scope: asked.scope.clone(),
            audience: asked.audience.clone(),
            remember,
            ..AcceptConsent::default()
        };
        let next = match answer {
            ConsentAnswer::AllowOnce => consent::accept(&self.0, context, challenge, accept(false)).await,
            ConsentAnswer::AllowAndRemember => consent::accept(&self.0, context, challenge, accept(true)).await,
            ConsentAnswer::Deny => {
                let rejection = Rejection {
                    error: "access_denied".to_owned(),
                    error_description: "The person did not consent.".to_owned(),
                    status_code: 403,
                };
                consent::reject(&self.0, context, challenge, rejection).await
            }
        };
        Ok(next?)
    }

    fn device(
        &self,
        context: &RequestContext,
        request: &HttpRequest,
        challenge: &str,
        typed: Option<&str>,
    ) -> Result<DeviceQuestion, Trouble> {
        verify::read_for_browser(&self.0, context, challenge, &cookie::all(request))?;
        let config = self.0.config.load();
        let form = &config.device.user_code;
        let shown = |typed: &str| user_code::normalise(form, typed).map(|code| user_code::grouped(&code));
        let has = |test: fn(char) -> bool| form.characters.chars().any(test);
        let sign_in = config.urls.login.as_ref().map(ToString::to_string);
        let sign_in = sign_in.unwrap_or_else(|| self.0.sign_in.page(SignInFor::Anybody, ""));
        let pages = [config.urls.consent.as_ref(), config.urls.device_success.as_ref()].into_iter().flatten();
        let pages = pages.map(ToString::to_string).chain([sign_in]);
        Ok(DeviceQuestion {
            letters: match (has(char::is_lowercase), has(char::is_uppercase)) {
                (false, false) => CodeLetters::Digits,
                (false, true) => CodeLetters::Capitals,
                (true, _) => CodeLetters::Mixed,
            },
            typed: typed.map(|typed| shown(typed).unwrap_or_else(|| typed.to_owned())),
            targets: pages.filter_map(|page| authorize::target(&page)).collect(),
        })
    }

    async fn logout(&self, context: &RequestContext, challenge: &str) -> Result<LogoutQuestion, Trouble> {
        let (found, client) = logout::read(&self.0, context, challenge).await?;
        Ok(LogoutQuestion {
            application: client.as_ref().map(application),
            target: found.target.as_deref().and_then(authorize::target),
        })
    }

    async fn confirm_logout(&self, context: &RequestContext, challenge: &str) -> Result<String, Trouble> {
        Ok(logout::accept(&self.0, context, challenge).await?)
    }

    fn error(&self, context: &RequestContext, detail: &str) -> Option<RequestError> {
        let SealedError { code, description, onward } = authorize::sealed_error(&self.0, context, detail)?;
        Some(RequestError { code, description, onward })
    }

    async fn sign_in_reason(&self, context: &RequestContext, return_to: &str) -> Option<SignInReason> {
        let url = Url::parse(return_to).ok()?;
        let (_, text) = url.query_pairs().find(|(name, _)| name == "login_challenge")?;
        // A page that cannot say what it is for is shown all the same.
        let asked = challenge::read_login(&self.0, context, &text).await.ok()?.request;
        let hint = asked.oidc_context.get("login_hint").and_then(|hint| hint.as_str());
        Some(SignInReason {
            target: authorize::target(&asked.redirect_uri),
            login_hint: hint.map(str::to_owned),
            locales: locales(&asked),
        })
    }
}

/// `ui_locales`.
fn locales(asked: &AuthorizationRequest) -> Vec<String> {
    let named = asked.oidc_context.get("ui_locales").and_then(|named| named.as_array());
    named.into_iter().flatten().filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
}

fn application(client: &Client) -> Application {
    let address = |text: &str| Some(text.to_owned()).filter(|text| is_web(text));
    Application {
        name: if client.name.is_empty() { client.id.to_string() } else { client.name.clone() },
        logo: address(&client.logo_uri),
        links: ApplicationLinks {
            home: address(&client.client_uri),
            policy: address(&client.policy_uri),
            terms: address(&client.tos_uri),
        },
    }
}

/// Whether a link leads to the web; `javascript:` and its kind do not.
fn is_web(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

impl From<ChallengeError> for Trouble {
    fn from(error: ChallengeError) -> Self {
        match error {
            ChallengeError::Unknown => Self::NotFound,
            ChallengeError::Expired { .. } | ChallengeError::Handled(_) => Self::Expired,
            ChallengeError::Other(error) => error.into(),
        }
    }
}

impl From<OAuth2Error> for Trouble {
    fn from(error: OAuth2Error) -> Self {
        if error.code == ErrorCode::RequestForbidden {
            return Self::Cookie;
        }
        if error.code == ErrorCode::TemporarilyUnavailable {
            return Self::Unavailable;
        }
        tracing::error!(error = %error.chain(), "a page could not be shown");
        Self::Internal
    }
}
