//! `orrery identities`.

mod export;
mod import;
mod row;

use std::collections::BTreeSet;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::client::{AdminClient, Column, Printer, local_time, text, to_each};
use super::input;
use crate::cli::{Identities, IdentitiesAction, Patch};

const COLUMNS: &[Column] = &[
    Column { title: "ID", cell: |row| text(row, "/id") },
    Column { title: "STATE", cell: |row| text(row, "/state") },
    Column { title: "SCHEMA", cell: |row| text(row, "/schema_id") },
    Column { title: "SIGNS IN AS", cell: names },
    Column { title: "CREATED", cell: |row| local_time(row, "/created_at") },
];

/// The most identities that the server sends at once.
const PAGE: usize = 500;

pub(super) async fn identities(arguments: Identities) -> anyhow::Result<()> {
    let client = AdminClient::new(&arguments.client)?;
    match arguments.action {
        IdentitiesAction::List { identifier, similar, organization, include, listing } => {
            let filters = [
                ("credentials_identifier", identifier),
                ("preview_credentials_identifier_similar", similar),
                ("organization_id", organization),
            ];
            let filters = filters.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let query = filters.chain(included(include)).collect();
            client.list(&["admin", "identities"], query, PAGE, &listing, COLUMNS).await
        }
        IdentitiesAction::Get { ids, external, include, format } => {
            let query: Vec<_> = included(include).collect();
            let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
            to_each(&ids, async |id| {
                let path: &[&str] = if external { &["by", "external", id] } else { &[id] };
                let path: Vec<_> = ["admin", "identities"].iter().chain(path).copied().collect();
                Printer::one(format, COLUMNS, &client.get(&path, &query).await?)
            })
            .await
        }
        IdentitiesAction::Patch(change) => patch(&client, &change).await,
        IdentitiesAction::Export { file, without_credentials } => {
            export::export(&client, &file, !without_credentials).await
        }
        IdentitiesAction::Import { file } => import::import(&client, &file).await,
        IdentitiesAction::Delete { ids } => client.delete_each("identities", &ids).await,
    }
}

fn included(kinds: Vec<String>) -> impl Iterator<Item = (&'static str, String)> {
    kinds.into_iter().map(|kind| ("include_credential", kind))
}

async fn patch(client: &AdminClient, change: &Patch) -> anyhow::Result<()> {
    let operations = operations(change)?;
    let changed = client.send("PATCH", &["admin", "identities", &change.id], Some(&operations)).await?;
    Printer::one(change.format, COLUMNS, &changed)
}

/// The document that the flags stand for.
fn operations(change: &Patch) -> anyhow::Result<Value> {
    let mut operations = match &change.file {
        None => Vec::new(),
        Some(file) => {
            let document = input::read(file)?;
            serde_json::from_str(&document).with_context(|| {
                format!("{} is no JSON Patch document, which is a list of operations", file.display())
            })?
        }
    };
    for set in &change.set {
        let (path, value) =
            set.split_once('=').with_context(|| format!("--set {set} names no value; use PATH=VALUE"))?;
        let value: Value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        operations.push(json!({"op": "replace", "path": path, "value": value}));
    }
    operations.extend(change.remove.iter().map(|path| json!({"op": "remove", "path": path})));
    Ok(Value::Array(operations))
}

/// Everything that somebody signs in as, once each. Handles that mean nothing to a person are left out.
fn names(identity: &Value) -> String {
    let credentials = identity["credentials"].as_object();
    let readable = credentials
        .into_iter()
        .flatten()
        .filter(|(kind, _)| ["password", "code", "oidc", "saml", "webauthn"].contains(&kind.as_str()));
    let lists = readable.filter_map(|(_, credential)| credential["identifiers"].as_array());
    let names: BTreeSet<&str> = lists.flatten().filter_map(Value::as_str).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Format;

    fn change(set: &[&str], remove: &[&str]) -> Patch {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Patch { id: String::new(), set: owned(set), remove: owned(remove), file: None, format: Format::Table }
    }

    #[test]
    fn values_are_json_or_text() {
        let change = change(&["/state=inactive", "/metadata_public={\"a\": 1}", "/traits/name=a=b", "/x="], &["/y"]);
        let expected = json!([
            {"op": "replace", "path": "/state", "value": "inactive"},
            {"op": "replace", "path": "/metadata_public", "value": {"a": 1}},
            {"op": "replace", "path": "/traits/name", "value": "a=b"},
            {"op": "replace", "path": "/x", "value": ""},
            {"op": "remove", "path": "/y"},
        ]);
        assert_eq!(operations(&change).expect("valid"), expected);
    }

    #[test]
    fn a_missing_value_is_said() {
        let error = operations(&change(&["/state"], &[])).expect_err("refused").to_string();
        assert!(error.contains("PATH=VALUE"), "{error}");
    }
}
