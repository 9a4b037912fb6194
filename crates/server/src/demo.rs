//! The ready-made OAuth2 client of `--dev`, so that a whole sign-in can be tried without registering anything.

use anyhow::Context as _;
use orrery_core::{ProjectId, RequestContext, Timestamp};
use orrery_oauth2::OAuth2Service;
use orrery_oauth2::client::create::create;
use orrery_oauth2::error::ErrorCode;
use serde_json::json;

use crate::cli::{CALLBACK, PORT};

/// Its id. It is a public client: there is no secret to print or to lose.
pub(crate) const CLIENT_ID: &str = "demo";

/// Registers it, unless there is a client of that id: whatever somebody has made of it stays.
///
/// # Errors
/// When it cannot be stored.
pub(crate) async fn register(service: &OAuth2Service, now: Timestamp) -> anyhow::Result<()> {
    let metadata = serde_json::from_value(json!({
        "client_id": CLIENT_ID,
        "client_name": "Demo",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "openid offline email profile",
        // Of a loopback address, every port is accepted.
        "redirect_uris": [format!("http://127.0.0.1:{PORT}{CALLBACK}")],
    }))?;
    let context = RequestContext {
        project: ProjectId::DEFAULT,
        now,
        request_id: String::new(),
        client_ip: None,
        user_agent: None,
        location: None,
        accept_language: None,
        caused_by: None,
    };
    match create(service, &context, metadata).await {
        Ok(_) => Ok(()),
        Err(error) if error.code == ErrorCode::Conflict => Ok(()),
        Err(error) => Err(error).context("the demo client cannot be registered"),
    }
}
