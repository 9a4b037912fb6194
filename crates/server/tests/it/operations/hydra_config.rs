//! A Hydra configuration, given as it is.

use super::process::output;

/// As the quick start of Hydra and its reference have it.
const HYDRA: &str = "\
version: v2.2.0
dsn: memory
serve:
  cookies: {same_site_mode: Lax, names: {login_csrf: x}}
  public:
    cors: {enabled: true, allowed_origins: ['https://app.example.com'], debug: true}
  admin:
    cors: {enabled: true}
urls:
  self: {issuer: 'http://127.0.0.1:4444', public: 'http://127.0.0.1:4444'}
  consent: http://127.0.0.1:3000/consent
  login: http://127.0.0.1:3000/login
  logout: http://127.0.0.1:3000/logout
  device: {verification: 'http://127.0.0.1:3000/device/verify'}
secrets:
  system: [youReallyNeedToChangeThis]
  cookie: [youReallyNeedToChangeThis]
oidc:
  subject_identifiers:
    supported_types: [pairwise, public]
    pairwise: {salt: youReallyNeedToChangeThis}
  dynamic_client_registration: {enabled: true, default_scope: [openid]}
strategies: {access_token: jwt, scope: exact, jwt: {scope_claim: list}}
ttl: {access_token: 1h, refresh_token: -1, id_token: 30m, auth_code: 5m}
oauth2:
  expose_internal_errors: true
  pkce: {enforced: false, enforced_for_public_clients: true}
  hashers: {algorithm: bcrypt, bcrypt: {cost: 10}}
  grant: {refresh_token: {rotation_grace_period: 5s}, jwt: {iat_optional: true}}
  token_hook: {url: 'http://127.0.0.1:3000/hook', auth: {type: api_key, config: {in: header, name: X-Key, value: secret}}}
log: {level: info, format: json, leak_sensitive_values: true}
sqa: {opt_out: true}
";

#[tokio::test]
async fn a_hydra_configuration_is_accepted_with_warnings() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("hydra.yml"), HYDRA).expect("written");
    let checked = output(folder.path(), &["config", "check", "--hydra-config", "hydra.yml"]).await;
    let warnings = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(checked.status.success(), "{warnings}");
    for key in [
        "version",
        "serve.public.cors.debug",
        "serve.admin.cors",
        "secrets.cookie",
        "log.leak_sensitive_values",
        "sqa",
        "oauth2.hashers",
        "oauth2.expose_internal_errors",
        "oauth2.cookies.names.login_csrf",
    ] {
        assert!(warnings.contains(&format!("`{key}`")), "{key}: {warnings}");
    }
    let printed = output(folder.path(), &["config", "print", "--hydra-config", "hydra.yml"]).await;
    let printed: serde_json::Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    for (place, value) in [
        ("/serve/public/port", serde_json::json!(4444)),
        ("/serve/admin/port", serde_json::json!(4445)),
        ("/oauth2/urls/self/issuer", serde_json::json!("http://127.0.0.1:4444")),
        ("/oauth2/ttl/refresh_token", serde_json::json!("-1")),
        ("/oauth2/strategies/access_token", serde_json::json!("jwt")),
        ("/oauth2/oidc/dynamic_client_registration/enabled", serde_json::json!(true)),
        ("/oauth2/token_hook/auth/config/value", serde_json::json!("<redacted>")),
    ] {
        assert_eq!(printed.pointer(place), Some(&value), "{place}");
    }
}

/// Applications of other sites renew sign-ins in a frame because Hydra's cookies go there.
#[tokio::test]
async fn cookies_are_those_of_hydra_unless_the_file_says_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    let unset = HYDRA.replace("same_site_mode: Lax, ", "");
    for (file, mode) in [(HYDRA.to_owned(), "Lax"), (unset.clone(), "None")] {
        std::fs::write(folder.path().join("hydra.yml"), file).expect("written");
        let printed = output(folder.path(), &["config", "print", "--hydra-config", "hydra.yml"]).await;
        let printed: serde_json::Value = serde_json::from_slice(&printed.stdout).expect("JSON");
        assert_eq!(printed["oauth2"]["cookies"]["same_site_mode"], mode);
    }
    let insecure = unset.replace("cookies: {", "cookies: {secure: false, ");
    std::fs::write(folder.path().join("hydra.yml"), insecure).expect("written");
    let checked = output(folder.path(), &["config", "check", "--hydra-config", "hydra.yml"]).await;
    let warnings = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(warnings.contains("`oauth2.cookies.secure`: browsers refuse SameSite=None without Secure"), "{warnings}");
}

#[tokio::test]
async fn complaints_about_a_hydra_file_use_its_own_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = HYDRA
        .replace("http://127.0.0.1:4444', public", "http://id.example.com', public")
        .replace("id_token:", "id_tokens:");
    std::fs::write(folder.path().join("hydra.yml"), wrong).expect("written");
    let checked = output(folder.path(), &["config", "check", "--hydra-config", "hydra.yml"]).await;
    assert!(!checked.status.success());
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(said.contains("hydra.yml:24: `oauth2.ttl.id_tokens`: unknown key"), "{said}");
    assert!(said.contains("did you mean `id_token`?"), "{said}");
}
