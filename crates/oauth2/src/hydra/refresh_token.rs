//! Live refresh tokens.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::id::GrantId;
use orrery_core::moving::{Row, Unreadable};
use orrery_core::{Keyring, Timestamp};
use serde_json::Value;

use super::secrets::SystemSecrets;
use super::words::list;
use super::{consent, session};
use crate::consent::LONGEST;
use crate::grant::{Grant, GrantKind};
use crate::store::ImportedGrant;
use crate::token::{RefreshToken, StoredToken};

/// With what rows are read.
#[derive(Clone, Copy)]
pub(super) struct Tools<'a> {
    pub(super) secrets: &'a SystemSecrets,
    pub(super) keyring: &'a Keyring,
    /// How long a token lives whose row does not say it; none for ever.
    pub(super) lifetime: Option<Duration>,
    pub(super) now: Timestamp,
}

/// The family of a token, which follows from its signature: so the token finds its family here.
#[must_use]
pub(crate) fn family(signature: &[u8]) -> GrantId {
    derived(b"orrery/hydra-refresh-token/v1", signature)
}

/// An id that is always the same for the same thing.
pub(super) fn derived(what: &[u8], name: &[u8]) -> GrantId {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(what);
    context.update(b"\0");
    context.update(name);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&context.finish().as_ref()[..16]);
    GrantId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

fn signature(row: &Row) -> Result<Vec<u8>, Unreadable> {
    URL_SAFE_NO_PAD.decode(row.needed_text("signature")?).map_err(|_| Unreadable("signature"))
}

/// The family of the token of a row, if that has a signature.
pub(super) fn id(row: &Row) -> Option<GrantId> {
    signature(row).ok().map(|signature| family(&signature))
}

/// Whether it was used or revoked.
pub(super) fn is_used(row: &Row) -> bool {
    !row.flag("active") || row.text("first_used_at").is_some()
}

/// Whether its time is over, as far as its row says so.
pub(super) fn is_expired(row: &Row, now: Timestamp) -> bool {
    row.moment("expires_at").is_ok_and(|end| end.is_some_and(|end| end > Timestamp::EPOCH && end <= now))
}

/// The token of a row with its family. `flow` is the consent that it comes of, if that is still there.
///
/// # Errors
/// When a column that is needed cannot be understood.
pub(super) fn translate(row: &Row, flow: Option<&Row>, tools: Tools<'_>) -> Result<ImportedGrant, Unreadable> {
    let signature = signature(row)?;
    let session = session::read(row, tools.secrets)?;
    let requested_at = row.needed_moment("requested_at")?;
    let client = row.needed_text("client_id")?.parse().map_err(|_| Unreadable("client_id"))?;
    let subject = row.needed_text("subject")?.to_owned();
    let expires_at = expires_at(row, &session, tools)?;
    let (scope, audience) = (list(row, "granted_scope")?, list(row, "granted_audience")?);
    let asked_at = flow.map_or(Ok(None), |flow| flow.moment("requested_at"))?.unwrap_or(requested_at);
    let id = family(&signature);
    let grant = Grant {
        id,
        authentication: session::authentication(Some(&session), flow, &subject, asked_at, id)?,
        session: session::claims(Some(&session), flow)?,
        requested: session::requested(Some(&session), flow)?,
        kind: kind(flow),
        remember: false,
        remember_for: 0,
        // Lists show the remembered consent, where there is one.
        skipped: flow.is_some_and(|flow| consent::is_remembered(flow, tools.now)),
        context: flow.map_or(Ok(None), |flow| flow.document("context"))?.unwrap_or(Value::Null),
        requested_at: asked_at,
        handled_at: flow.map_or(Ok(None), |flow| flow.moment("consent_handled_at"))?.unwrap_or(requested_at),
        expires_at: expires_at.unwrap_or(tools.now + Duration::from_secs(LONGEST)),
        identity: None,
        client,
        subject,
        scope,
        audience,
    };
    let hash = RefreshToken::hash_of_hydra(&signature, tools.keyring);
    let refresh = StoredToken::refresh(&grant, hash, requested_at, expires_at);
    Ok(ImportedGrant { grant, refresh: Some(refresh) })
}

pub(super) fn kind(flow: Option<&Row>) -> GrantKind {
    match flow.and_then(|flow| flow.text("device_challenge_id")) {
        Some(_) => GrantKind::Device,
        None => GrantKind::Authorization,
    }
}

/// Its own column says it in newer versions, its session in all; none for never.
fn expires_at(row: &Row, session: &Value, tools: Tools<'_>) -> Result<Option<Timestamp>, Unreadable> {
    if let Some(end) = row.moment("expires_at")?.filter(|end| *end > Timestamp::EPOCH) {
        return Ok(Some(end));
    }
    let said = session.pointer("/id_token/expires_at/refresh_token").and_then(Value::as_str);
    let said = said.and_then(|text| Timestamp::parse_rfc3339(text).ok()).filter(|end| *end > Timestamp::EPOCH);
    if said.is_some() {
        return Ok(said);
    }
    let begun = row.needed_moment("requested_at")?;
    Ok(tools.lifetime.map(|lifetime| begun + lifetime))
}
