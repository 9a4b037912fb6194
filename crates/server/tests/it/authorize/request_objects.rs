//! Request objects (RFC 9101): who may make one, and that nothing beside it counts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::EcCurve;
use josekit::jws::{self, ES256, HS256, JwsHeader, JwsSigner};
use orrery_testkit::{Backend, Browser, on_both_databases};
use reqwest::Response;
use serde_json::{Map, Value, json};
use url::Url;

use super::world::{CALLBACK, CHALLENGE, CONSENT_APP, LOGIN_APP, World, body, location, query, told};
use crate::flows::hooks::target::{Reply, Target};
use crate::stage::{merge, send};

on_both_databases!(a_signed_request_is_the_whole_request, a_request_is_fetched_from_a_registered_address);

/// A client with a key.
struct Signer {
    world: World,
    key: Jwk,
    browser: Browser,
}

impl Signer {
    async fn new(backend: Backend, extra: Value) -> Self {
        let urls = json!({"login": LOGIN_APP, "consent": CONSENT_APP});
        let config = json!({"oauth2": {"urls": urls}, "outbound": {"allowed_networks": ["127.0.0.0/8"]}});
        let mut world = World::with(backend, config).await;
        let key = Jwk::generate_ec_key(EcCurve::P256).expect("a key");
        let mut public = json!(key.to_public_key().expect("a public key").as_ref());
        merge(&mut public, &json!({"kid": "first", "use": "sig", "alg": "ES256"}));
        let mut members = json!({"jwks": {"keys": [public]}, "token_endpoint_auth_method": "private_key_jwt"});
        merge(&mut members, &extra);
        world.client = world.register(members).await;
        Self { browser: world.server.browser(), world, key }
    }

    /// The claims of a good request, with some changed or (when null) left out.
    fn claims(&self, changes: &Value) -> Map<String, Value> {
        let mut claims = json!({
            "iss": self.world.client, "aud": self.world.server.public("").trim_end_matches('/'),
            "exp": 1_767_225_660, "nbf": 1_767_225_600, "client_id": self.world.client, "response_type": "code",
            "redirect_uri": CALLBACK, "scope": "openid photos.read", "state": "a state of some length",
            "nonce": "a nonce of some length", "max_age": 600, "claims": {"id_token": {"email": null}},
            "resource": ["https://api.example/a", "https://api.example/b"],
        });
        merge(&mut claims, changes);
        let claims = claims.as_object().cloned().expect("an object");
        claims.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    fn signed(&self, changes: &Value) -> String {
        let signer = ES256.signer_from_jwk(&self.key).expect("a signer");
        self.signed_as(changes, &signer, "oauth-authz-req+jwt")
    }

    fn signed_as(&self, changes: &Value, signer: &dyn JwsSigner, typ: &str) -> String {
        let claims = serde_json::to_vec(&self.claims(changes)).expect("writes");
        let mut header = JwsHeader::new();
        header.set_key_id("first");
        header.set_token_type(typ);
        jws::serialize_compact(&claims, &header, signer).expect("signs")
    }

    fn unsigned(&self, changes: &Value) -> String {
        let claims = serde_json::to_vec(&self.claims(changes)).expect("writes");
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims))
    }

    async fn bring(&self, parameters: &[(&str, &str)]) -> Response {
        let mut url = Url::parse(&self.world.server.public("/oauth2/auth")).expect("a URL");
        url.query_pairs_mut().append_pair("client_id", &self.world.client).extend_pairs(parameters);
        self.browser.get(url).await
    }

    /// What a login application is shown of an accepted request.
    async fn shown(&self, answer: &Response) -> Value {
        let challenge = query(&location(answer), "login_challenge").expect("a challenge");
        body(self.world.read("login", &challenge).await).await
    }

    /// Why a request is refused, on the page for the person.
    async fn refusal(&self, parameters: &[(&str, &str)]) -> String {
        let (status, page) = told(&self.browser, self.bring(parameters).await).await;
        assert_eq!(status, 400, "{page}");
        page
    }
}

async fn a_signed_request_is_the_whole_request(backend: Backend) {
    let signer = Signer::new(backend, json!({"request_object_signing_alg": "ES256"})).await;
    let object = signer.signed(&json!({}));
    // Whatever somebody on the way adds or changes does not count.
    let changed = [
        ("request", object.as_str()),
        ("redirect_uri", "https://mallory.example"),
        ("scope", "offline"),
        ("state", "another state"),
        ("prompt", "none"),
    ];
    for parameters in [&changed[..1], &changed] {
        let shown = signer.shown(&signer.bring(parameters).await).await;
        assert_eq!(shown["requested_scope"], json!(["openid", "photos.read"]));
        let audience = json!(["https://api.example/a", "https://api.example/b"]);
        assert_eq!(shown["requested_access_token_audience"], audience);
        let url = shown["request_url"].as_str().expect("an address");
        assert!(url.contains("max_age=600") && url.contains("claims=%7B") && !url.contains("iss="), "{url}");
    }
    // To the end: the answer goes where the object says.
    let challenge = query(&location(&signer.bring(&changed).await), "login_challenge").expect("a challenge");
    let next = signer.world.decide("login", "accept", &challenge, json!({"subject": "ada"})).await;
    let consent = query(&location(&signer.browser.get(next).await), "consent_challenge").expect("a challenge");
    let next = signer.world.decide("consent", "accept", &consent, json!({"grant_scope": ["openid"]})).await;
    let url = location(&signer.browser.get(next).await);
    assert!(url.as_str().starts_with(CALLBACK), "{url}");
    assert_eq!(query(&url, "state").as_deref(), Some("a state of some length"));
    // What is wrong with the request inside is told to the client, because its address is known now.
    let url = location(&signer.bring(&[("request", &signer.signed(&json!({"scope": "everything"})))]).await);
    assert_eq!(query(&url, "error").as_deref(), Some("invalid_scope"));
}

async fn a_request_is_fetched_from_a_registered_address(backend: Backend) {
    let target = Target::start().await;
    let uri = format!("{}/request.jwt?a=b", target.url);
    let signer = Signer::new(backend, json!({"request_uris": [uri]})).await;
    target.reply(Reply::new(200, format!("{}\n", signer.signed(&json!({})))));
    let shown = signer.shown(&signer.bring(&[("request_uri", &uri)]).await).await;
    assert_eq!(shown["requested_scope"], json!(["openid", "photos.read"]));
    assert_eq!((target.calls().len(), target.calls()[0].path.as_str()), (1, "/request.jwt?a=b"));
    for other in [format!("{uri}&c=d"), uri.to_uppercase(), format!("{}/other", target.url), "urn:x".to_owned()] {
        let page = signer.refusal(&[("request_uri", &other)]).await;
        assert!(page.contains("letter by letter"), "{other}: {page}");
    }
    assert_eq!(target.calls().len(), 1, "nobody is called for an address that is not registered");
    let large = "x".repeat(20_000);
    for reply in [Reply::new(302, ""), Reply::new(404, ""), Reply::new(200, large)] {
        let told = format!("{reply:.40?}");
        target.reply(reply);
        let page = signer.refusal(&[("request_uri", &uri)]).await;
        assert!(page.contains("could not be fetched"), "{told}: {page}");
    }
    target.reply(Reply::new(200, signer.unsigned(&json!({}))));
    assert!(signer.refusal(&[("request_uri", &uri)]).await.contains("registered one"), "unsigned");
}

#[tokio::test]
async fn an_address_inside_the_operators_network_is_not_fetched() {
    let target = Target::start().await;
    // A name is judged when it is resolved; the address itself would not have been registered.
    let uri = format!("{}/request.jwt", target.url.replace("127.0.0.1", "localhost"));
    let mut world = World::external(Backend::Sqlite).await;
    let jwks = json!({"keys": []});
    world.client = world.register(json!({"request_uris": [uri], "jwks": jwks})).await;
    let browser = world.server.browser();
    let mut url = Url::parse(&world.server.public("/oauth2/auth")).expect("a URL");
    url.query_pairs_mut().append_pair("client_id", &world.client).append_pair("request_uri", &uri);
    let (status, page) = told(&browser, browser.get(url).await).await;
    assert!(status == 400 && page.contains("could not be fetched"), "{page}");
    assert!(target.calls().is_empty());
}

#[tokio::test]
async fn objects_that_others_made_or_that_were_made_for_others_are_refused() {
    let signer = Signer::new(Backend::Sqlite, json!({})).await;
    let other = signer.world.register(json!({})).await;
    for (changes, told) in [
        (json!({"client_id": other}), "must be there and be the one of the request"),
        (json!({"client_id": null}), "must be there and be the one of the request"),
        (json!({"iss": other}), "must be the client_id"),
        (json!({"iss": null}), "must be the client_id"),
        (json!({"aud": "https://elsewhere.example"}), "does not name this server"),
        (json!({"aud": null}), "does not name this server"),
        (json!({"exp": 1_767_225_500}), "expired"),
        (json!({"nbf": 1_767_225_700}), "not valid yet"),
        (json!({"exp": "soon"}), "seconds since 1970"),
        (json!({"sub": signer.world.client}), "must not be the client_id"),
        (json!({"request": "x"}), "another request object"),
        (json!({"request_uri": "urn:x"}), "another request object"),
        (json!({"scope": ["openid"]}), "a list that may not be one"),
        (json!({"resource": [1]}), "a list that may not be one"),
    ] {
        let page = signer.refusal(&[("request", &signer.signed(&changes))]).await;
        assert!(page.contains("invalid_request_object") && page.contains(told), "{changes}: {page}");
    }
    let mine = ES256.signer_from_jwk(&signer.key).expect("a signer");
    let stranger = Jwk::generate_ec_key(EcCurve::P256).expect("a key");
    let stranger = ES256.signer_from_jwk(&stranger).expect("a signer");
    // A public key is no shared secret.
    let public = serde_json::to_vec(signer.key.to_public_key().expect("a key").as_ref()).expect("writes");
    let hmac = HS256.signer_from_bytes(public).expect("a signer");
    let good = signer.signed(&json!({}));
    for (object, told) in [
        (signer.signed_as(&json!({}), &stranger, "JWT"), "signature is wrong"),
        (signer.signed_as(&json!({}), &hmac, "JWT"), "is not the registered one"),
        (signer.signed_as(&json!({}), &mine, "at+jwt"), "that of another token"),
        (signer.signed_as(&json!({}), &mine, "dpop+jwt"), "that of another token"),
        (signer.unsigned(&json!({})), "is not the registered one"),
        (good[..good.len() - 2].to_owned(), "signature is wrong"),
        ("x.y.z".to_owned(), "no signed JWT"),
        (format!("{good}.x.y"), "no signed JWT"),
    ] {
        let page = signer.refusal(&[("request", &object)]).await;
        assert!(page.contains("invalid_request_object") && page.contains(told), "{told}: {page}");
    }
    assert!(signer.refusal(&[("request", &good), ("request_uri", "https://x.example")]).await.contains("exclude"));
    assert!(signer.refusal(&[("request", &good), ("request", &good)]).await.contains("more than once"));
    let accepted = signer.signed_as(&json!({"aud": ["x", signer.world.server.public("/oauth2/auth")]}), &mine, "JWT");
    assert_eq!(signer.shown(&signer.bring(&[("request", &accepted)]).await).await["skip"], false);
}

#[tokio::test]
async fn a_client_that_is_registered_so_signs_nothing_and_no_other_way() {
    let signer = Signer::new(Backend::Sqlite, json!({"request_object_signing_alg": "none"})).await;
    let object = signer.unsigned(&json!({"iss": null, "aud": null, "exp": null, "nbf": null}));
    assert_eq!(signer.shown(&signer.bring(&[("request", &object)]).await).await["skip"], false);
    for object in [signer.signed(&json!({})), signer.unsigned(&json!({"iss": "another"}))] {
        assert!(signer.refusal(&[("request", &object)]).await.contains("invalid_request_object"));
    }
    let pinned = Signer::new(Backend::Sqlite, json!({"request_object_signing_alg": "RS256"})).await;
    assert!(pinned.refusal(&[("request", &pinned.signed(&json!({})))]).await.contains("registered one"));
}

#[tokio::test]
async fn a_request_object_can_be_pushed_and_must_be_where_pushing_is_required() {
    let signer = Signer::new(
        Backend::Sqlite,
        json!({"token_endpoint_auth_method": "none", "require_pushed_authorization_requests": true}),
    )
    .await;
    let pkce = json!({"code_challenge": CHALLENGE, "code_challenge_method": "S256"});
    let object = signer.signed(&pkce);
    assert!(signer.refusal(&[("request", &object)]).await.contains("must push"));
    let push = async |object: &str| {
        let pairs = [("client_id", signer.world.client.as_str()), ("request", object), ("scope", "offline")];
        send(signer.world.form("/oauth2/par", &pairs)).await
    };
    let pushed = push(&object).await.expect(201);
    let uri = pushed.body["request_uri"].as_str().expect("an address").to_owned();
    let shown = signer.shown(&signer.bring(&[("request_uri", &uri)]).await).await;
    assert_eq!(shown["requested_scope"], json!(["openid", "photos.read"]));
    let refused = push(&signer.signed(&json!({"client_id": "another"}))).await;
    assert_eq!(refused.expect(400).body["error"], "invalid_request_object");
}
