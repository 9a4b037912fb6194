use actix_web::http::Method;
use orrery_testkit::contract::{Generation, assert_response};

use super::admin::Server;
use super::*;

const PATH: &str = "/.well-known/jwks.json";

#[actix_web::test]
async fn only_public_members_are_published() {
    let server = Server::new(config()).await;
    server.put("/admin/keys/hydra.openid.id-token/shared", &symmetric("shared")).await;
    let answer = server.get(PATH).await;
    assert_eq!(answer.status, 200);
    for generation in [Generation::Current, Generation::V0alpha2] {
        assert_response(generation, "GET", PATH, 200, Some(&answer.json));
    }
    let keys = answer.json["keys"].as_array().expect("keys");
    assert!(!keys.is_empty());
    for key in keys {
        assert_ne!(key["kid"], "shared", "a symmetric key");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert_eq!(key.get(private), None);
        }
    }
}

#[actix_web::test]
async fn the_document_is_cached_by_those_who_asked() {
    let server = Server::new(config()).await;
    let first = server.get(PATH).await;
    assert_eq!(first.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(first.header("vary"), Some("Accept-Encoding"), "the same for everybody");
    assert_eq!(first.header("content-type"), Some("application/json"));
    let etag = first.header("etag").expect("a validator").to_owned();
    for condition in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let again = server.call(Method::GET, PATH, &[("If-None-Match", &condition)], None).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{condition}");
        assert_eq!(again.header("etag"), Some(&*etag));
        assert_eq!(again.header("cache-control"), Some("public, max-age=300"));
    }
    assert_eq!(server.call(Method::GET, PATH, &[("If-None-Match", "\"other\"")], None).await.status, 200);
    let head = server.call(Method::HEAD, PATH, &[], None).await;
    assert_eq!((head.status, head.header("etag")), (200, Some(&*etag)));

    let created = json!({"alg": "ES256", "use": "sig", "kid": "new"});
    assert_eq!(server.post("/admin/keys/hydra.openid.id-token", &created).await.status, 201);
    let changed = server.call(Method::GET, PATH, &[("If-None-Match", &etag)], None).await;
    assert_eq!(changed.status, 200, "a change is seen at once on this node");
    let kids = changed.json["keys"].as_array().expect("keys").iter().map(|key| &key["kid"]);
    assert_eq!(kids.filter(|kid| *kid == "new").count(), 1);
}

fn symmetric(kid: &str) -> Value {
    json!({"kty": "oct", "kid": kid, "alg": "HS256", "use": "sig", "k": "A".repeat(43)})
}
