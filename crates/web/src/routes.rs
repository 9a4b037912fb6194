//! The routes of a surface: declaring one registers its handler, so that the list can never differ from the router.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpResponse, Responder};

use crate::ApiError;
use crate::error::flat::FlatPaths;

/// Which port a route exists on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listener {
    /// Reachable by everybody.
    Public,
    /// Reachable by administrators and by other services.
    Admin,
}

impl std::fmt::Display for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Public => "public",
            Self::Admin => "admin",
        })
    }
}

/// What is served where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The port.
    pub listener: Listener,
    /// The method.
    pub method: Method,
    /// The path, with `{parameters}` as in the contracts.
    pub path: &'static str,
    /// The surface that serves it.
    pub surface: &'static str,
    /// The operation of the contract, when a contract describes it.
    pub operation: Option<&'static str>,
    /// Whether its errors have the flat form of the OAuth2 contracts.
    pub flat_errors: bool,
}

/// Makes the actix route of one handler, once per worker thread.
type Mount = Arc<dyn Fn() -> actix_web::Route + Send + Sync>;

/// The routes of one or more surfaces.
///
/// ```
/// # use orrery_web::{Listener, Routes};
/// # async fn alive() -> &'static str { "ok" }
/// let routes = Routes::new(Listener::Public, "health").get("/health/alive", Some("isAlive"), alive);
/// assert_eq!(routes.list().count(), 1);
/// ```
#[derive(Clone)]
pub struct Routes {
    listener: Listener,
    surface: &'static str,
    flat_errors: bool,
    entries: Vec<(Route, Mount)>,
}

impl Routes {
    /// An empty list for one surface on one listener.
    #[must_use]
    pub const fn new(listener: Listener, surface: &'static str) -> Self {
        Self { listener, surface, flat_errors: false, entries: Vec::new() }
    }

    /// Answers errors of the routes that are added next in the flat form of the OAuth2 contracts: the edge does it, for
    /// handlers that fail with [`ApiError`] as for everything in front of them.
    #[must_use]
    pub const fn flat_errors(mut self) -> Self {
        self.flat_errors = true;
        self
    }

    /// Serves GET.
    #[must_use]
    pub fn get<F, Args>(self, path: &'static str, operation: Option<&'static str>, handler: F) -> Self
    where
        F: Handler<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::GET, path, operation, handler)
    }

    /// Serves POST.
    #[must_use]
    pub fn post<F, Args>(self, path: &'static str, operation: Option<&'static str>, handler: F) -> Self
    where
        F: Handler<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::POST, path, operation, handler)
    }

    /// Serves PUT.
    #[must_use]
    pub fn put<F, Args>(self, path: &'static str, operation: Option<&'static str>, handler: F) -> Self
    where
        F: Handler<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::PUT, path, operation, handler)
    }

    /// Serves PATCH.
    #[must_use]
    pub fn patch<F, Args>(self, path: &'static str, operation: Option<&'static str>, handler: F) -> Self
    where
        F: Handler<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::PATCH, path, operation, handler)
    }

    /// Serves DELETE.
    #[must_use]
    pub fn delete<F, Args>(self, path: &'static str, operation: Option<&'static str>, handler: F) -> Self
    where
        F: Handler<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::DELETE, path, operation, handler)
    }

    /// Serves any method.
    #[must_use]
    pub fn on<F, Args>(
        mut self,
        method: Method,
        path: &'static str,
        operation: Option<&'static str>,
        handler: F,
    ) -> Self
    where
        F: Handler<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = Route {
            listener: self.listener,
            method: method.clone(),
            path,
            surface: self.surface,
            operation,
            flat_errors: self.flat_errors,
        };
        let mount: Mount = Arc::new(move || web::method(method.clone()).to(handler.clone()));
        self.entries.push((route, mount));
        self
    }

    /// The routes of this list and of another, whatever their surface and listener.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self
    }

    /// Every route, in the order declared.
    pub fn list(&self) -> impl Iterator<Item = &Route> {
        self.entries.iter().map(|(route, _)| route)
    }

    /// Registers the routes of one listener, a JSON 405 with `Allow` for other methods, and a JSON 404 for
    /// everything else.
    ///
    /// On the admin listener `/admin/x` answers as `/x` too, and `/x` as `/admin/x`, as clients of the contracts expect,
    /// unless that is a route itself.
    pub fn configure(&self, listener: Listener, config: &mut ServiceConfig) {
        let mut by_path: BTreeMap<&'static str, Vec<&(Route, Mount)>> = BTreeMap::new();
        for entry in self.entries.iter().filter(|(route, _)| route.listener == listener) {
            by_path.entry(entry.0.path).or_default().push(entry);
        }
        // Fixed paths before patterns, so that `/x/by/external/{id}` is not read as `/x/{id}/…`.
        let mut paths: Vec<(Cow<'static, str>, &Vec<_>)> =
            by_path.iter().map(|(path, entries)| (Cow::Borrowed(*path), entries)).collect();
        for (path, entries) in by_path.iter().filter(|_| listener == Listener::Admin) {
            let short = path.strip_prefix("/admin").filter(|short| short.starts_with('/'));
            let other = short.map_or_else(|| Cow::Owned(format!("/admin{path}")), Cow::Borrowed);
            if !by_path.contains_key(&*other) {
                paths.push((other, entries));
            }
        }
        paths.sort_by_cached_key(|(path, _)| (path.matches('{').count(), path.clone()));
        let flat = paths.iter().filter(|(_, entries)| entries.iter().any(|(route, _)| route.flat_errors));
        let beginning = |path: &str| path.split('{').next().unwrap_or_default().to_owned();
        config.app_data(FlatPaths(flat.map(|(path, _)| beginning(path)).collect()));
        for (path, entries) in paths {
            let mut resource = web::resource(path.into_owned());
            for (_, mount) in entries {
                resource = resource.route(mount());
            }
            let allowed: Vec<&str> = entries.iter().map(|(route, _)| route.method.as_str()).collect();
            let allowed = allowed.join(", ");
            config.service(resource.default_service(web::to(move || method_not_allowed(allowed.clone()))));
        }
        config.default_service(web::to(not_found));
    }
}

async fn not_found() -> Result<HttpResponse, ApiError> {
    Err(ApiError::not_found("No such path. Check the address, and whether it belongs to the other port."))
}

async fn method_not_allowed(allowed: String) -> HttpResponse {
    let mut response = HttpResponse::from_error(ApiError::method_not_allowed());
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
    use serde_json::Value;

    use super::*;

    async fn named(path: web::Path<String>) -> String {
        format!("\"{path}\"")
    }

    async fn fixed() -> &'static str {
        "\"fixed\""
    }

    fn routes() -> Routes {
        Routes::new(Listener::Admin, "identity")
            .get("/admin/things/{id}", Some("getThing"), named)
            .delete("/admin/things/{id}", Some("deleteThing"), named)
            .get("/admin/things/fixed", None, fixed)
            .get("/version", None, fixed)
            .and(Routes::new(Listener::Public, "identity").get("/public", None, fixed))
    }

    async fn call(listener: Listener, method: Method, path: &str) -> (u16, Option<String>, Value) {
        let app = init_service(App::new().configure(|config| routes().configure(listener, config))).await;
        let response = call_service(&app, TestRequest::with_uri(path).method(method).to_request()).await;
        let allow = response.headers().get(ALLOW).and_then(|value| value.to_str().ok()).map(str::to_owned);
        (response.status().as_u16(), allow, read_body_json(response).await)
    }

    #[actix_web::test]
    async fn declared_routes_answer_on_their_listener_only() {
        assert_eq!(call(Listener::Admin, Method::GET, "/admin/things/7").await.2, "7");
        assert_eq!(call(Listener::Admin, Method::GET, "/things/7").await.2, "7");
        assert_eq!(call(Listener::Admin, Method::GET, "/version").await.2, "fixed");
        assert_eq!(call(Listener::Admin, Method::GET, "/admin/version").await.2, "fixed");
        assert_eq!(call(Listener::Admin, Method::GET, "/admin/things/fixed").await.2, "fixed");
        let (status, _, body) = call(Listener::Public, Method::GET, "/admin/things/7").await;
        assert_eq!((status, &body["error"]["code"]), (404, &Value::from(404)));
        assert_eq!(call(Listener::Admin, Method::GET, "/public").await.0, 404);
    }

    #[actix_web::test]
    async fn a_wrong_method_is_told_the_right_ones() {
        let (status, allow, body) = call(Listener::Admin, Method::PUT, "/admin/things/7").await;
        assert_eq!((status, allow.as_deref()), (405, Some("GET, DELETE")));
        assert_eq!(body["error"]["code"], 405);
    }

    #[test]
    fn the_list_tells_everything() {
        let routes = routes();
        let first = routes.list().next().expect("a route");
        assert_eq!((first.listener, first.surface, first.operation), (Listener::Admin, "identity", Some("getThing")));
        assert_eq!(routes.list().count(), 5);
    }
}
