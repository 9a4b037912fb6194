//! The routes of this surface. They need `web::Data<OAuth2Service>`.

mod authorization_routes;
mod authorize;
mod bearer;
mod client_answer;
mod client_list;
mod clients;
mod consent_requests;
mod credentials;
mod device;
mod discovery;
mod error;
mod introspect;
mod login_requests;
mod logout;
mod logout_requests;
mod page;
mod par;
mod protocol;
mod registration;
mod requests;
mod revoke;
mod sessions;
mod shown;
mod token;
mod tokens;
mod trusted_issuers;
mod userinfo;

use orrery_web::{Listener, Routes};

const SURFACE: &str = "oauth2";

/// What clients and browsers call.
#[must_use]
pub fn public() -> Routes {
    Routes::new(Listener::Public, SURFACE)
        .flat_errors()
        .get("/.well-known/openid-configuration", Some("discoverOidcConfiguration"), discovery::show)
        .get("/.well-known/oauth-authorization-server", None, discovery::show)
        .post("/oauth2/token", Some("oauth2TokenExchange"), token::token)
        .post("/oauth2/device/auth", Some("oAuth2DeviceFlow"), device::authorize)
        .get("/oauth2/device/verify", Some("performOAuth2DeviceVerificationFlow"), device::verify)
        .post("/oauth2/device/verify", None, device::submit)
        .post("/oauth2/introspect", None, introspect::for_clients)
        .post("/oauth2/revoke", Some("revokeOAuth2Token"), revoke::revoke)
        .get("/userinfo", Some("getOidcUserInfo"), userinfo::by_query)
        .post("/userinfo", None, userinfo::by_form)
        .post("/credentials", Some("createVerifiableCredential"), credentials::issue)
        .post("/oauth2/register", Some("createOidcDynamicClient"), registration::register)
        .get("/oauth2/register/{id}", Some("getOidcDynamicClient"), registration::read)
        .put("/oauth2/register/{id}", Some("setOidcDynamicClient"), registration::replace)
        .delete("/oauth2/register/{id}", Some("deleteOidcDynamicClient"), registration::delete)
        .and(authorization_routes::public())
}

/// What administrators call.
#[must_use]
pub fn admin() -> Routes {
    Routes::new(Listener::Admin, SURFACE)
        .flat_errors()
        .post("/admin/oauth2/introspect", Some("introspectOAuth2Token"), introspect::for_administrators)
        .delete("/admin/oauth2/tokens", Some("deleteOAuth2Token"), tokens::delete)
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
        .and(authorization_routes::admin())
}
