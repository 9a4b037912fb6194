//! What the pages of the OAuth2 surface show: consent, logout, and what is wrong with a request.

use actix_web::HttpRequest;
use async_trait::async_trait;
use orrery_core::RequestContext;

use crate::frontend::Trouble;

/// An application that asks, as people see it. Its addresses are its own claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its name, or its id where it has none.
    pub name: String,
    /// Its logo.
    pub logo: Option<String>,
    /// Its home page, privacy policy and terms.
    pub links: ApplicationLinks,
}

/// Where an application explains itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApplicationLinks {
    /// Home page.
    pub home: Option<String>,
    /// How it uses data.
    pub policy: Option<String>,
    /// Its terms.
    pub terms: Option<String>,
}

/// What somebody is asked to consent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentQuestion {
    /// Who asks.
    pub application: Application,
    /// For which scopes.
    pub scopes: Vec<String>,
    /// For which resource servers.
    pub audiences: Vec<String>,
    /// Where the answer goes, as a source of a `form-action` policy.
    pub target: Option<String>,
    /// Who fetches the answer.
    pub fetched_by: FetchedBy,
    /// The languages that the application would like (`ui_locales`), the best first.
    pub locales: Vec<String>,
    /// Where the answer goes, when nobody vouches for the application: its address.
    pub unchecked: Option<String>,
}

/// What somebody signs in for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignInReason {
    /// Where the browser may end up, as a source of a `form-action` policy: browsers apply the policy of a form to every
    /// redirect that follows.
    pub target: Option<String>,
    /// Who is expected, as the application has it (`login_hint`): a text that anybody may have written.
    pub login_hint: Option<String>,
    /// The languages that the application would like (`ui_locales`), the best first.
    pub locales: Vec<String>,
}

/// Who fetches what is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchedBy {
    /// The application, in this browser.
    Browser,
    /// A device that shows a code (RFC 8628), possibly somebody else's.
    Device,
}

/// What somebody is asked who approves a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceQuestion {
    /// What the codes are made of.
    pub letters: CodeLetters,
    /// The code that was brought along or typed before, as devices show it.
    pub typed: Option<String>,
    /// Where the form may lead, as sources of a `form-action` policy.
    pub targets: Vec<String>,
}

/// What codes are made of, for keyboards on screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeLetters {
    /// Digits alone.
    Digits,
    /// Capitals, and possibly digits.
    Capitals,
    /// Letters of both cases count as different.
    Mixed,
}

/// What somebody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentAnswer {
    /// Yes, this time.
    AllowOnce,
    /// Yes, and next time too.
    AllowAndRemember,
    /// No.
    Deny,
}

/// What somebody is asked to be signed out of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutQuestion {
    /// The application that sent the browser, if one did.
    pub application: Option<Application>,
    /// Where the browser goes afterwards, as a source of a `form-action` policy.
    pub target: Option<String>,
}

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError {
    /// The code of a specification.
    pub code: String,
    /// For developers.
    pub description: String,
    /// An address of the client that nobody vouches for: the person decides whether to go there.
    pub onward: Option<String>,
}

/// The OAuth2 surface, as the pages see it.
#[async_trait(?Send)]
pub trait Authorizations: Send + Sync {
    /// What the browser that began an authorization is asked.
    async fn consent(
        &self,
        context: &RequestContext,
        request: &HttpRequest,
        challenge: &str,
    ) -> Result<ConsentQuestion, Trouble>;

    /// Records the answer. Says where the browser goes.
    async fn answer(
        &self,
        context: &RequestContext,
        request: &HttpRequest,
        challenge: &str,
        answer: ConsentAnswer,
    ) -> Result<String, Trouble>;

    /// What the browser that came to approve a device is asked. `typed` is what it brought along.
    fn device(
        &self,
        context: &RequestContext,
        request: &HttpRequest,
        challenge: &str,
        typed: Option<&str>,
    ) -> Result<DeviceQuestion, Trouble>;

    /// What somebody is asked who is to be signed out.
    async fn logout(&self, context: &RequestContext, challenge: &str) -> Result<LogoutQuestion, Trouble>;

    /// Records that they want that. Says where the browser goes.
    async fn confirm_logout(&self, context: &RequestContext, challenge: &str) -> Result<String, Trouble>;

    /// What the surface sealed of an error.
    fn error(&self, context: &RequestContext, detail: &str) -> Option<RequestError>;

    /// What a browser signs in for that then goes to `return_to`, where that is an authorization.
    async fn sign_in_reason(&self, context: &RequestContext, return_to: &str) -> Option<SignInReason>;
}
