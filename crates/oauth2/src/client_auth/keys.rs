//! The public keys of clients: registered with them, or fetched from where they keep them (`jwks_uri`).

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use orrery_core::Timestamp;
use orrery_core::outbound::{OutboundClient, OutboundRequest, Trust};
use orrery_keys::foreign::{ForeignError, ForeignKeys};
use orrery_keys::{Claims, SigningAlgorithm};

use crate::client::Client;
use crate::error::{ErrorCode, OAuth2Error};

/// How many documents are kept.
const CAPACITY: u64 = 1_000;
/// How long one is used.
const FRESH: Duration = Duration::from_secs(3600);
/// How often strangers' assertions may make one be fetched again: with an unknown `kid`, or when it could not be fetched.
const PAUSE: Duration = Duration::from_secs(30);
/// Longest wait for one.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest one.
const MAX_BYTES: usize = 512 * 1024;

/// Documents that were fetched, by address.
pub struct ClientKeys {
    outbound: Arc<dyn OutboundClient>,
    fetched: Cache<String, Arc<Fetched>>,
}

/// What came of fetching one.
struct Fetched {
    keys: Result<ForeignKeys, FetchError>,
    at: Timestamp,
}

/// A token of a client was not accepted.
#[derive(Debug)]
pub(crate) enum KeyFailure {
    /// Its keys are not known.
    Keys(OAuth2Error),
    /// The token is wrong.
    Token(ForeignError),
}

/// What is wrong with a token, as the predicate of a sentence.
pub(crate) const fn why(error: ForeignError) -> &'static str {
    match error {
        ForeignError::Unacceptable => "it is no JWT, or its 'alg' is not the registered one",
        ForeignError::UnknownKey => "none of the client's keys fits its 'kid' and 'alg'",
        ForeignError::Invalid => "its signature is wrong",
    }
}

/// Whether what was fetched before will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    /// It will.
    Known,
    /// It lacks a key: fetch again, unless that was done a moment ago.
    Again,
}

impl ClientKeys {
    /// Nothing fetched yet.
    #[must_use]
    pub fn new(outbound: Arc<dyn OutboundClient>) -> Self {
        Self { outbound, fetched: Cache::builder().max_capacity(CAPACITY).time_to_live(FRESH).build() }
    }

    /// The keys of a client. Many callers that want the same document wait for one request.
    ///
    /// # Errors
    /// `invalid_client` when it has none, or they cannot be fetched: the answer says no more, because the address may be
    /// one that the caller wants to learn about.
    async fn of(&self, client: &Client, now: Timestamp, freshness: Freshness) -> Result<ForeignKeys, OAuth2Error> {
        if let Some(keys) = &client.jwks {
            return ForeignKeys::parse(keys).ok_or_else(no_keys);
        }
        let uri = client.jwks_uri.as_ref().ok_or_else(no_keys)?;
        let outdated = |known: &Arc<Fetched>| {
            (freshness == Freshness::Again || known.keys.is_err()) && now.since(known.at) >= PAUSE
        };
        if self.fetched.get(uri).await.as_ref().is_some_and(outdated) {
            self.fetched.invalidate(uri).await;
        }
        let fetched = self.fetched.get_with(uri.clone(), self.fetch(uri, now)).await;
        fetched.keys.clone().map_err(|error| {
            let mut refusal = OAuth2Error::new(
                ErrorCode::InvalidClient,
                "The client's keys could not be fetched from its jwks_uri. It must answer with a JSON Web Key set, \
                 quickly and without a redirect, at a public address.",
            );
            refusal.source = Some(Box::new(error));
            refusal
        })
    }

    /// The claims of a token that the client signed with one of the `accepted` algorithms.
    ///
    /// # Errors
    /// See [`KeyFailure`].
    pub(crate) async fn verify(
        &self,
        client: &Client,
        now: Timestamp,
        token: &str,
        accepted: &[SigningAlgorithm],
    ) -> Result<Claims, KeyFailure> {
        let keys = self.of(client, now, Freshness::Known).await.map_err(KeyFailure::Keys)?;
        let verified = match keys.verify(token, accepted) {
            // It may have rotated its keys since they were fetched.
            Err(ForeignError::UnknownKey) => {
                let keys = self.of(client, now, Freshness::Again).await.map_err(KeyFailure::Keys)?;
                keys.verify(token, accepted)
            }
            verified => verified,
        };
        verified.map_err(KeyFailure::Token)
    }

    async fn fetch(&self, uri: &str, now: Timestamp) -> Arc<Fetched> {
        Arc::new(Fetched { keys: self.keys_at(uri).await, at: now })
    }

    async fn keys_at(&self, uri: &str) -> Result<ForeignKeys, FetchError> {
        let request = OutboundRequest {
            method: "GET".to_owned(),
            url: uri.to_owned(),
            headers: vec![("accept".to_owned(), "application/jwk-set+json, application/json".to_owned())],
            body: Vec::new(),
            trust: Trust::Caller,
            timeout: TIMEOUT,
            max_response_bytes: MAX_BYTES,
        };
        let response = self.outbound.send(request).await.map_err(|error| FetchError::Call(Arc::new(error)))?;
        if response.status != 200 {
            return Err(FetchError::Status(response.status));
        }
        let document = serde_json::from_slice(&response.body).map_err(|_| FetchError::Content)?;
        ForeignKeys::parse(&document).ok_or(FetchError::Content)
    }
}

#[derive(Debug, Clone, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Call(Arc<orrery_core::outbound::OutboundError>),
    #[error("the status was {0}")]
    Status(u16),
    #[error("the answer is no JSON Web Key set")]
    Content,
}

fn no_keys() -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidClient, "The client has no keys registered. Register jwks or jwks_uri with it.")
}
