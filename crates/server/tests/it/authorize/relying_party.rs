//! A stranger's reading of the specifications as the client: the `openidconnect` crate, with every check that it has.

use std::time::Duration;

use futures_util::future::BoxFuture;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreDeviceAuthorizationResponse, CoreIdTokenClaims, CoreProviderMetadata,
    CoreRevocableToken, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::http;
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, DeviceAuthorizationUrl, EndpointMaybeSet,
    EndpointSet, IntrospectionUrl, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, RevocationUrl, Scope, TokenIntrospectionResponse as _, TokenResponse as _,
};
use orrery_core::{Clock as _, SystemClock};
use orrery_testkit::{Api, Backend, Browser, on_both_databases};
use serde_json::json;
use url::Url;

use super::world::{CALLBACK, World, location, query};

on_both_databases!(
    a_code_becomes_tokens_that_hold_and_that_can_be_ended,
    a_device_gets_tokens_that_hold,
    a_verifier_of_somebody_else_gets_nothing,
);

type Client = CoreClient<EndpointSet, EndpointSet, EndpointSet, EndpointSet, EndpointMaybeSet, EndpointMaybeSet>;

/// A server whose clock is the library's own, with a client of it.
async fn relying_party(backend: Backend) -> (World, Client) {
    let world = World::built_in(backend).await;
    let ahead = SystemClock.now().as_seconds() - world.server.now().as_seconds();
    world.server.advance(Duration::from_secs(ahead.try_into().expect("the future")));
    let grants = json!(["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]);
    let registered = world.registered(json!({"grant_types": grants})).await;
    let text = |name: &str| registered[name].as_str().expect("text").to_owned();
    let (id, secret) = (ClientId::new(text("client_id")), ClientSecret::new(text("client_secret")));

    let issuer = IssuerUrl::new(world.server.public("").trim_end_matches('/').to_owned()).expect("an address");
    let provider = CoreProviderMetadata::discover_async(issuer, &carrier(&world)).await.expect("a provider");
    let endpoint = |path: &str| world.server.public(path);
    let revocation = endpoint("/oauth2/revoke").replacen("http://", "https://", 1);
    let client = CoreClient::from_provider_metadata(provider, id, Some(secret))
        .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned()).expect("an address"))
        .set_device_authorization_url(DeviceAuthorizationUrl::new(endpoint("/oauth2/device/auth")).expect("an address"))
        .set_introspection_url(IntrospectionUrl::new(endpoint("/oauth2/introspect")).expect("an address"))
        .set_revocation_url(RevocationUrl::new(revocation).expect("an address"));
    (world, client)
}

type Carried = BoxFuture<'static, Result<http::Response<Vec<u8>>, reqwest::Error>>;

/// Carries the requests of the library.
fn carrier(world: &World) -> impl Fn(http::Request<Vec<u8>>) -> Carried + use<> {
    let api = world.server.api();
    move |request| Box::pin(carry(api.clone(), request))
}

/// The library revokes over https alone: this stands for the proxy that ends TLS.
async fn carry(api: Api, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let url = parts.uri.to_string().replacen("https://", "http://", 1);
    let answer = api.request(parts.method, url).headers(parts.headers).body(body).send().await?;
    let mut response = http::Response::new(Vec::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    *response.body_mut() = answer.bytes().await?.to_vec();
    Ok(response)
}

/// What one authorization keeps to itself.
struct Kept {
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// Ada allows what the client asks for: her id, the code, and what was kept.
async fn code(world: &World, client: &Client, browser: &Browser) -> (String, AuthorizationCode, Kept) {
    let ada = world.with_account(browser, "ada").await;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (address, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scopes(["offline", "email"].map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    let page = browser.follow(address.as_str()).await;
    let url = allow(world, browser, page.url()).await;
    assert!(url.as_str().starts_with(CALLBACK), "{url}");
    assert_eq!(query(&url, "state").as_deref(), Some(state.secret().as_str()));
    let code = AuthorizationCode::new(query(&url, "code").expect("a code"));
    (ada, code, Kept { nonce, verifier })
}

/// Allows on the consent page, and returns where the browser is sent at last.
async fn allow(world: &World, browser: &Browser, page: &Url) -> Url {
    let challenge = query(page, "consent_challenge").expect("a challenge");
    let form = [("consent_challenge", challenge.as_str()), ("decision", "allow")];
    let decided = browser.post(world.server.public("/ui/consent"), &form).await;
    location(&browser.get(location(&decided)).await)
}

/// The claims of the ID token, once signature, issuer, audience, time, `nonce` and `at_hash` have been checked.
fn checked(client: &Client, tokens: &CoreTokenResponse, nonce: Option<&Nonce>) -> CoreIdTokenClaims {
    let verifier = client.id_token_verifier();
    let id_token = tokens.id_token().expect("an ID token");
    let claims = match nonce {
        Some(nonce) => id_token.claims(&verifier, nonce),
        None => id_token.claims(&verifier, |_: Option<&Nonce>| Ok(())),
    };
    let claims = claims.expect("a good ID token");
    let key = id_token.signing_key(&verifier).expect("a key");
    let algorithm = id_token.signing_alg().expect("an algorithm");
    let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key).expect("a hash");
    assert_eq!(claims.access_token_hash(), Some(&actual));
    claims.clone()
}

async fn is_active(world: &World, client: &Client, tokens: &CoreTokenResponse) -> bool {
    client.introspect(tokens.access_token()).request_async(&carrier(world)).await.expect("an answer").active()
}

async fn a_code_becomes_tokens_that_hold_and_that_can_be_ended(backend: Backend) {
    let (world, client) = relying_party(backend).await;
    let send = carrier(&world);
    let browser = world.server.browser();
    let (ada, code, kept) = code(&world, &client, &browser).await;
    let exchange = client.exchange_code(code).expect("a token endpoint").set_pkce_verifier(kept.verifier);
    let tokens = exchange.request_async(&send).await.expect("tokens");
    let claims = checked(&client, &tokens, Some(&kept.nonce));
    assert_eq!(claims.subject().as_str(), ada);

    let asked = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()));
    let userinfo: CoreUserInfoClaims = asked.expect("an endpoint").request_async(&send).await.expect("claims");
    assert_eq!(userinfo.email().map(|email| email.as_str()), Some("ada@example.org"));

    let first = tokens.refresh_token().expect("a refresh token");
    let refresh = client.exchange_refresh_token(first).expect("a token endpoint");
    let fresh = refresh.request_async(&send).await.expect("tokens");
    let again = checked(&client, &fresh, None);
    assert_eq!((again.subject(), again.auth_time()), (claims.subject(), claims.auth_time()));
    assert_ne!(fresh.refresh_token().map(|token| token.secret()), Some(first.secret()));
    assert!(is_active(&world, &client, &fresh).await);

    let token = CoreRevocableToken::from(fresh.refresh_token().expect("a refresh token").clone());
    client.revoke_token(token).expect("https").request_async(&send).await.expect("revoked");
    assert!(!is_active(&world, &client, &fresh).await);
}

async fn a_device_gets_tokens_that_hold(backend: Backend) {
    let (world, client) = relying_party(backend).await;
    let send = carrier(&world);
    let browser = world.server.browser();
    let ada = world.with_account(&browser, "ada").await;
    let asked = client.exchange_device_code().add_scope(Scope::new("offline".to_owned()));
    let codes: CoreDeviceAuthorizationResponse = asked.request_async(&send).await.expect("codes");

    let page = browser.follow(codes.verification_uri().as_str()).await;
    let challenge = query(page.url(), "device_challenge").expect("a challenge");
    let form = [("device_challenge", challenge.as_str()), ("user_code", codes.user_code().secret())];
    let typed = browser.post(world.server.public("/oauth2/device/verify"), &form).await;
    let page = browser.follow(location(&typed)).await;
    assert_eq!(allow(&world, &browser, page.url()).await.path(), "/ui/device/done");

    let poll = client.exchange_device_access_token(&codes).expect("a token endpoint");
    let tokens = poll.request_async(&send, tokio::time::sleep, None).await.expect("tokens");
    assert_eq!(checked(&client, &tokens, None).subject().as_str(), ada);
}

async fn a_verifier_of_somebody_else_gets_nothing(backend: Backend) {
    let (world, client) = relying_party(backend).await;
    let send = carrier(&world);
    let (_, code, _) = code(&world, &client, &world.server.browser()).await;
    let (_, other) = PkceCodeChallenge::new_random_sha256();
    let exchange = client.exchange_code(code).expect("a token endpoint").set_pkce_verifier(other);
    match exchange.request_async(&send).await {
        Err(RequestTokenError::ServerResponse(said)) => assert_eq!(said.error().as_ref(), "invalid_grant"),
        other => panic!("{other:?}"),
    }
}
