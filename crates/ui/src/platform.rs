//! The pages' way to the identity surface and the courier of the same process.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use async_trait::async_trait;
use orrery_core::id::{FlowErrorId, FlowId, MessageId};
use orrery_core::{PageRequest, RequestContext, StoreError};
use orrery_courier::inbox::{self, OpenedMessage};
use orrery_courier::message::MessageFilter;
use orrery_courier::store::MessageStore;
use orrery_identity::flow::FlowKind;
use orrery_identity::http::{read, session};
use orrery_identity::session::{NoSession, SessionJson, SessionWithIdentity, whoami};
use orrery_identity::store::SessionFilter;
use orrery_identity::{IdentityService, logout};
use orrery_web::ApiError;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Value, json};

use crate::frontend::{End, FlowPage, Frontend, InboxMessage, SignedIn, Trouble};

/// Other sessions shown on the account page; whoever has more ends them all.
const SESSIONS: u32 = 100;
/// Messages shown in the inbox.
const MESSAGES: u32 = 50;

/// The identity surface and the courier of this process.
pub struct Platform {
    /// Flows and sessions.
    pub identity: Arc<IdentityService>,
    /// The courier's messages, for the development inbox.
    pub messages: Arc<dyn MessageStore>,
}

#[async_trait(?Send)]
impl Frontend for Platform {
    async fn flow(
        &self,
        context: &RequestContext,
        request: &HttpRequest,
        page: FlowPage,
        id: &str,
    ) -> Result<Value, Trouble> {
        let id: FlowId = id.parse().map_err(|_| Trouble::NotFound)?;
        let kind = match page {
            FlowPage::Login => FlowKind::Login,
            FlowPage::Registration => FlowKind::Registration,
            FlowPage::Verification => FlowKind::Verification,
            FlowPage::Recovery => FlowKind::Recovery,
            FlowPage::Settings => FlowKind::Settings,
        };
        json_of(read(&self.identity, context, request, kind, id).await)
    }

    fn offers_recovery(&self) -> bool {
        self.identity.config.load().recovery.enabled
    }

    async fn flow_error(&self, context: &RequestContext, id: &str) -> Result<Value, Trouble> {
        let id: FlowErrorId = id.parse().map_err(|_| Trouble::NotFound)?;
        let found = self.identity.flows.flow_error_by_id(context.project, id).await?;
        found.map(|(error, _)| json!({"error": error})).ok_or(Trouble::NotFound)
    }

    async fn signed_in(&self, context: &RequestContext, request: &HttpRequest) -> Result<SignedIn, Trouble> {
        let found = self.session(context, request).await?;
        let filter = SessionFilter {
            active: Some((true, context.now)),
            identity: Some(found.identity.id),
            except: Some(found.session.id),
        };
        let page = PageRequest::Keyset { size: SESSIONS, after: None };
        let others = self.identity.sessions.session_list(context.project, &filter, &page).await?;
        let public_url = &self.identity.config.load().public_url;
        let shown = |session| json_of(Ok(SessionJson::public(session, public_url, context.now)));
        let token = logout::token(found.session.id, &self.identity.keyring).expose_secret().to_owned();
        Ok(SignedIn {
            session: shown(&found)?,
            others: others.items.iter().map(shown).collect::<Result<_, _>>()?,
            logout_url: format!("{}/self-service/logout?token={token}", public_url.as_str().trim_end_matches('/')),
            form_token: token,
        })
    }

    async fn end_sessions(
        &self,
        context: &RequestContext,
        request: &HttpRequest,
        form_token: &str,
        end: End,
    ) -> Result<(), Trouble> {
        let found = self.session(context, request).await?;
        if !logout::is_token_of(found.session.id, form_token, &self.identity.keyring) {
            return Err(Trouble::Forged);
        }
        let (project, owner, present) = (context.project, found.identity.id, found.session.id);
        match end {
            End::One(id) if id == present => return Err(Trouble::NotFound),
            End::One(id) => self.identity.sessions.session_revoke_own(project, owner, id).await.map(|_| ())?,
            End::Others => {
                self.identity.sessions.session_revoke_others(project, owner, Some(present)).await.map(|_| ())?
            }
        }
        Ok(())
    }

    async fn inbox(&self, context: &RequestContext) -> Result<Vec<InboxMessage>, Trouble> {
        let page = PageRequest::Keyset { size: MESSAGES, after: None };
        let filter = MessageFilter::default();
        let keyring = &self.identity.keyring;
        let found = inbox::list(&*self.messages, keyring, context.project, &filter, &page).await?;
        Ok(found.items.into_iter().map(message).collect())
    }

    async fn inbox_message(&self, context: &RequestContext, id: MessageId) -> Result<InboxMessage, Trouble> {
        let found = inbox::get(&*self.messages, &self.identity.keyring, context.project, id).await?;
        found.map(|(opened, _)| message(opened)).ok_or(Trouble::NotFound)
    }
}

impl Platform {
    async fn session(
        &self,
        context: &RequestContext,
        request: &HttpRequest,
    ) -> Result<Arc<SessionWithIdentity>, Trouble> {
        let presented = session::presented(request, &self.identity, context);
        let required = self.identity.config.load().session.required_aal;
        whoami(&self.identity, context, &presented, required).await.map_err(|error| match error {
            NoSession::Inactive => Trouble::SignedOut,
            NoSession::SecondFactorNeeded => Trouble::SecondFactor,
            NoSession::Store(error) => error.into(),
        })
    }
}

fn message(opened: OpenedMessage) -> InboxMessage {
    let OpenedMessage { message, content } = opened;
    let (subject, text) = content.map_or_else(Default::default, |content| (content.subject, content.text));
    InboxMessage {
        id: message.id,
        recipient: message.recipient,
        subject,
        text,
        status: message.status.as_str().to_owned(),
        created_at: message.created_at.to_rfc3339(),
    }
}

/// The JSON that an HTTP client would have got.
fn json_of(answer: Result<impl Serialize, ApiError>) -> Result<Value, Trouble> {
    let answer = answer.map_err(|error| match error.status() {
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => Trouble::NotFound,
        StatusCode::GONE => Trouble::Expired,
        StatusCode::FORBIDDEN if error.id() == Some("session_aal2_required") => Trouble::SecondFactor,
        StatusCode::FORBIDDEN => Trouble::Cookie,
        StatusCode::UNAUTHORIZED => Trouble::SignedOut,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Trouble::Unavailable,
        status => {
            tracing::error!(%status, error = %error.chain(), "a page could not be shown");
            Trouble::Internal
        }
    })?;
    serde_json::to_value(answer).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Trouble::Internal
    })
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable,
            StoreError::Conflict(_) | StoreError::Internal(_) => {
                tracing::error!(error = %ApiError::from(error).chain(), "a page could not be shown");
                Self::Internal
            }
        }
    }
}
