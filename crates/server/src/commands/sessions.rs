//! `orrery sessions`.

use serde_json::json;

use super::client::{AdminClient, Column, Printer, local_time, text, to_each};
use super::say;
use crate::cli::{Format, Listing, Sessions, SessionsAction};

const COLUMNS: &[Column] = &[
    Column { title: "ID", cell: |row| text(row, "/id") },
    Column { title: "IDENTITY", cell: |row| text(row, "/identity/id") },
    Column { title: "ACTIVE", cell: |row| text(row, "/active") },
    Column { title: "LEVEL", cell: |row| text(row, "/authenticator_assurance_level") },
    Column { title: "SIGNED IN", cell: |row| local_time(row, "/authenticated_at") },
    Column { title: "EXPIRES", cell: |row| local_time(row, "/expires_at") },
    Column { title: "ADDRESS", cell: |row| text(row, "/devices/0/ip_address") },
];

/// The most sessions that the server sends at once.
const PAGE: usize = 1000;

/// Whom a session belongs to, and from where it was used.
const EVERYTHING: [(&str, &str); 2] = [("expand", "identity"), ("expand", "devices")];

pub(super) async fn sessions(arguments: Sessions) -> anyhow::Result<()> {
    let client = AdminClient::new(&arguments.client)?;
    match arguments.action {
        SessionsAction::List { identity, active, listing } => {
            list(&client, identity.as_deref(), active, &listing).await
        }
        SessionsAction::Get { ids, format } => to_each(&ids, async |id| show(&client, id, format).await).await,
        SessionsAction::Revoke { everybody: true, .. } => revoke_everybodys(&client).await,
        SessionsAction::Revoke { ids, identity: None, .. } => {
            to_each(&ids, async |id| {
                client.send("DELETE", &["admin", "sessions", id], None).await?;
                say(&format!("revoked {id}"))
            })
            .await
        }
        SessionsAction::Revoke { identity: Some(identity), .. } => {
            client.send("DELETE", &["admin", "identities", &identity, "sessions"], None).await?;
            say(&format!("deleted every session of {identity}"))
        }
        SessionsAction::Extend { ids, format } => {
            to_each(&ids, async |id| {
                client.send("PATCH", &["admin", "sessions", id, "extend"], None).await?;
                // The server may be configured to answer an extension with nothing.
                show(&client, id, format).await
            })
            .await
        }
    }
}

/// The server ends so many at once; it says when to ask again.
async fn revoke_everybodys(client: &AdminClient) -> anyhow::Result<()> {
    let everybody = json!({"action": "disable", "identities": ["*"]});
    let mut revoked = 0;
    loop {
        let done = client.send("POST", &["admin", "sessions"], Some(&everybody)).await?;
        revoked += done["processed"].as_u64().unwrap_or_default();
        if done["more"] != true {
            return say(&format!("revoked {revoked} sessions"));
        }
    }
}

async fn show(client: &AdminClient, id: &str, format: Format) -> anyhow::Result<()> {
    Printer::one(format, COLUMNS, &client.get(&["admin", "sessions", id], &EVERYTHING).await?)
}

async fn list(
    client: &AdminClient,
    identity: Option<&str>,
    active: Option<bool>,
    listing: &Listing,
) -> anyhow::Result<()> {
    let mut query: Vec<_> = EVERYTHING.map(|(name, value)| (name, value.to_owned())).into();
    query.extend(active.map(|active| ("active", active.to_string())));
    let path: Vec<&str> = match identity {
        None => vec!["admin", "sessions"],
        Some(identity) => vec!["admin", "identities", identity, "sessions"],
    };
    client.list(&path, query, PAGE, listing, COLUMNS).await
}
