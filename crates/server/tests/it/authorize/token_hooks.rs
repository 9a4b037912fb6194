//! The hooks of the token endpoint: what they are told, and what their answers do.

use std::time::Duration;

use orrery_testkit::{Backend, on_both_databases};
use serde_json::{Value, json};

use super::world::{CONSENT_APP, LOGIN_APP, World};
use crate::flows::hooks::target::{Call, Reply, Target};
use crate::stage::{Answer, jwt_part, merge, send};

on_both_databases!(
    a_hook_is_told_of_a_person_s_tokens,
    refreshing_calls_its_own_hook_first_and_the_other_sees_its_answer,
    an_answer_replaces_both_maps_for_these_tokens_alone,
    without_a_hooks_consent_nothing_is_issued,
    claims_of_a_hook_go_where_the_configuration_says,
);

/// When every test begins.
const NOW: &str = "2026-01-01T00:00:00Z";
const LATER: &str = "2026-01-01T01:00:00Z";
const NEVER: &str = "0001-01-01T00:00:00Z";
const SCOPE: &str = "openid offline photos.read";

struct Hooked {
    world: World,
    token: Target,
    refreshing: Target,
}

impl Hooked {
    async fn new(backend: Backend, changes: Value) -> Self {
        let (token, refreshing) = (Target::start().await, Target::start().await);
        let key =
            |place: &str| json!({"type": "api_key", "config": {"in": place, "name": "X-Hook-Key", "value": "hunter2"}});
        let mut oauth2 = json!({
            "urls": {"login": LOGIN_APP, "consent": CONSENT_APP},
            "token_hook": {"url": format!("{}/token", token.url), "auth": key("header")},
            "refresh_token_hook": {"url": format!("{}/refresh", refreshing.url), "auth": key("cookie")},
        });
        merge(&mut oauth2, &changes);
        let mut world = World::with(backend, json!({"oauth2": oauth2})).await;
        world.client = world.register(json!({"token_endpoint_auth_method": "none"})).await;
        Self { world, token, refreshing }
    }

    async fn code(&self) -> String {
        let session = json!({"id_token": {"nickname": "Ada"}, "access_token": {"role": "admin"}});
        self.world.code(&self.world.server.browser(), SCOPE, session).await
    }

    async fn tokens(&self) -> Value {
        send(self.world.redeem(&self.code().await, &[])).await.expect(200).body
    }

    async fn refresh(&self, tokens: &Value, more: &[(&str, &str)]) -> Answer {
        let mut pairs = vec![
            ("grant_type", "refresh_token"),
            ("client_id", self.world.client.as_str()),
            ("refresh_token", text(&tokens["refresh_token"])),
        ];
        pairs.extend(more);
        send(self.world.form("/oauth2/token", &pairs)).await
    }

    async fn ext(&self, tokens: &Value) -> Value {
        let call = self.world.server.api().post(self.world.server.admin("/admin/oauth2/introspect"));
        let seen = send(call.form(&[("token", text(&tokens["access_token"]))])).await.expect(200).body;
        assert_eq!(seen["active"], true, "{seen}");
        seen["ext"].clone()
    }
}

/// The last call to a hook.
fn last(target: &Target) -> Call {
    target.calls().pop().expect("a call")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

async fn a_hook_is_told_of_a_person_s_tokens(backend: Backend) {
    let hooked = Hooked::new(backend, json!({})).await;
    let tokens = hooked.tokens().await;
    let [call] = hooked.token.calls().try_into().expect("one call");
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/token"));
    assert_eq!(call.headers["content-type"], "application/json; charset=UTF-8");
    assert_eq!((call.headers["x-hook-key"].as_str(), call.headers.get("cookie")), ("hunter2", None));
    assert!(hooked.refreshing.calls().is_empty());
    let (header, claims) = (jwt_part(text(&tokens["id_token"]), 0), jwt_part(text(&tokens["id_token"]), 1));
    let client = json!(hooked.world.client);
    let mut told = call.json();
    let consent = told["session"]["consent_challenge"].take();
    assert_eq!(text(&consent).len(), 32, "{consent}");
    let expected = json!({
        "session": {
            "id_token": {
                "id_token_claims": {
                    "jti": "", "iss": claims["iss"], "sub": "ada", "aud": [client], "nonce": "a nonce of some length",
                    "exp": NEVER, "iat": NOW, "rat": NOW, "auth_time": NOW, "at_hash": "", "acr": "", "amr": [],
                    "c_hash": "", "ext": {"nickname": "Ada", "sid": claims["sid"]},
                },
                "headers": {"extra": {"kid": header["kid"]}}, "expires_at": {"access_token": LATER}, "subject": "ada",
            },
            "extra": {"role": "admin"}, "kid": "", "client_id": client, "consent_challenge": null,
            "exclude_not_before_claim": false, "allowed_top_level_claims": [], "mirror_top_level_claims": true,
            "preserve_ext_claims": false,
        },
        "request": {
            "client_id": client, "requested_scopes": ["openid", "offline", "photos.read"],
            "granted_scopes": ["openid", "offline", "photos.read"], "granted_audience": [],
            "grant_types": ["authorization_code"],
            "payload": {"grant_type": ["authorization_code"], "client_id": [client]},
        },
    });
    assert_eq!(told, expected);
    assert!(!call.body.contains("ory_ac_"), "codes stay here");
    // 204 keeps what the consent application said.
    assert_eq!(claims["nickname"], "Ada");
    assert_eq!(hooked.ext(&tokens).await, json!({"role": "admin"}));
}

async fn refreshing_calls_its_own_hook_first_and_the_other_sees_its_answer(backend: Backend) {
    let hooked = Hooked::new(backend, json!({})).await;
    let tokens = hooked.tokens().await;
    let answer = json!({"session": {"access_token": {"role": "guest"}, "id_token": {"nickname": "Countess"}}});
    hooked.refreshing.reply(Reply::new(200, answer.to_string()));
    let fresh = hooked.refresh(&tokens, &[("scope", "openid photos.read")]).await.expect(200).body;
    let (first, second) = (last(&hooked.refreshing), last(&hooked.token));
    assert_eq!((first.path.as_str(), first.headers["cookie"].as_str()), ("/refresh", "X-Hook-Key=hunter2"));
    assert_eq!(first.headers.get("x-hook-key"), None);
    let (told, seen) = (first.json(), second.json());
    let client = json!(hooked.world.client);
    let scope = json!(["openid", "photos.read"]);
    assert_eq!((&told["subject"], &told["client_id"]), (&json!("ada"), &client));
    assert_eq!((&told["granted_scopes"], &told["granted_audience"]), (&scope, &json!([])));
    let requester = json!({"client_id": client, "granted_scopes": scope, "granted_audience": [],
        "grant_types": ["refresh_token"]});
    assert_eq!(told["requester"], requester);
    assert_eq!(told["session"]["extra"], json!({"role": "admin"}), "what the consent application said");
    assert_eq!(seen["session"]["extra"], json!({"role": "guest"}), "what the hook before said");
    assert_eq!(seen["session"]["id_token"]["id_token_claims"]["ext"]["nickname"], "Countess");
    assert_eq!((&seen["request"]["requested_scopes"], &seen["request"]["granted_scopes"]), (&scope, &scope));
    assert_eq!(seen["request"]["payload"]["scope"], json!(["openid photos.read"]));
    assert!(!second.body.contains("ory_rt_") && !first.body.contains("ory_rt_"), "refresh tokens stay here");
    assert_eq!(hooked.ext(&fresh).await, json!({"role": "guest"}));
    assert_eq!(jwt_part(text(&fresh["id_token"]), 1)["nickname"], "Countess");
    // Less was granted than had been asked for.
    let again = hooked.refresh(&fresh, &[]).await.expect(200).body;
    assert_eq!(last(&hooked.token).json()["request"]["requested_scopes"], json!(["openid", "offline", "photos.read"]));
    assert_eq!(hooked.ext(&again).await, json!({"role": "admin"}), "an answer is for these tokens alone");
}

async fn an_answer_replaces_both_maps_for_these_tokens_alone(backend: Backend) {
    let hooked = Hooked::new(backend, json!({})).await;
    for (answer, role, nickname) in [
        (json!({"session": {"access_token": {"role": "guest"}}}), json!({"role": "guest"}), Value::Null),
        (json!({"session": {"id_token": {"nickname": "Countess", "sub": "bob"}}}), Value::Null, json!("Countess")),
        (json!({"session": {}}), Value::Null, Value::Null),
        (json!({}), Value::Null, Value::Null),
    ] {
        hooked.token.reply(Reply::new(200, answer.to_string()));
        let tokens = hooked.tokens().await;
        let claims = jwt_part(text(&tokens["id_token"]), 1);
        assert_eq!((&hooked.ext(&tokens).await, &claims["nickname"]), (&role, &nickname), "{answer}");
        assert_eq!(claims["sub"], "ada", "nobody else may say who");
        let userinfo = hooked.world.server.api().get(hooked.world.server.public("/userinfo"));
        let userinfo = send(userinfo.bearer_auth(text(&tokens["access_token"]))).await.expect(200).body;
        assert_eq!(userinfo["nickname"], "Ada", "what was granted stays as it was");
    }
}

async fn without_a_hooks_consent_nothing_is_issued(backend: Backend) {
    let hooked = Hooked::new(backend, json!({})).await;
    let code = hooked.code().await;
    for (reply, status, error) in [
        (Reply::new(403, "{}"), 403, "access_denied"),
        (Reply::new(500, "{}"), 500, "server_error"),
        (Reply::new(302, ""), 500, "server_error"),
        (Reply::new(200, "not JSON"), 500, "server_error"),
        (Reply::new(200, r#"{"session": {"access_token": []}}"#), 500, "server_error"),
        (Reply::new(200, " ".repeat(1024 * 1024 + 1)), 500, "server_error"),
    ] {
        hooked.token.reply(reply.clone());
        let refused = send(hooked.world.redeem(&code, &[])).await.expect(status);
        assert_eq!(refused.body["error"], error, "{} {}", reply.status, &reply.body[..reply.body.len().min(40)]);
    }
    // The code was not used up by any of these.
    let tokens = send(hooked.world.redeem(&code, &[])).await.expect(200).body;
    for (target, reply) in [(&hooked.refreshing, 403), (&hooked.token, 403)] {
        target.reply(Reply::new(reply, ""));
        let refused = hooked.refresh(&tokens, &[]).await.expect(403);
        assert_eq!(refused.body["error"], "access_denied");
    }
    hooked.refresh(&tokens, &[]).await.expect(200);
}

#[tokio::test]
async fn a_hook_that_says_nothing_is_waited_for_no_longer_than_it_takes() {
    let hooked = Hooked::new(Backend::Sqlite, json!({})).await;
    let code = hooked.code().await;
    hooked.token.reply(Reply { after: Duration::from_secs(60), ..Reply::new(204, "") });
    let refused = send(hooked.world.redeem(&code, &[])).await.expect(500);
    assert_eq!(refused.body["error"], "server_error");
    send(hooked.world.redeem(&code, &[])).await.expect(200);
}

async fn claims_of_a_hook_go_where_the_configuration_says(backend: Backend) {
    let changes = json!({
        "strategies": {"access_token": "jwt", "jwt": {"scope_claim": "string"}}, "exclude_not_before_claim": true,
        "allowed_top_level_claims": ["role", "sub"], "mirror_top_level_claims": false, "preserve_ext_claims": true,
    });
    let hooked = Hooked::new(backend, changes).await;
    let answer = json!({"session": {"access_token": {"role": "guest", "team": "printing", "sub": "bob"}}});
    hooked.token.reply(Reply::new(200, answer.to_string()));
    let tokens = hooked.tokens().await;
    let told = last(&hooked.token).json();
    let session = &told["session"];
    assert_eq!(
        (&session["allowed_top_level_claims"], &session["mirror_top_level_claims"], &session["preserve_ext_claims"]),
        (&json!(["role", "sub"]), &json!(false), &json!(true))
    );
    let claims = jwt_part(text(&tokens["access_token"]), 1);
    assert_eq!((&claims["role"], &claims["sub"], claims.get("nbf")), (&json!("guest"), &json!("ada"), None));
    assert_eq!(claims["ext"], json!({"team": "printing", "sub": "bob"}));
    assert_eq!((&claims["scope"], claims.get("scp")), (&json!(SCOPE), None));
    assert_eq!(hooked.ext(&tokens).await, json!({"role": "guest", "team": "printing", "sub": "bob"}));
}
