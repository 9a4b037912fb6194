//! `orrery token`.

use std::path::Path;

use orrery_core::Timestamp;
use serde_json::{Value, json};

use super::client::{AdminClient, Column, Printer, PublicClient, local_time, text};
use super::{input, say};
use crate::cli::{Format, Introspect, Revoke, Token, TokenAction};

const COLUMNS: &[Column] = &[
    Column { title: "ACTIVE", cell: |row| text(row, "/active") },
    Column { title: "USE", cell: |row| text(row, "/token_use") },
    Column { title: "CLIENT ID", cell: |row| text(row, "/client_id") },
    Column { title: "SUBJECT", cell: |row| text(row, "/sub") },
    Column { title: "SCOPE", cell: |row| text(row, "/scope") },
    Column { title: "EXPIRES", cell: |row| moment(row, "/exp") },
];

pub(super) async fn token(arguments: Token) -> anyhow::Result<()> {
    match arguments.action {
        TokenAction::Introspect(arguments) => introspect(arguments).await,
        TokenAction::Revoke(arguments) => revoke(arguments).await,
    }
}

#[expect(clippy::print_stderr, reason = "what it means is no result")]
async fn introspect(arguments: Introspect) -> anyhow::Result<()> {
    let client = AdminClient::new(&arguments.client)?;
    let (token, scope) = (given(arguments.value)?, arguments.scope.join(" "));
    let mut fields = vec![("token", token.as_str())];
    fields.extend((!scope.is_empty()).then_some(("scope", scope.as_str())));
    let found = client.post_form(&["admin", "oauth2", "introspect"], &fields).await?;
    Printer::one(arguments.format, COLUMNS, &found)?;
    if arguments.format == Format::Table && found["active"] == json!(false) {
        let scopes = if scope.is_empty() { "" } else { ", or lacks a scope that --scope names" };
        eprintln!("The token is unknown here, has expired or was revoked{scopes}.");
    }
    Ok(())
}

async fn revoke(arguments: Revoke) -> anyhow::Result<()> {
    let client = PublicClient::new(&arguments.server, &arguments.oauth2)?;
    let token = given(arguments.value)?;
    client.post(&["oauth2", "revoke"], &[("token", &token)]).await?;
    // The server tells nobody whether there was such a token (RFC 7009 section 2.2).
    let client_id = &arguments.oauth2.client_id;
    match arguments.format {
        Format::Table => say(&format!("revoked, if it was a token of {client_id}")),
        Format::Json => say(&json!({"accepted": true, "client_id": client_id}).to_string()),
    }
}

/// The token itself, or what standard input holds.
fn given(value: String) -> anyhow::Result<String> {
    if value != "-" {
        return Ok(value);
    }
    Ok(input::read(Path::new("-"))?.trim().to_owned())
}

/// Seconds since 1970 as a moment.
fn moment(row: &Value, pointer: &str) -> String {
    let seconds = row.pointer(pointer).and_then(Value::as_i64);
    seconds.map_or_else(String::new, |seconds| local_time(&json!(Timestamp::from_seconds(seconds).to_string()), ""))
}
