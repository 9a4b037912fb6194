//! An identity as an administrator sees it, with as much of its credentials as was asked for.

use std::collections::{BTreeMap, BTreeSet};

use orrery_core::{Keyring, RequestContext, Timestamp};
use orrery_web::{ApiError, Pairs};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::IdentityService;
use crate::credentials::{self, CredentialKind};
use crate::flow::Generation;
use crate::identity::json::IdentityJson;
use crate::identity::{Identity, every_credential};

/// The kinds that clients of the first generation can decode.
const FIRST_GENERATION: [CredentialKind; 5] = [
    CredentialKind::Password,
    CredentialKind::Totp,
    CredentialKind::Oidc,
    CredentialKind::Webauthn,
    CredentialKind::LookupSecret,
];

/// What one answer shows of identities.
pub(super) struct View<'s> {
    /// The kinds whose data is shown.
    include: BTreeSet<CredentialKind>,
    generation: Generation,
    public_url: Url,
    /// Opens what is sealed in the data that is shown.
    keyring: &'s Keyring,
}

#[derive(Serialize)]
pub(super) struct AdminIdentity<'a> {
    #[serde(flatten)]
    identity: IdentityJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: Option<BTreeMap<CredentialKind, CredentialJson<'a>>>,
}

#[derive(Serialize)]
struct CredentialJson<'a> {
    #[serde(rename = "type")]
    kind: CredentialKind,
    identifiers: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Value>,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'s> View<'s> {
    /// What the query asks for.
    ///
    /// # Errors
    /// 400 for an unknown `include_credential`.
    pub(super) fn of(query: &Pairs, context: &RequestContext, service: &'s IdentityService) -> Result<Self, ApiError> {
        let names = query.all("include_credential").filter(|name| !name.is_empty());
        let include: Result<_, _> = names.map(str::parse).collect();
        let include = include.map_err(|_| {
            let known: Vec<_> = CredentialKind::ALL.iter().map(|kind| kind.as_str()).collect();
            ApiError::bad_request(format!("The parameter \"include_credential\" must be one of {}.", known.join(", ")))
        })?;
        Ok(Self { include, ..Self::plain(context, service) })
    }

    /// Credentials without their data.
    pub(super) fn plain(context: &RequestContext, service: &'s IdentityService) -> Self {
        let config = service.config.load();
        let generation = config.compatibility.generation(context.user_agent.as_deref());
        let public_url = config.public_url.clone();
        Self { include: BTreeSet::new(), generation, public_url, keyring: &service.keyring }
    }

    /// The kinds that have to be loaded.
    pub(super) fn needed(&self) -> BTreeSet<CredentialKind> {
        if self.hides_credentials() { BTreeSet::new() } else { every_credential() }
    }

    pub(super) fn render<'a>(&self, identity: &'a Identity) -> AdminIdentity<'a> {
        let shown = identity.credentials.iter().filter(|(kind, _)| match self.generation {
            Generation::Current => true,
            Generation::First => FIRST_GENERATION.contains(kind) || self.include.contains(kind),
        });
        let credentials = shown.map(|(kind, credential)| {
            let json = CredentialJson {
                kind: *kind,
                identifiers: &credential.identifiers,
                config: self.include.contains(kind).then(|| credentials::shown(credential, identity.id, self.keyring)),
                version: credential.version,
                created_at: credential.created_at,
                updated_at: credential.updated_at,
            };
            (*kind, json)
        });
        let credentials = (!self.hides_credentials()).then(|| credentials.collect());
        AdminIdentity { identity: IdentityJson::admin(identity, &self.public_url), credentials }
    }

    /// The first generation never had the member, unless asked for.
    fn hides_credentials(&self) -> bool {
        self.generation == Generation::First && self.include.is_empty()
    }
}
