//! Identities for administrators.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use json_patch::PatchOperation;
use orrery_core::RequestContext;
use orrery_core::id::{IdentityId, OrganizationId};
use orrery_web::page::PageBounds;
use orrery_web::{ApiError, Context, JsonBody, Listener, Pairs, Routes, response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::identity_json::View;
use super::list::List;
use crate::IdentityService;
use crate::credentials::CredentialKind;
use crate::identity::create::{NewIdentity, create, create_many};
use crate::identity::patch::patch;
use crate::identity::remove_credential::remove_credential;
use crate::identity::update::{IdentityUpdate, update};
use crate::identity::{ChangeError, Identity};
use crate::schema::normalize::normalize;
use crate::store::IdentityFilter;

/// Rows of one page of the list.
const PAGE: PageBounds = PageBounds { default: 250, max: 500 };
/// The contract's name of the filter by prefix; it is accepted without the "preview", too.
const SIMILAR: &str = "preview_credentials_identifier_similar";
/// Most ids that a list can ask for.
const MAX_IDS: usize = 500;
/// Most items of a batch.
const MAX_BATCH: usize = 1_000;
/// Most items of a batch whose password has to be hashed.
const MAX_CLEAR_PASSWORDS: usize = 200;

/// The routes of this file.
#[must_use]
pub fn routes(surface: &'static str) -> Routes {
    Routes::new(Listener::Admin, surface)
        .get("/admin/identities", Some("listIdentities"), list)
        .post("/admin/identities", Some("createIdentity"), post)
        .patch("/admin/identities", Some("batchPatchIdentities"), batch)
        .get("/admin/identities/{id}", Some("getIdentity"), get)
        .put("/admin/identities/{id}", Some("updateIdentity"), put)
        .patch("/admin/identities/{id}", Some("patchIdentity"), patch_one)
        .delete("/admin/identities/{id}", Some("deleteIdentity"), delete)
        .get("/admin/identities/by/external/{externalID}", Some("getIdentityByExternalID"), get_by_external_id)
        .delete("/admin/identities/{id}/credentials/{type}", Some("deleteIdentityCredentials"), delete_credential)
}

async fn list(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let view = View::of(&query, &context, &service)?;
    let filter = filter(&query)?;
    let list = List {
        service: &service,
        context: &context,
        request: &request,
        query: &query,
        name: "identities",
        bounds: PAGE,
    };
    let asked = list.asked()?;
    let page = service.identities.identity_list(context.project, &filter, &view.needed(), &asked).await?;
    let shown = page.items.iter().map(|identity| view.render(identity));
    list.answer(&asked, &page, shown)
}

fn filter(query: &Pairs) -> Result<IdentityFilter, ApiError> {
    let given = |name: &str| query.get(name).is_some_and(|value| !value.is_empty());
    let exclusive =
        ["ids", "credentials_identifier", SIMILAR, "credentials_identifier_similar", "external_id", "organization_id"];
    if exclusive.into_iter().filter(|name| given(name)).count() > 1 {
        return Err(ApiError::bad_request(format!("Use only one of the parameters {}.", exclusive.join(", "))));
    }
    if !matches!(query.get("consistency"), None | Some("" | "strong" | "eventual")) {
        return Err(ApiError::bad_request("The parameter \"consistency\" must be \"strong\" or \"eventual\"."));
    }
    let organization = query.get("organization_id").filter(|id| !id.is_empty());
    let organization: Option<OrganizationId> = organization
        .map(str::parse)
        .transpose()
        .map_err(|_| ApiError::bad_request("The parameter \"organization_id\" must be a UUID."))?;
    let ids: Vec<&str> = query.all("ids").filter(|id| !id.is_empty()).collect();
    if ids.len() > MAX_IDS {
        return Err(ApiError::bad_request(format!("The parameter \"ids\" may occur at most {MAX_IDS} times.")));
    }
    let ids: Result<Vec<IdentityId>, _> = ids.into_iter().map(str::parse).collect();
    let ids = ids.map_err(|_| ApiError::bad_request("The parameter \"ids\" must be a UUID, repeated for several."))?;
    let identifier = query.get("credentials_identifier").filter(|identifier| !identifier.is_empty());
    let similar = [SIMILAR, "credentials_identifier_similar"].into_iter().filter_map(|name| query.get(name));
    let similar = { similar }.find(|prefix| !prefix.is_empty());
    let external_id = query.get("external_id").filter(|id| !id.is_empty());
    Ok(IdentityFilter {
        ids: (!ids.is_empty()).then_some(ids),
        credentials_identifier: identifier.map(spellings),
        identifier_prefix: similar.map(normalize),
        external_id: external_id.map(str::to_owned),
        organization,
    })
}

/// As stored today, and as written: identifiers of social sign-in are not normalised.
fn spellings(identifier: &str) -> Vec<String> {
    let (normal, raw) = (normalize(identifier), identifier.to_owned());
    if normal == raw { vec![raw] } else { vec![normal, raw] }
}

async fn get(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let view = View::of(&Pairs::of_query(&request)?, &context, &service)?;
    let id = id(&path)?;
    let found = service.identities.identity_by_id(context.project, id, &view.needed()).await?;
    response::ok(&view.render(&found.ok_or_else(unknown)?))
}

async fn get_by_external_id(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let view = View::of(&Pairs::of_query(&request)?, &context, &service)?;
    let found = service.identities.identity_by_external_id(context.project, &path, &view.needed()).await?;
    response::ok(&view.render(&found.ok_or_else(unknown)?))
}

async fn post(
    service: Data<IdentityService>,
    context: Context,
    JsonBody(new): JsonBody<NewIdentity>,
) -> Result<HttpResponse, ApiError> {
    let identity = create(&service, &context, new).await.map_err(failed)?;
    let mut answer = answer(&service, &context, StatusCode::CREATED, &identity)?;
    let base = service.config.load().admin_url.as_str().trim_end_matches('/').to_owned();
    let location = format!("{base}/identities/{}", identity.id);
    answer.headers_mut().insert(LOCATION, HeaderValue::from_str(&location).map_err(ApiError::internal)?);
    Ok(answer)
}

async fn put(
    service: Data<IdentityService>,
    context: Context,
    path: Path<String>,
    JsonBody(body): JsonBody<IdentityUpdate>,
) -> Result<HttpResponse, ApiError> {
    let identity = update(&service, &context, id(&path)?, body).await.map_err(failed)?;
    answer(&service, &context, StatusCode::OK, &identity)
}

async fn patch_one(
    service: Data<IdentityService>,
    context: Context,
    path: Path<String>,
    JsonBody(operations): JsonBody<Vec<PatchOperation>>,
) -> Result<HttpResponse, ApiError> {
    let identity = patch(&service, &context, id(&path)?, &operations).await.map_err(failed)?;
    answer(&service, &context, StatusCode::OK, &identity)
}

async fn delete(
    service: Data<IdentityService>,
    context: Context,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let deleted = service.identities.identity_delete(context.project, id(&path)?).await?;
    if deleted { Ok(response::no_content()) } else { Err(unknown()) }
}

async fn delete_credential(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (id_text, kind) = path.into_inner();
    let id = id(&id_text)?;
    let kind: CredentialKind =
        kind.parse().map_err(|_| ApiError::bad_request("The credential type in the path is not known."))?;
    let query = Pairs::of_query(&request)?;
    match remove_credential(&service, &context, id, kind, query.get("identifier")).await {
        Ok(_) => Ok(response::no_content()),
        Err(ChangeError::Unknown) => {
            Err(ApiError::not_found("There is no such identity, or it has no such credential."))
        }
        Err(error) => Err(failed(error)),
    }
}

/// The body of `batchPatchIdentities`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    #[serde(default)]
    identities: Vec<Option<BatchItem>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchItem {
    #[serde(default)]
    create: Option<NewIdentity>,
    #[serde(default)]
    patch_id: Option<Uuid>,
}

/// What became of one item.
#[derive(Debug, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
enum BatchAnswer {
    Create {
        identity: IdentityId,
        #[serde(skip_serializing_if = "Option::is_none")]
        patch_id: Option<Uuid>,
    },
    Error {
        error: Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        patch_id: Option<Uuid>,
    },
}

async fn batch(
    service: Data<IdentityService>,
    context: Context,
    JsonBody(batch): JsonBody<Batch>,
) -> Result<HttpResponse, ApiError> {
    let items = batch.identities;
    if items.len() > MAX_BATCH {
        return Err(ApiError::bad_request(format!("The member \"identities\" may have at most {MAX_BATCH} items.")));
    }
    let created = |item: &Option<BatchItem>| item.as_ref().is_some_and(|item| item.create.is_some());
    let hashed = items.iter().flatten().filter_map(|item| item.create.as_ref()).filter(|new| new.has_clear_password());
    if hashed.count() > MAX_CLEAR_PASSWORDS {
        return Err(ApiError::bad_request(format!(
            "At most {MAX_CLEAR_PASSWORDS} items may bring a password in clear; send hashed passwords or smaller batches."
        )));
    }
    let asked: Vec<(bool, Option<Uuid>)> =
        items.iter().map(|item| (created(item), item.as_ref().and_then(|item| item.patch_id))).collect();
    let new = items.into_iter().flatten().filter_map(|item| item.create).collect();
    let mut results = create_many(&service, &context, new).await?.into_iter();
    let answers: Vec<BatchAnswer> = asked
        .into_iter()
        .map(|(created, patch_id)| {
            let result = if created { results.next() } else { None };
            let error = match result {
                Some(Ok(identity)) => return BatchAnswer::Create { identity: identity.id, patch_id },
                Some(Err(error)) => failed(error),
                None => ApiError::bad_request("The item has no member \"create\"."),
            };
            BatchAnswer::Error { error: item_error(error, &context), patch_id }
        })
        .collect();
    response::ok(&json!({"identities": answers}))
}

fn item_error(error: ApiError, context: &RequestContext) -> Value {
    if error.status().is_server_error() {
        // The batch itself succeeds, so the edge does not see this one.
        tracing::error!(request_id = %context.request_id, error = %error.chain(), "batch item failed");
    }
    error.to_body(Some(&context.request_id)).get("error").cloned().unwrap_or_default()
}

fn answer(
    service: &IdentityService,
    context: &RequestContext,
    status: StatusCode,
    identity: &Identity,
) -> Result<HttpResponse, ApiError> {
    response::json(status, &View::plain(context, service).render(identity))
}

/// An id out of the path: what cannot be an id names nothing.
fn id(text: &str) -> Result<IdentityId, ApiError> {
    text.parse().map_err(|_| unknown())
}

fn unknown() -> ApiError {
    ApiError::not_found("There is no identity with this id.")
}

fn failed(error: ChangeError) -> ApiError {
    match error {
        ChangeError::UnknownSchema(id) => {
            let short: String = id.chars().take(100).collect();
            ApiError::bad_request(format!("The member \"schema_id\" names no configured schema: \"{short}\"."))
        }
        ChangeError::Traits(errors) => {
            let nodes: BTreeSet<&str> = errors.iter().map(|error| error.node.as_str()).collect();
            let first = errors.first().map_or("", |error| error.message.text.as_str());
            let reason = format!("The schema refuses {}: {first}", nodes.into_iter().collect::<Vec<_>>().join(", "));
            let details: Vec<_> =
                errors.iter().map(|error| json!({"member": error.node, "message": error.message})).collect();
            ApiError::bad_request(reason).with_detail("traits", details)
        }
        ChangeError::Invalid { field, reason } => {
            ApiError::bad_request(format!("The member \"{field}\" is not acceptable: {reason}."))
        }
        ChangeError::Unknown => unknown(),
        ChangeError::Contended => {
            ApiError::conflict("Others changed this identity at the same time. Read it again and repeat the change.")
        }
        ChangeError::Overloaded => ApiError::unavailable(2),
        ChangeError::Store(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> Result<IdentityFilter, ApiError> {
        filter(&Pairs::parse(query.as_bytes()).expect("well formed"))
    }

    const ID: &str = "5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f";

    #[test]
    fn filters_exclude_each_other() {
        assert_eq!(parsed("").expect("valid"), IdentityFilter::default());
        assert_eq!(parsed(&format!("ids={ID}&ids={ID}")).expect("valid").ids.map(|ids| ids.len()), Some(2));
        let identifier = parsed("credentials_identifier=A%40b").expect("valid").credentials_identifier;
        assert_eq!(identifier, Some(vec!["a@b".to_owned(), "A@b".to_owned()]));
        for similar in ["preview_credentials_identifier_similar", "credentials_identifier_similar"] {
            let prefix = parsed(&format!("{similar}=Ad")).expect("valid").identifier_prefix;
            assert_eq!(prefix.as_deref(), Some("ad"));
        }
        assert_eq!(parsed("external_id=Ad").expect("valid").external_id.as_deref(), Some("Ad"));
        for bad in [
            "ids=x".to_owned(),
            format!("ids={ID},{ID}"),
            format!("ids={ID}&credentials_identifier=a"),
            "credentials_identifier=a&preview_credentials_identifier_similar=b".to_owned(),
            "credentials_identifier_similar=a&external_id=b".to_owned(),
            "consistency=perhaps".to_owned(),
            "organization_id=x".to_owned(),
            format!("ids={ID}&").repeat(MAX_IDS + 1),
        ] {
            assert_eq!(parsed(&bad).expect_err("refused").status().as_u16(), 400);
        }
    }

    #[test]
    fn a_misspelt_member_of_a_new_identity_is_refused() {
        let parse = |body: Value| serde_json::from_value::<NewIdentity>(body);
        assert!(parse(json!({"traits": {}, "credentials": {"password": {"config": {"password": "x"}}}})).is_ok());
        for bad in [
            json!({"traits": {}, "statee": "active"}),
            json!({"traits": {}, "state": "asleep"}),
            json!({"traits": []}),
            json!({"credentials": {"pasword": {}}}),
            json!({"credentials": {"password": {"config": {"hash": "x"}}}}),
            json!({"organization_id": "x"}),
        ] {
            assert!(parse(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_clear_password_does_not_print() {
        let new: NewIdentity =
            serde_json::from_value(json!({"credentials": {"password": {"config": {"password": "hunter2"}}}}))
                .expect("valid");
        assert!(!format!("{new:?}").contains("hunter2"));
        assert!(new.has_clear_password());
    }
}
