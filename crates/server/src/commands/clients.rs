//! `orrery clients`.

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::client::{AdminClient, Column, Printer, text, to_each};
use super::input;
use crate::cli::{ClientMembers, Clients, ClientsAction, Listing};

const COLUMNS: &[Column] = &[
    Column { title: "CLIENT ID", cell: |row| text(row, "/client_id") },
    Column { title: "CLIENT SECRET", cell: |row| text(row, "/client_secret") },
    Column { title: "GRANT TYPES", cell: |row| list(row, "grant_types") },
    Column { title: "RESPONSE TYPES", cell: |row| list(row, "response_types") },
    Column { title: "SCOPE", cell: |row| text(row, "/scope") },
    Column { title: "AUDIENCE", cell: |row| list(row, "audience") },
    Column { title: "REDIRECT URIS", cell: |row| list(row, "redirect_uris") },
];

/// The most clients that the server sends at once.
const PAGE: usize = 500;

pub(super) async fn clients(arguments: Clients) -> anyhow::Result<()> {
    let client = AdminClient::new(&arguments.client)?;
    match arguments.action {
        ClientsAction::Create { id, members, file, format } => {
            let mut body = read(file.as_deref())?.unwrap_or_default();
            body.extend(id.map(|id| ("client_id".to_owned(), json!(id))));
            body.extend(given(&members)?);
            let made = client.send("POST", &["admin", "clients"], Some(&Value::Object(body))).await?;
            Printer::one(format, COLUMNS, &made)
        }
        ClientsAction::Get { ids, format } => {
            to_each(&ids, async |id| Printer::one(format, COLUMNS, &client.get(&["admin", "clients", id], &[]).await?))
                .await
        }
        ClientsAction::List { name, owner, listing } => show(&client, name, owner, &listing).await,
        ClientsAction::Update { id, members, file, format } => {
            let members = given(&members)?;
            let path = ["admin", "clients", id.as_str()];
            let changed = match read(file.as_deref())? {
                Some(mut body) => {
                    body.extend(members);
                    client.send("PUT", &path, Some(&Value::Object(body))).await?
                }
                None => client.send("PATCH", &path, Some(&operations(members)?)).await?,
            };
            Printer::one(format, COLUMNS, &changed)
        }
        ClientsAction::Delete { ids } => client.delete_each("clients", &ids).await,
    }
}

async fn show(
    client: &AdminClient,
    name: Option<String>,
    owner: Option<String>,
    listing: &Listing,
) -> anyhow::Result<()> {
    let filters = [("client_name", name), ("owner", owner)];
    let query = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    client.list(&["admin", "clients"], query, PAGE, listing, COLUMNS).await
}

/// The members that flags name.
fn given(members: &ClientMembers) -> anyhow::Result<Map<String, Value>> {
    let mut body = Map::new();
    let texts = [
        ("client_name", &members.name),
        ("client_secret", &members.secret),
        ("token_endpoint_auth_method", &members.token_endpoint_auth_method),
        ("jwks_uri", &members.jwks_uri),
        ("request_object_signing_alg", &members.request_object_signing_alg),
        ("sector_identifier_uri", &members.sector_identifier_uri),
        ("subject_type", &members.subject_type),
        ("policy_uri", &members.policy_uri),
        ("tos_uri", &members.tos_uri),
        ("client_uri", &members.client_uri),
        ("logo_uri", &members.logo_uri),
        ("owner", &members.owner),
        ("access_token_strategy", &members.access_token_strategy),
        ("backchannel_logout_uri", &members.backchannel_logout_callback),
        ("frontchannel_logout_uri", &members.frontchannel_logout_callback),
    ];
    for (name, text) in texts {
        body.extend(text.as_ref().map(|text| (name.to_owned(), json!(text))));
    }
    let lists = [
        ("grant_types", &members.grant_type),
        ("response_types", &members.response_type),
        ("audience", &members.audience),
        ("redirect_uris", &members.redirect_uri),
        ("post_logout_redirect_uris", &members.post_logout_callback),
        ("allowed_cors_origins", &members.allowed_cors_origin),
        ("request_uris", &members.request_uri),
        ("contacts", &members.contact),
    ];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        body.insert(name.to_owned(), json!(list));
    }
    let switches = [
        ("skip_consent", members.skip_consent),
        ("skip_logout_consent", members.skip_logout_consent),
        ("backchannel_logout_session_required", members.backchannel_logout_session_required),
        ("frontchannel_logout_session_required", members.frontchannel_logout_session_required),
    ];
    for (name, switch) in switches {
        body.extend(switch.map(|on| (name.to_owned(), json!(on))));
    }
    if !members.scope.is_empty() {
        body.insert("scope".to_owned(), json!(members.scope.join(" ")));
    }
    if let Some(metadata) = &members.metadata {
        let metadata: Map<String, Value> = serde_json::from_str(metadata)
            .context("--metadata is no JSON object; use one like '{\"team\": \"blue\"}'")?;
        body.insert("metadata".to_owned(), Value::Object(metadata));
    }
    Ok(body)
}

/// The JSON Patch document that sets these members.
fn operations(members: Map<String, Value>) -> anyhow::Result<Value> {
    anyhow::ensure!(!members.is_empty(), "nothing to change: name a member, such as --name, or a --file");
    let set = |(name, value)| json!({"op": "add", "path": format!("/{name}"), "value": value});
    Ok(members.into_iter().map(set).collect())
}

/// The object in a file, or in standard input for `-`.
fn read(file: Option<&Path>) -> anyhow::Result<Option<Map<String, Value>>> {
    let Some(file) = file else { return Ok(None) };
    let text = input::read(file)?;
    let members = serde_json::from_str(&text).with_context(|| format!("{} holds no JSON object", file.display()))?;
    Ok(Some(members))
}

fn list(row: &Value, name: &str) -> String {
    let items = row[name].as_array().into_iter().flatten().filter_map(Value::as_str);
    items.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_members_and_members_a_patch() {
        let members = ClientMembers {
            name: Some("Shop".to_owned()),
            scope: vec!["openid profile".to_owned(), "email".to_owned()],
            skip_consent: Some(false),
            metadata: Some("{\"a\": 1}".to_owned()),
            ..ClientMembers::default()
        };
        let body = given(&members).expect("valid");
        let expected = json!({
            "client_name": "Shop", "scope": "openid profile email", "skip_consent": false, "metadata": {"a": 1},
        });
        assert_eq!(Value::Object(body.clone()), expected);
        let patch = operations(body).expect("something to change");
        assert!(patch.as_array().is_some_and(|operations| operations.len() == 4));
        assert!(operations(Map::new()).is_err());
        let wrong = ClientMembers { metadata: Some("[]".to_owned()), ..ClientMembers::default() };
        assert!(given(&wrong).is_err());
    }
}
