//! The routes of this surface. They need `web::Data<KeyManager>`.

mod admin;
mod error;
mod jwks;

use actix_web::http::Method;
use orrery_web::{Listener, Routes};

/// Managing sets and keys.
#[must_use]
pub fn admin() -> Routes {
    Routes::new(Listener::Admin, "keys")
        .flat_errors()
        .get("/admin/keys/{set}", Some("getJsonWebKeySet"), admin::read_set)
        .post("/admin/keys/{set}", Some("createJsonWebKeySet"), admin::create_key)
        .put("/admin/keys/{set}", Some("setJsonWebKeySet"), admin::replace_set)
        .delete("/admin/keys/{set}", Some("deleteJsonWebKeySet"), admin::delete_set)
        .get("/admin/keys/{set}/{kid}", Some("getJsonWebKey"), admin::read_key)
        .put("/admin/keys/{set}/{kid}", Some("setJsonWebKey"), admin::put_key)
        .delete("/admin/keys/{set}/{kid}", Some("deleteJsonWebKey"), admin::delete_key)
}

/// The public keys.
#[must_use]
pub fn public() -> Routes {
    const PATH: &str = "/.well-known/jwks.json";
    Routes::new(Listener::Public, "keys").flat_errors().get(PATH, Some("discoverJsonWebKeys"), jwks::show).on(
        Method::HEAD,
        PATH,
        None,
        jwks::show,
    )
}
