//! How much a client may bring along.

use serde_json::{Map, Value};

use super::wrong;
use crate::client::ClientMetadata;
use crate::error::OAuth2Error;

/// Longest name and owner, in characters: both are indexed.
const LONGEST_NAME: usize = 512;
/// Longest other text, in characters.
const LONGEST_TEXT: usize = 4096;
/// Most entries of a list.
const MOST_ENTRIES: usize = 500;
/// Longest `metadata` and `jwks`, in bytes of JSON.
const LONGEST_DOCUMENT: usize = 64 * 1024;

/// Every text, list and document stays within what can be stored, listed and shown.
pub(super) fn check(metadata: &ClientMetadata) -> Result<(), OAuth2Error> {
    for (name, text) in [("client_name", &metadata.client_name), ("owner", &metadata.owner)] {
        length(name, text.as_deref(), LONGEST_NAME)?;
    }
    for (name, text) in [
        ("scope", &metadata.scope),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
        ("client_uri", &metadata.client_uri),
        ("logo_uri", &metadata.logo_uri),
        ("sector_identifier_uri", &metadata.sector_identifier_uri),
        ("jwks_uri", &metadata.jwks_uri),
        ("frontchannel_logout_uri", &metadata.frontchannel_logout_uri),
        ("backchannel_logout_uri", &metadata.backchannel_logout_uri),
    ] {
        length(name, text.as_deref(), LONGEST_TEXT)?;
    }
    for (name, list) in [
        ("redirect_uris", &metadata.redirect_uris),
        ("grant_types", &metadata.grant_types),
        ("response_types", &metadata.response_types),
        ("audience", &metadata.audience),
        ("allowed_cors_origins", &metadata.allowed_cors_origins),
        ("contacts", &metadata.contacts),
        ("request_uris", &metadata.request_uris),
        ("post_logout_redirect_uris", &metadata.post_logout_redirect_uris),
    ] {
        let entries = list.as_deref().unwrap_or_default();
        if entries.len() > MOST_ENTRIES {
            return Err(wrong(format!("The member {name} may have at most {MOST_ENTRIES} entries.")));
        }
        entries.iter().try_for_each(|entry| length(name, Some(entry), LONGEST_TEXT))?;
    }
    document("metadata", metadata.metadata.as_ref())?;
    document("jwks", metadata.jwks.as_ref())
}

fn length(name: &str, text: Option<&str>, longest: usize) -> Result<(), OAuth2Error> {
    if text.is_some_and(|text| text.chars().count() > longest) {
        return Err(wrong(format!("A text of the member {name} may have at most {longest} characters.")));
    }
    Ok(())
}

fn document(name: &str, document: Option<&Map<String, Value>>) -> Result<(), OAuth2Error> {
    let size = document.and_then(|document| serde_json::to_vec(document).ok()).map_or(0, |bytes| bytes.len());
    if size > LONGEST_DOCUMENT {
        return Err(wrong(format!("The member {name} may have at most {LONGEST_DOCUMENT} bytes.")));
    }
    Ok(())
}
