use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::Data;
use actix_web::{App, web::Bytes};
use orrery_core::time::ManualClock;
use orrery_testkit::contract::{Generation, assert_response};
use orrery_web::Listener;
use orrery_web::edge::{EdgeSettings, edge};

use super::*;

/// The routes of both listeners over one node.
pub(super) struct Server {
    _keys: Keys,
    node: Data<KeyManager>,
}

pub(super) struct Answer {
    pub(super) status: u16,
    headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) json: Value,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// The flat error of the contract, without anything else in it.
    fn error(&self) -> (u16, &str, &str) {
        let text = |member: &str| self.json[member].as_str().expect("text");
        assert_eq!(self.json["status_code"], self.status);
        assert!(!text("request_id").is_empty());
        (self.status, text("error"), text("error_description"))
    }
}

impl Server {
    pub(super) async fn new(config: KeysConfig) -> Self {
        let keys = Keys::new().await;
        let node = Data::new(keys.node_with(&[SECRET], config));
        Self { _keys: keys, node }
    }

    /// One request; JSON answers are judged by both contracts.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        let listener = if path.starts_with("/admin") { Listener::Admin } else { Listener::Public };
        let settings = EdgeSettings {
            clock: Arc::new(ManualClock::at(start())),
            entropy: Arc::new(SystemEntropy::default()),
            trusted_proxies: Vec::new(),
        };
        let routes = orrery_keys::http::admin().and(orrery_keys::http::public());
        let app = App::new()
            .app_data(Data::new(settings))
            .app_data(self.node.clone())
            .wrap(from_fn(edge))
            .configure(|config| routes.configure(listener, config));
        let app = init_service(app).await;
        let mut request = TestRequest::with_uri(path).method(method.clone());
        for header in headers {
            request = request.insert_header(*header);
        }
        if let Some(body) = body {
            request = request.set_payload(body.to_vec());
        }
        let response = call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = to_bytes(response.into_body()).await.expect("a body");
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if method != Method::HEAD && status != 304 {
            let judged = (!body.is_empty()).then_some(&json);
            for generation in [Generation::Current, Generation::V0alpha2] {
                assert_response(generation, method.as_str(), path, status, judged);
            }
        }
        Answer { status, headers, body, json }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.call(Method::POST, path, &[("Content-Type", "application/json")], Some(body.as_bytes())).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.call(Method::PUT, path, &[("Content-Type", "application/json")], Some(body.as_bytes())).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &[], None).await
    }
}

#[actix_web::test]
async fn a_key_is_made_read_and_deleted() {
    let server = Server::new(config()).await;
    assert_eq!(server.get("/admin/keys/mine").await.error().0, 404);
    for alg in ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"] {
        let made = server.post("/admin/keys/mine", &json!({"alg": alg, "use": "sig", "kid": alg})).await;
        assert_eq!((made.status, made.header("location")), (201, Some("/admin/keys/mine")), "{alg}");
        let key = &made.json["keys"][0];
        assert_eq!((&key["alg"], &key["use"], &key["kid"]), (&json!(alg), &json!("sig"), &json!(alg)));
        assert!(key["d"].is_string(), "clients written for Hydra read the private key here");
        let read = server.get(&format!("/admin/keys/mine/{alg}")).await;
        assert_eq!((read.status, &read.json), (200, &made.json));
    }
    let set = server.get("/admin/keys/mine").await;
    assert_eq!(set.json["keys"].as_array().expect("keys").len(), 8);
    assert_eq!(set.header("cache-control"), Some("private, no-cache, no-store, must-revalidate"));
    assert_eq!(server.delete("/admin/keys/mine/ES256").await.status, 204);
    assert_eq!(server.delete("/admin/keys/mine/ES256").await.status, 204, "deleting twice is no error");
    assert_eq!(server.get("/admin/keys/mine/ES256").await.error().0, 404);
    assert_eq!(server.delete("/admin/keys/mine").await.status, 204);
    assert_eq!(server.delete("/admin/keys/mine").await.status, 204);
    assert_eq!(server.get("/admin/keys/mine").await.error().1, "not_found");
}

#[actix_web::test]
async fn what_a_request_leaves_out_is_filled_in() {
    let server = Server::new(config()).await;
    for body in [json!({"alg": "ES256", "use": "", "kid": ""}), json!({"alg": "ES256"})] {
        let made = server.post("/admin/keys/mine", &body).await;
        assert_eq!((made.status, &made.json["keys"][0]["use"]), (201, &json!("sig")));
        assert_eq!(made.json["keys"][0]["kid"].as_str().map(str::len), Some(36));
    }
}

#[actix_web::test]
async fn a_second_key_of_the_same_name_is_a_conflict() {
    let server = Server::new(config()).await;
    let body = json!({"alg": "ES256", "use": "sig", "kid": "one"});
    assert_eq!(server.post("/admin/keys/mine", &body).await.status, 201);
    let again = server.post("/admin/keys/mine", &body).await;
    assert_eq!(again.error().0, 409);
    assert_eq!(server.post("/admin/keys/other", &body).await.status, 201, "names are unique within a set");
}

#[actix_web::test]
async fn a_bad_request_names_the_member() {
    let server = Server::new(config()).await;
    for (body, member) in [
        (json!({"alg": "HS256", "use": "sig", "kid": "k"}), "alg"),
        (json!({"alg": "HS512", "use": "sig", "kid": "k"}), "alg"),
        (json!({"alg": "none", "use": "sig", "kid": "k"}), "alg"),
        (json!({"use": "sig", "kid": "k"}), "alg"),
        (json!({"alg": 5, "use": "sig", "kid": "k"}), "alg"),
        (json!({"alg": "ES256", "use": "sign", "kid": "k"}), "use"),
        (json!({"alg": "ES256", "use": "sig", "kid": "x".repeat(256)}), "kid"),
    ] {
        let answer = server.post("/admin/keys/mine", &body).await;
        let (status, error, description) = answer.error();
        assert_eq!((status, error), (400, "invalid_request"), "{body}");
        assert!(description.contains(&format!("\"{member}\"")), "{description}");
    }
    // Refused while the body is read, before anything knows of members.
    let answer = server.post("/admin/keys/mine", &json!({"alg": "ES256", "use": "sig", "kid": "a\u{0}"})).await;
    let (status, error, description) = answer.error();
    assert_eq!((status, error), (400, "invalid_request"));
    assert!(description.contains("U+0000"), "{description}");
    let long = format!("/admin/keys/{}", "s".repeat(256));
    assert!(server.post(&long, &json!({"alg": "ES256"})).await.error().2.contains("\"set\""));
}

#[actix_web::test]
async fn bodies_that_are_no_json_are_refused_in_the_shape_of_the_contract() {
    let server = Server::new(config()).await;
    let json_type = [("Content-Type", "application/json")];
    for body in ["", "{", "[]", "null", "\"x\"", "{\"keys\":5}", "{\"keys\":[5]}", "{\"keys\":null}", "{}"] {
        let answer = server.call(Method::PUT, "/admin/keys/mine", &json_type, Some(body.as_bytes())).await;
        assert_eq!(answer.error().0, 400, "{body}");
    }
    let deep = format!("{{\"keys\":{}", "[".repeat(100_000));
    assert_eq!(server.call(Method::PUT, "/admin/keys/mine", &json_type, Some(deep.as_bytes())).await.error().0, 400);
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(server.call(Method::POST, "/admin/keys/mine", &form, Some(b"alg=ES256")).await.error().0, 400);
    // Programs leave the content type out, and `curl -d` says that it sends a form.
    for headers in [&form[..], &[]] {
        let made = server.call(Method::POST, "/admin/keys/mine", headers, Some(b"{\"alg\":\"ES256\"}")).await;
        assert_eq!(made.status, 201, "{headers:?}");
    }
    let huge = vec![b' '; 6 * 1024 * 1024];
    assert_eq!(server.call(Method::PUT, "/admin/keys/mine", &json_type, Some(&huge)).await.error().0, 413);
}

#[actix_web::test]
async fn what_is_refused_before_the_surface_is_asked_has_its_shape_too() {
    let server = Server::new(config()).await;
    for path in ["/admin/keys/%00", "/admin/keys/a%00b/c", "/admin/keys/%ff", "/admin/keys/mine/%C3%28"] {
        let answer = server.get(path).await;
        assert_eq!((answer.error().0, answer.error().1), (400, "invalid_request"), "{path}");
        assert!(answer.json["error"].is_string(), "{path}");
    }
    assert_eq!(server.get("/admin/keys/a/b/c").await.error().0, 404);
    let wrong = server.call(Method::PATCH, "/admin/keys/mine", &[], None).await;
    assert_eq!((wrong.error().0, wrong.header("allow")), (405, Some("GET, POST, PUT, DELETE")));
    assert!(server.get("/admin/identities/%00").await.json["error"].is_object(), "other surfaces have another");
}

#[actix_web::test]
async fn a_set_is_replaced_as_a_whole_or_not_at_all() {
    let server = Server::new(config()).await;
    let mut keys = Vec::new();
    for kid in ["a", "b", "c"] {
        let made = server.post("/admin/keys/source", &json!({"alg": "EdDSA", "use": "sig", "kid": kid})).await;
        keys.push(made.json["keys"][0].clone());
    }
    server.post("/admin/keys/mine", &json!({"alg": "EdDSA", "use": "sig", "kid": "old"})).await;
    let put = server.put("/admin/keys/mine", &json!({"keys": keys})).await;
    assert_eq!((put.status, &put.json["keys"]), (200, &json!(keys)));
    assert_eq!(server.get("/admin/keys/mine").await.json["keys"], json!(keys), "the order is kept");

    let mut broken = keys.clone();
    broken[1]["d"] = broken[2]["d"].clone();
    let refused = server.put("/admin/keys/mine", &json!({"keys": broken})).await;
    assert!(refused.error().2.contains("\"keys[1].d\""), "{}", refused.error().2);
    let twice = [&keys[0], &keys[0]];
    assert!(server.put("/admin/keys/mine", &json!({"keys": twice})).await.error().2.contains("\"keys[1].kid\""));
    assert!(server.put("/admin/keys/mine", &json!({"keys": []})).await.error().2.contains("\"keys\""));
    let many = vec![&keys[0]; 101];
    assert!(server.put("/admin/keys/mine", &json!({"keys": many})).await.error().2.contains("\"keys\""));
    assert_eq!(server.get("/admin/keys/mine").await.json["keys"], json!(keys), "nothing was changed");
}

#[actix_web::test]
async fn a_single_key_is_imported_and_replaced() {
    let server = Server::new(config()).await;
    let symmetric = |fill: &str| json!({"kty": "oct", "kid": "s", "alg": "HS256", "use": "sig", "k": fill.repeat(43)});
    for key in [symmetric("A"), symmetric("E")] {
        let put = server.put("/admin/keys/mine/s", &key).await;
        assert_eq!((put.status, &put.json), (200, &key));
        assert_eq!(server.get("/admin/keys/mine/s").await.json["keys"], json!([key]));
    }
    let mut unnamed = symmetric("A");
    unnamed.as_object_mut().expect("object").remove("kid");
    assert_eq!(server.put("/admin/keys/mine/t", &unnamed).await.json["kid"], "t");
    assert!(server.put("/admin/keys/mine/other", &symmetric("A")).await.error().2.contains("\"kid\""));
    let mut short = symmetric("A");
    short["k"] = json!("AAAA");
    let refused = server.put("/admin/keys/mine/s", &short).await;
    assert!(refused.error().2.contains("\"k\"") && !refused.error().2.contains("AAAA"));
}

#[actix_web::test]
async fn sets_and_keys_may_have_any_name() {
    let server = Server::new(config()).await;
    for (path, location) in [
        ("/admin/keys/https%3A%2F%2Fissuer.example%2Fa%20b", "/admin/keys/https%3A%2F%2Fissuer.example%2Fa%20b"),
        ("/admin/keys/schl%C3%BCssel", "/admin/keys/schl%C3%BCssel"),
    ] {
        let made = server.post(path, &json!({"alg": "ES256", "use": "sig", "kid": "a/b?c#d é"})).await;
        assert_eq!((made.status, made.header("location")), (201, Some(location)));
        assert_eq!(server.get(&format!("{path}/a%2Fb%3Fc%23d%20%C3%A9")).await.json, made.json);
        assert_eq!(server.get(path).await.json, made.json);
    }
}

#[actix_web::test]
async fn private_members_can_be_write_only() {
    use orrery_keys::config::PrivateExport;
    let server = Server::new(KeysConfig { private_export: PrivateExport::Refused, ..config() }).await;
    let made = server.post("/admin/keys/mine", &json!({"alg": "ES256", "use": "sig", "kid": "k"})).await;
    assert_eq!(made.status, 201);
    for answer in [made, server.get("/admin/keys/mine").await, server.get("/admin/keys/mine/k").await] {
        assert_eq!(answer.json["keys"][0]["kid"], "k");
        assert_eq!(answer.json["keys"][0].get("d"), None);
    }
}

#[actix_web::test]
async fn admin_routes_do_not_exist_on_the_public_port() {
    let routes = orrery_keys::http::admin().and(orrery_keys::http::public());
    for route in routes.list() {
        assert_eq!(route.listener == Listener::Admin, route.path.starts_with("/admin/"), "{}", route.path);
    }
}
