//! The routes of this surface. They need `web::Data<OAuth2Service>`.

mod client_answer;
mod client_list;
mod clients;
mod error;
mod registration;
mod trusted_issuers;

use orrery_web::{Listener, Routes};

const SURFACE: &str = "oauth2";

/// What clients and browsers call.
#[must_use]
pub fn public() -> Routes {
    Routes::new(Listener::Public, SURFACE)
        .flat_errors()
        .post("/oauth2/register", Some("createOidcDynamicClient"), registration::register)
        .get("/oauth2/register/{id}", Some("getOidcDynamicClient"), registration::read)
        .put("/oauth2/register/{id}", Some("setOidcDynamicClient"), registration::replace)
        .delete("/oauth2/register/{id}", Some("deleteOidcDynamicClient"), registration::delete)
}

/// What administrators call.
#[must_use]
pub fn admin() -> Routes {
    Routes::new(Listener::Admin, SURFACE)
        .flat_errors()
        .get("/admin/clients", Some("listOAuth2Clients"), client_list::list)
        .post("/admin/clients", Some("createOAuth2Client"), clients::create)
        .get("/admin/clients/{id}", Some("getOAuth2Client"), clients::read)
        .put("/admin/clients/{id}", Some("setOAuth2Client"), clients::replace)
        .patch("/admin/clients/{id}", Some("patchOAuth2Client"), clients::patch)
        .delete("/admin/clients/{id}", Some("deleteOAuth2Client"), clients::delete)
        .put("/admin/clients/{id}/lifespans", Some("setOAuth2ClientLifespans"), clients::set_lifespans)
        .post("/admin/clients/{id}/secrets/rotate", None, clients::rotate)
        .delete("/admin/clients/{id}/secrets/rotate", None, clients::forget_rotated)
        .get(trusted_issuers::PATH, Some("listTrustedOAuth2JwtGrantIssuers"), trusted_issuers::list)
        .post(trusted_issuers::PATH, Some("trustOAuth2JwtGrantIssuer"), trusted_issuers::trust)
        .get(
            "/admin/trust/grants/jwt-bearer/issuers/{id}",
            Some("getTrustedOAuth2JwtGrantIssuer"),
            trusted_issuers::read,
        )
        .delete(
            "/admin/trust/grants/jwt-bearer/issuers/{id}",
            Some("deleteTrustedOAuth2JwtGrantIssuer"),
            trusted_issuers::delete,
        )
}
