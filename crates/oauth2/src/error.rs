//! The errors of OAuth2 and OpenID Connect, as clients parse them.

use std::borrow::Cow;
use std::fmt;

use orrery_core::StoreError;
use orrery_core::rate::TooMany;
use orrery_keys::KeyError;

/// The value of `error`. Each has one HTTP status at endpoints that answer themselves; at the authorization
/// endpoint it travels in the redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is a code of a specification, named there")]
pub enum ErrorCode {
    InvalidRequest,
    UnauthorizedClient,
    AccessDenied,
    UnsupportedResponseType,
    UnsupportedResponseMode,
    UnsupportedGrantType,
    UnsupportedTokenType,
    InvalidScope,
    InvalidGrant,
    InvalidClient,
    InvalidTarget,
    InvalidState,
    InsufficientEntropy,
    ServerError,
    TemporarilyUnavailable,
    NotFound,
    RequestUnauthorized,
    RequestForbidden,
    InvalidToken,
    InsufficientScope,
    ScopeNotGranted,
    LoginRequired,
    InteractionRequired,
    ConsentRequired,
    AccountSelectionRequired,
    RequestNotSupported,
    RequestUriNotSupported,
    RegistrationNotSupported,
    InvalidRequestUri,
    InvalidRequestObject,
    JtiKnown,
    AuthorizationPending,
    SlowDown,
    ExpiredToken,
    TooManyRequests,
    UnmetAuthenticationRequirements,
    InvalidClientMetadata,
    InvalidRedirectUri,
    InvalidDpopProof,
    UseDpopNonce,
    MissingRequiredParameter,
    Conflict,
    PreconditionFailed,
    Gone,
}

impl ErrorCode {
    /// The text in `error` and the HTTP status.
    #[must_use]
    pub const fn parts(self) -> (&'static str, u16) {
        match self {
            Self::InvalidRequest => ("invalid_request", 400),
            Self::UnauthorizedClient => ("unauthorized_client", 400),
            Self::AccessDenied => ("access_denied", 403),
            Self::UnsupportedResponseType => ("unsupported_response_type", 400),
            Self::UnsupportedResponseMode => ("unsupported_response_mode", 400),
            Self::UnsupportedGrantType => ("unsupported_grant_type", 400),
            Self::UnsupportedTokenType => ("unsupported_token_type", 400),
            Self::InvalidScope => ("invalid_scope", 400),
            Self::InvalidGrant => ("invalid_grant", 400),
            Self::InvalidClient => ("invalid_client", 401),
            Self::InvalidTarget => ("invalid_target", 400),
            Self::InvalidState => ("invalid_state", 400),
            Self::InsufficientEntropy => ("insufficient_entropy", 400),
            Self::ServerError => ("server_error", 500),
            Self::TemporarilyUnavailable => ("temporarily_unavailable", 503),
            Self::NotFound => ("not_found", 404),
            Self::RequestUnauthorized => ("request_unauthorized", 401),
            Self::RequestForbidden => ("request_forbidden", 403),
            Self::InvalidToken => ("invalid_token", 401),
            Self::InsufficientScope => ("insufficient_scope", 403),
            Self::ScopeNotGranted => ("scope_not_granted", 403),
            Self::LoginRequired => ("login_required", 400),
            Self::InteractionRequired => ("interaction_required", 400),
            Self::ConsentRequired => ("consent_required", 400),
            Self::AccountSelectionRequired => ("account_selection_required", 400),
            Self::RequestNotSupported => ("request_not_supported", 400),
            Self::RequestUriNotSupported => ("request_uri_not_supported", 400),
            Self::RegistrationNotSupported => ("registration_not_supported", 400),
            Self::InvalidRequestUri => ("invalid_request_uri", 400),
            Self::InvalidRequestObject => ("invalid_request_object", 400),
            Self::JtiKnown => ("jti_known", 400),
            Self::AuthorizationPending => ("authorization_pending", 400),
            Self::SlowDown => ("slow_down", 400),
            Self::ExpiredToken => ("expired_token", 400),
            Self::UnmetAuthenticationRequirements => ("unmet_authentication_requirements", 400),
            Self::TooManyRequests => ("too_many_requests", 429),
            Self::InvalidClientMetadata => ("invalid_client_metadata", 400),
            Self::InvalidRedirectUri => ("invalid_redirect_uri", 400),
            Self::InvalidDpopProof => ("invalid_dpop_proof", 400),
            Self::UseDpopNonce => ("use_dpop_nonce", 400),
            Self::MissingRequiredParameter => ("missing_required_parameter", 400),
            Self::Conflict => ("conflict", 409),
            Self::PreconditionFailed => ("precondition_failed", 412),
            Self::Gone => ("gone", 410),
        }
    }
}

/// What a client is told, and what the log learns besides.
pub struct OAuth2Error {
    /// What kind.
    pub code: ErrorCode,
    /// What happened, why, and what to do: without `"` and `\` (RFC 6749 section 5.2), never a secret.
    pub description: Cow<'static, str>,
    /// Seconds after which trying again makes sense.
    pub retry_after: Option<u32>,
    /// For the log alone.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl OAuth2Error {
    /// An error with its description. Characters that RFC 6749 forbids in one are replaced.
    #[must_use]
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let mut description = description.into();
        let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        if !description.chars().all(allowed) {
            let replaced = description.chars().map(|c| if allowed(c) { c } else { '\'' });
            description = Cow::Owned(replaced.collect());
        }
        Self { code, description, retry_after: None, source: None }
    }

    /// A defect: the client learns nothing but the id of its request.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let description = "Something went wrong on our side. Quote the request id when you ask about it.";
        Self { source: Some(source.into()), ..Self::new(ErrorCode::ServerError, description) }
    }

    /// The cause and its causes, one line, for the log.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source.as_deref().map(|source| source as &dyn std::error::Error);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl From<StoreError> for OAuth2Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self {
                retry_after: Some(1),
                source: Some(error.into()),
                ..Self::new(ErrorCode::TemporarilyUnavailable, "The storage cannot be reached. Try again in a moment.")
            },
            StoreError::Conflict(_) | StoreError::Internal(_) => Self::internal(error),
        }
    }
}

impl From<TooMany> for OAuth2Error {
    fn from(TooMany { retry_after }: TooMany) -> Self {
        let seconds = u32::try_from(retry_after.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        let description = format!("Too many requests from this address. Try again in {seconds} seconds.");
        Self { retry_after: Some(seconds), ..Self::new(ErrorCode::TooManyRequests, description) }
    }
}

impl From<KeyError> for OAuth2Error {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Store(error) => error.into(),
            KeyError::Invalid(_)
            | KeyError::NotFound
            | KeyError::NoSigningKey
            | KeyError::Unreadable
            | KeyError::Crypto => Self::internal(error),
        }
    }
}

// The description may repeat what a caller sent, so neither form shows it.
impl fmt::Display for OAuth2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, status) = self.code.parts();
        write!(f, "{status} {code}")
    }
}

impl fmt::Debug for OAuth2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OAuth2Error({self})")
    }
}

impl std::error::Error for OAuth2Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_cannot_leave_its_quotes() {
        let error = OAuth2Error::new(ErrorCode::InvalidScope, "The scope \"a\\b\" \u{1f600}\r\nX: y".to_owned());
        assert_eq!(error.description, "The scope 'a'b' '''X: y");
    }

    #[test]
    fn an_outage_is_never_a_refusal() {
        let error = OAuth2Error::from(StoreError::unavailable("down"));
        assert_eq!((error.code, error.retry_after), (ErrorCode::TemporarilyUnavailable, Some(1)));
    }
}
