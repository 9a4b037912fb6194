//! The device authorization request (RFC 8628 section 3.1).

use orrery_core::error::Conflict;
use orrery_core::secret::Purpose;
use orrery_core::{ProjectId, StoreError, Timestamp};
use serde::Serialize;
use url::Url;

use super::{DeviceCode, DeviceState, user_code};
use crate::client::Client;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant_type::GrantType;
use crate::parameters::Parameters;
use crate::service::OAuth2Service;
use crate::token::{OpaqueKind, opaque};
use crate::{audience, scope};

/// How often another user code is drawn when one is taken.
const TRIES: usize = 5;

/// What a device is told (RFC 8628 section 3.2).
#[derive(Serialize)]
pub struct DeviceAuthorization {
    /// What it asks with.
    pub device_code: String,
    /// What it shows.
    pub user_code: String,
    /// Where somebody types that.
    pub verification_uri: String,
    /// The same with the code in it, for a QR code.
    pub verification_uri_complete: String,
    /// Life of both codes, in seconds.
    pub expires_in: u64,
    /// Seconds between two questions.
    pub interval: i32,
}

// Holds a bearer secret.
impl std::fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceAuthorization(…)")
    }
}

/// Begins the approval of a device.
///
/// # Errors
/// What the client may not do, or asks for and may not have.
pub async fn authorize(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    client: &Client,
    parameters: &Parameters,
) -> Result<DeviceAuthorization, OAuth2Error> {
    if parameters.get("client_id").is_some_and(|id| id != client.id.as_str()) {
        return Err(OAuth2Error::new(ErrorCode::InvalidRequest, "The parameter 'client_id' names another client."));
    }
    if !client.may_use_grant(GrantType::DeviceCode.name()) {
        return Err(OAuth2Error::new(
            ErrorCode::InvalidGrant,
            "The client is not registered for devices. Add urn:ietf:params:oauth:grant-type:device_code to its grant_types.",
        ));
    }
    let config = service.config.load();
    let scope = scope::parse(parameters.get("scope").unwrap_or_default());
    scope::check(config.scope_strategy, &client.scope, &scope)?;
    let audience = audience::parse(&parameters.all("audience"), &parameters.all("resource"))?;
    audience::check(&client.audience, &audience, ErrorCode::InvalidRequest)?;
    let lifetime = config.ttl.device_user_code;
    let interval = i32::try_from(config.device.polling_interval.as_secs()).unwrap_or(i32::MAX);
    for _ in 0..TRIES {
        let shown = user_code::generate(&config.device.user_code, &*service.entropy);
        let asked_with = opaque(OpaqueKind::DeviceCode, &*service.entropy);
        let code = DeviceCode {
            hash: service.keyring.hash(Purpose::DeviceCode, &asked_with),
            user_code: service.keyring.hash(Purpose::DeviceCode, &shown),
            client: client.id.clone(),
            state: DeviceState::Waiting,
            scope: scope.clone(),
            audience: audience.clone(),
            grant: None,
            poll_after: now,
            poll_interval: interval,
            issued_at: now,
            expires_at: now + lifetime,
        };
        match service.devices.device_create(project, &code).await {
            Ok(()) => {}
            Err(StoreError::Conflict(Conflict::Other)) => continue,
            Err(error) => return Err(error.into()),
        }
        let uri = config.endpoint("/oauth2/device/verify");
        let mut complete = Url::parse(&uri).map_err(OAuth2Error::internal)?;
        complete.query_pairs_mut().append_pair("user_code", &shown);
        return Ok(DeviceAuthorization {
            device_code: asked_with,
            user_code: user_code::grouped(&shown),
            verification_uri: uri,
            verification_uri_complete: complete.into(),
            expires_in: lifetime.as_secs(),
            interval,
        });
    }
    Err(OAuth2Error::internal("every user code that was drawn is taken"))
}
