//! The routes of authorizations: the endpoint, its challenges, sessions and logout.

use orrery_web::{Listener, Routes};

use super::{authorize, consent_requests, device, login_requests, logout, logout_requests, par, sessions};

/// What administrators and login and consent applications do.
pub(super) fn admin() -> Routes {
    Routes::new(Listener::Admin, "oauth2")
        .flat_errors()
        .get("/admin/oauth2/auth/requests/login", Some("getOAuth2LoginRequest"), login_requests::read)
        .put("/admin/oauth2/auth/requests/login/accept", Some("acceptOAuth2LoginRequest"), login_requests::accept)
        .put("/admin/oauth2/auth/requests/login/reject", Some("rejectOAuth2LoginRequest"), login_requests::reject)
        .get("/admin/oauth2/auth/requests/consent", Some("getOAuth2ConsentRequest"), consent_requests::read)
        .put("/admin/oauth2/auth/requests/consent/accept", Some("acceptOAuth2ConsentRequest"), consent_requests::accept)
        .put("/admin/oauth2/auth/requests/consent/reject", Some("rejectOAuth2ConsentRequest"), consent_requests::reject)
        .put("/admin/oauth2/auth/requests/device/accept", Some("acceptUserCodeRequest"), device::accept)
        .put("/admin/oauth2/auth/requests/device/reject", None, device::reject)
        .get("/admin/oauth2/auth/requests/logout", Some("getOAuth2LogoutRequest"), logout_requests::read)
        .put("/admin/oauth2/auth/requests/logout/accept", Some("acceptOAuth2LogoutRequest"), logout_requests::accept)
        .put("/admin/oauth2/auth/requests/logout/reject", Some("rejectOAuth2LogoutRequest"), logout_requests::reject)
        .get("/admin/oauth2/auth/sessions/consent", Some("listOAuth2ConsentSessions"), sessions::list_consents)
        .delete("/admin/oauth2/auth/sessions/consent", Some("revokeOAuth2ConsentSessions"), sessions::revoke_consents)
        .delete("/admin/oauth2/auth/sessions/login", Some("revokeOAuth2LoginSessions"), sessions::revoke_logins)
}

/// What browsers do.
pub(super) fn public() -> Routes {
    Routes::new(Listener::Public, "oauth2")
        .flat_errors()
        .get("/oauth2/auth", Some("oAuth2Authorize"), authorize::by_query)
        .post("/oauth2/auth", None, authorize::by_form)
        .post("/oauth2/par", None, par::push)
        .get("/oauth2/sessions/logout", Some("revokeOidcSession"), logout::by_query)
        .post("/oauth2/sessions/logout", None, logout::by_form)
}
