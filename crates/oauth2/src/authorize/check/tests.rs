use serde_json::json;

use super::super::samples;
use super::*;
use crate::challenge::ResponseMode;
use crate::client::AuthMethod;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A good request, with some parameters changed, added or (when `None`) left out.
fn request(changes: &[(&str, Option<&str>)]) -> Parameters {
    let mut pairs: Vec<(String, String)> = [
        ("client_id", "app"),
        ("response_type", "code"),
        ("redirect_uri", "https://app.example/callback"),
        ("scope", "openid photos.read"),
        ("state", "12345678"),
        ("nonce", "12345678"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        if let Some(value) = value {
            pairs.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    Parameters::new(pairs).expect("within bounds")
}

fn checked(changes: &[(&str, Option<&str>)]) -> Result<AuthorizationRequest, Refused> {
    check(&request(changes), &samples::client(), &samples::config())
}

/// The error, and whether the client is told of it.
fn refused(client: &Client, config: &Config, parameters: &Parameters) -> (ErrorCode, bool) {
    let refused = check(parameters, client, config).expect_err("refused");
    (refused.error.code, refused.path.is_some())
}

fn code(changes: &[(&str, Option<&str>)]) -> (ErrorCode, bool) {
    refused(&samples::client(), &samples::config(), &request(changes))
}

#[test]
fn a_good_request_keeps_everything_it_said() {
    let request = checked(&[
        ("audience", Some("https://api.example/v1 https://api.example/v2")),
        ("prompt", Some("login consent")),
        ("max_age", Some("60")),
        ("acr_values", Some("aal2 aal1")),
        ("ui_locales", Some("de en")),
        ("login_hint", Some("ada@example.org")),
        ("claims", Some(r#"{"id_token":{"email":{"essential":true}},"userinfo":{"name":null}}"#)),
        ("their_own", Some("ü&=")),
    ])
    .expect("good");
    assert_eq!(request.scope, ["openid", "photos.read"]);
    assert_eq!(request.audience, ["https://api.example/v1", "https://api.example/v2"]);
    assert_eq!((request.response_mode, request.max_age), (ResponseMode::Query, Some(60)));
    assert_eq!(request.prompt, ["login", "consent"]);
    assert_eq!(request.acr_values, ["aal2", "aal1"]);
    let context = json!({"acr_values": ["aal2", "aal1"], "ui_locales": ["de", "en"], "login_hint": "ada@example.org"});
    assert_eq!(Value::Object(request.oidc_context), context);
    assert!(request.redirect_uri_given);
    let start = "https://id.example/oauth2/auth?client_id=app&response_type=code&";
    assert!(request.request_url.starts_with(start) && request.request_url.ends_with("&their_own=%C3%BC%26%3D"));
}

#[test]
fn what_the_client_may_not_be_told_is_told_to_the_person() {
    for changes in [
        ("redirect_uri", Some("https://evil.example/callback")),
        ("redirect_uri", Some("https://app.example/callback#x")),
        ("redirect_uri", None),
    ] {
        assert_eq!(code(&[changes]), (ErrorCode::InvalidRequest, false), "{changes:?}");
    }
    assert_eq!(code(&[("response_mode", Some("cookie"))]), (ErrorCode::UnsupportedResponseMode, false));
    let twice = Parameters::new(
        request(&[])
            .iter()
            .chain([("redirect_uri", "https://evil.example/")])
            .map(|(a, b)| (a.to_owned(), b.to_owned())),
    );
    let twice = twice.expect("within bounds");
    let expected = (ErrorCode::InvalidRequest, false);
    assert_eq!(refused(&samples::client(), &samples::config(), &twice), expected, "the first one is registered");
}

#[test]
fn everything_else_is_told_to_the_client_before_anybody_signs_in() {
    for (changes, expected) in [
        (("scope", Some("openid admin")), ErrorCode::InvalidScope),
        (("audience", Some("https://other.example")), ErrorCode::InvalidRequest),
        (("resource", Some("https://other.example")), ErrorCode::InvalidTarget),
        (("resource", Some("https://api.example/#x")), ErrorCode::InvalidTarget),
        (("registration", Some("{}")), ErrorCode::RegistrationNotSupported),
        (("response_type", None), ErrorCode::UnsupportedResponseType),
        (("response_type", Some("token")), ErrorCode::UnsupportedResponseType),
        (("state", None), ErrorCode::InvalidState),
        (("state", Some("1234567")), ErrorCode::InvalidState),
        (("nonce", Some("1234567")), ErrorCode::InsufficientEntropy),
        (("code_challenge", None), ErrorCode::InvalidRequest),
        (("code_challenge", Some("short")), ErrorCode::InvalidRequest),
        (("code_challenge_method", None), ErrorCode::InvalidRequest),
        (("code_challenge_method", Some("plain")), ErrorCode::InvalidRequest),
        (("dpop_jkt", Some("short")), ErrorCode::InvalidRequest),
        (("prompt", Some("none login")), ErrorCode::InvalidRequest),
        (("prompt", Some("dance")), ErrorCode::InvalidRequest),
        (("max_age", Some("-1")), ErrorCode::InvalidRequest),
        (("max_age", Some("soon")), ErrorCode::InvalidRequest),
        (("claims", Some("[]")), ErrorCode::InvalidRequest),
        (("claims", Some(r#"{"id_token":{"email":7}}"#)), ErrorCode::InvalidRequest),
    ] {
        assert_eq!(code(&[changes]), (expected, true), "{changes:?}");
    }
    let twice =
        Parameters::new(request(&[]).iter().chain([("scope", "openid")]).map(|(a, b)| (a.to_owned(), b.to_owned())));
    let twice = twice.expect("within bounds");
    assert_eq!(refused(&samples::client(), &samples::config(), &twice), (ErrorCode::InvalidRequest, true));
}

#[test]
fn an_error_repeats_the_state_and_stands_where_the_answer_would() {
    let refused = checked(&[("scope", Some("admin")), ("response_mode", Some("form_post"))]).expect_err("refused");
    let path = refused.path.expect("told to the client");
    assert_eq!((path.mode, path.state.as_deref()), (ResponseMode::FormPost, Some("12345678")));
    assert_eq!(path.redirect_uri, "https://app.example/callback");
}

#[test]
fn public_clients_use_pkce_and_the_policy_may_ask_others_too() {
    let none = request(&[("code_challenge", None), ("code_challenge_method", None)]);
    let (client, config) = (samples::client(), samples::config());
    assert!(check(&none, &client, &config).is_ok());
    let public = Client { token_endpoint_auth_method: AuthMethod::None, ..client.clone() };
    assert_eq!(refused(&public, &config, &none), (ErrorCode::InvalidRequest, true));
    let everybody = Config { pkce: PkcePolicy::Everybody, ..samples::config() };
    assert_eq!(refused(&client, &everybody, &none), (ErrorCode::InvalidRequest, true));
    let optional = Config { pkce: PkcePolicy::Optional, ..samples::config() };
    assert!(check(&none, &public, &optional).is_ok());
}

#[test]
fn a_code_is_not_sent_over_plain_http_beyond_this_machine() {
    let uri = "http://app.example/callback";
    let client = Client { redirect_uris: vec![uri.to_owned()], ..samples::client() };
    let asked = request(&[("redirect_uri", Some(uri))]);
    assert_eq!(refused(&client, &samples::config(), &asked), (ErrorCode::InvalidRequest, true));
    assert!(check(&asked, &client, &Config { dev: true, ..samples::config() }).is_ok());
}

#[test]
fn an_id_token_in_the_answer_needs_a_nonce() {
    let client = Client {
        response_types: vec!["code id_token".to_owned(), "code token".to_owned()],
        grant_types: vec!["authorization_code".to_owned(), "implicit".to_owned()],
        ..samples::client()
    };
    let config = samples::config();
    let hybrid = request(&[("response_type", Some("id_token code")), ("nonce", None)]);
    let error = check(&hybrid, &client, &config).expect_err("refused");
    assert_eq!(error.error.code, ErrorCode::InvalidRequest);
    assert_eq!(error.path.expect("told to the client").mode, ResponseMode::Fragment);
    assert!(check(&request(&[("response_type", Some("code token")), ("nonce", None)]), &client, &config).is_ok());
    let query = request(&[("response_type", Some("code token")), ("response_mode", Some("query"))]);
    assert_eq!(refused(&client, &config, &query), (ErrorCode::UnsupportedResponseMode, true));
}
