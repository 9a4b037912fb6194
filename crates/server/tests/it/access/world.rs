//! The people and things that the routes are called with.

use orrery_testkit::{Api, Backend, Browser, TestOptions, TestServer};
use orrery_web::{Listener, Route};
use reqwest::Method;
use serde_json::{Value, json};

const ADMIN_TOKEN: &str = "the token of an administrator in tests";

const PASSWORD: &str = "correct horse battery staple";

const SIGN_IN_AGAIN: &str = "/self-service/login/browser?refresh=true";
const LOGOUT: &str = "/self-service/logout/browser";
const SETTINGS: &str = "/self-service/settings/browser";
const VERIFY: &str = "/self-service/verification/browser";

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// Without any credentials.
    Nobody,
    /// Signed in, in a browser, as somebody whom the thing does not belong to.
    Stranger,
    /// In the browser of the person whom the thing belongs to.
    Owner,
    /// With an administrator's token.
    Admin,
}

impl Caller {
    pub(super) const ALL: [Self; 4] = [Self::Nobody, Self::Stranger, Self::Owner, Self::Admin];
}

/// Somebody with an account, signed in with two browsers.
struct Owner {
    browser: Browser,
    address: String,
    identity: String,
    /// The session of the other browser.
    elsewhere: String,
    logout_token: String,
}

/// A server that asks administrators for a token, and a stranger who is signed in.
pub(super) struct World {
    server: TestServer,
    stranger: Browser,
}

impl World {
    pub(super) async fn start() -> Self {
        let options = TestOptions::with(Backend::Sqlite, json!({"admin": {"tokens": [ADMIN_TOKEN]}}));
        let server = TestServer::start(options).await;
        let world = Self { stranger: server.browser(), server };
        world.register(&world.stranger, "stranger").await;
        world
    }

    /// The status that each caller gets for things of one new owner.
    pub(super) async fn call_as_each(&self, number: usize, route: &Route) -> Vec<u16> {
        let owner = self.owner(number).await;
        if route.path.contains("{set}") {
            self.make_key_set(&owner).await;
        }
        if route.path.starts_with("/admin/clients/{id}") {
            self.make_client(&owner).await;
        }
        let path = self.target(route, &owner).await;
        let mut statuses = Vec::new();
        for caller in Caller::ALL {
            statuses.push(self.call(route, &path, &owner, caller).await);
            if matches!(caller, Caller::Nobody | Caller::Stranger) {
                self.assert_untouched(&owner, route).await;
            }
        }
        statuses
    }

    /// Whatever others were answered, the owner's account and both sessions are as they were.
    async fn assert_untouched(&self, owner: &Owner, route: &Route) {
        let url = self.server.admin(&format!("/admin/identities/{}/sessions?active=true", owner.identity));
        let answer = self.server.api().get(url).bearer_auth(ADMIN_TOKEN).send().await.expect("an answer");
        let sessions: Value = answer.json().await.expect("JSON");
        let count = sessions.as_array().map_or(0, Vec::len);
        assert_eq!(count, 2, "{} {} touched another person's sessions: {sessions:#}", route.method, route.path);
    }

    async fn call(&self, route: &Route, path: &str, owner: &Owner, caller: Caller) -> u16 {
        let url = match route.listener {
            Listener::Public => self.server.public(path),
            Listener::Admin => self.server.admin(path),
        };
        let method = Method::from_bytes(route.method.as_str().as_bytes()).expect("a method");
        let mut call = Api::default().request(method, url);
        // Pages are asked for as a browser navigates, everything else as a program asks.
        call = if route.surface == "ui" { call } else { call.header("accept", "application/json") };
        let browser = match caller {
            Caller::Nobody => None,
            Caller::Stranger => Some(&self.stranger),
            Caller::Owner => Some(&owner.browser),
            Caller::Admin => {
                call = call.bearer_auth(ADMIN_TOKEN);
                None
            }
        };
        if let Some(body) = self.body(route, owner, browser).await {
            call = match body {
                Body::Json(body) => call.json(&body),
                Body::Form(body) => call.header("content-type", "application/x-www-form-urlencoded").body(body),
            };
        }
        if let Some(cookies) = browser.and_then(|browser| browser.cookies(&self.server.public(""))) {
            call = call.header("cookie", cookies);
        }
        call.send().await.expect("an answer").status().as_u16()
    }

    async fn owner(&self, number: usize) -> Owner {
        let (browser, name) = (self.server.browser(), format!("owner-{number}"));
        let registered = self.register(&browser, &name).await;
        let elsewhere = self.server.browser();
        let flow = self.begin(&elsewhere, "/self-service/login/browser").await;
        let body = json!({
            "method": "password", "password": PASSWORD, "identifier": address(&name), "csrf_token": token(&flow),
        });
        let second = self.submit(&elsewhere, &flow, body).await;
        let logout = self.begin(&browser, LOGOUT).await;
        Owner {
            address: address(&name),
            identity: text(&registered["identity"]["id"]),
            elsewhere: text(&second["session"]["id"]),
            logout_token: text(&logout["logout_token"]),
            browser,
        }
    }

    async fn register(&self, browser: &Browser, name: &str) -> Value {
        let flow = self.begin(browser, "/self-service/registration/browser").await;
        let traits = json!({"email": address(name)});
        let body = json!({"method": "password", "password": PASSWORD, "traits": traits, "csrf_token": token(&flow)});
        self.submit(browser, &flow, body).await
    }

    async fn begin(&self, browser: &Browser, path: &str) -> Value {
        let answer = browser.script(Method::GET, self.server.public(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect("JSON")
    }

    async fn submit(&self, browser: &Browser, flow: &Value, body: Value) -> Value {
        let url = text(&flow["ui"]["action"]);
        let answer = browser.script(Method::POST, url).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.json().await.expect("JSON")
    }

    /// The route's path and query, naming things of the owner.
    async fn target(&self, route: &Route, owner: &Owner) -> String {
        let path = route
            .path
            .replace("{set}", &owner.identity)
            .replace("{kid}", "first")
            .replace("{type}", "totp")
            .replace("{externalID}", "nobody");
        let id = match route.path {
            "/sessions/{id}" | "/admin/sessions/{id}" | "/admin/sessions/{id}/extend" => owner.elsewhere.clone(),
            "/schemas/{id}" => "default".to_owned(),
            "/admin/courier/messages/{id}" | "/inbox/messages/{id}" | "/ui/inbox/{id}" => self.message().await,
            _ => owner.identity.clone(),
        };
        let path = path.replace("{id}", &id);
        match route.path {
            "/self-service/login" => self.flow(&format!("{path}?flow="), owner, SIGN_IN_AGAIN).await,
            "/self-service/login/flows" => self.flow(&format!("{path}?id="), owner, SIGN_IN_AGAIN).await,
            "/self-service/verification" => self.flow(&format!("{path}?flow="), owner, VERIFY).await,
            "/self-service/verification/flows" => self.flow(&format!("{path}?id="), owner, VERIFY).await,
            "/self-service/settings" => self.flow(&format!("{path}?flow="), owner, SETTINGS).await,
            "/self-service/settings/flows" => self.flow(&format!("{path}?id="), owner, SETTINGS).await,
            "/self-service/recovery/flows" => format!("{path}?id={}", owner.identity),
            "/self-service/registration/flows" => format!("{path}?id={}", owner.identity),
            "/self-service/logout" => format!("{path}?token={}", owner.logout_token),
            "/self-service/errors" => format!("{path}?id=stub:500"),
            "/admin/oauth2/tokens" => format!("{path}?client_id={}", owner.identity),
            _ => path,
        }
    }

    /// The path with the id of a flow that the owner's browser began.
    async fn flow(&self, path: &str, owner: &Owner, begin: &str) -> String {
        path.to_owned() + &text(&self.begin(&owner.browser, begin).await["id"])
    }

    /// The newest message.
    async fn message(&self) -> String {
        text(&self.server.inbox().await[0]["id"])
    }

    /// What a caller sends: a submit carries the anti-CSRF token of the caller's own browser.
    async fn body(&self, route: &Route, owner: &Owner, browser: Option<&Browser>) -> Option<Body> {
        let csrf_token = match browser {
            Some(browser) if route.method == "POST" && route.listener == Listener::Public => {
                text(token(&self.begin(browser, VERIFY).await))
            }
            _ => String::new(),
        };
        let traits = json!({"email": format!("changed-{}@example.org", owner.identity)});
        let json = match (route.method.as_str(), route.path) {
            ("POST", "/admin/identities") => json!({"schema_id": "default", "traits": traits}),
            ("PUT", "/admin/identities/{id}") => json!({"schema_id": "default", "state": "active", "traits": traits}),
            ("PATCH", "/admin/identities") => json!({"identities": []}),
            ("POST", "/admin/sessions") => json!({"action": "disable", "sessions": [owner.elsewhere]}),
            ("PATCH", "/admin/identities/{id}") => json!([{"op": "replace", "path": "/state", "value": "inactive"}]),
            ("POST", "/admin/trust/grants/jwt-bearer/issuers") => json!({
                "issuer": owner.identity, "allow_any_subject": true, "scope": [], "expires_at": "2030-01-01T00:00:00Z",
                "jwk": {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            }),
            ("POST", "/admin/clients") => json!({"client_name": owner.address}),
            ("PUT", "/admin/clients/{id}" | "/admin/clients/{id}/lifespans" | "/oauth2/register/{id}") => json!({}),
            ("PATCH", "/admin/clients/{id}") => json!([{"op": "replace", "path": "/client_name", "value": "x"}]),
            ("POST", "/admin/keys/{set}") => json!({"alg": "ES256", "use": "sig", "kid": owner.identity}),
            ("PUT", "/admin/keys/{set}") => json!({"keys": [self.key(owner).await]}),
            ("PUT", "/admin/keys/{set}/{kid}") => self.key(owner).await,
            ("DELETE", "/self-service/logout/api") => json!({"session_token": "ory_st_unknown"}),
            ("POST", "/ui/account/sessions/revoke" | "/ui/account/sessions/revoke-others") => {
                let token = match browser {
                    Some(browser) => text(&self.begin(browser, LOGOUT).await["logout_token"]),
                    None => String::new(),
                };
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.append_pair("csrf_token", &token).append_pair("session", &owner.elsewhere);
                return Some(Body::Form(form.finish()));
            }
            (
                "POST",
                "/oauth2/token"
                | "/oauth2/device/auth"
                | "/oauth2/introspect"
                | "/oauth2/revoke"
                | "/admin/oauth2/introspect",
            ) => {
                return Some(Body::Form(format!("grant_type=client_credentials&token=x&client_id={}", owner.identity)));
            }
            ("PUT", path) if path.starts_with("/admin/oauth2/auth/requests/") => json!({}),
            ("POST", "/oauth2/auth" | "/oauth2/par" | "/oauth2/sessions/logout" | "/oauth2/device/verify") => {
                return Some(Body::Form("x=y".to_owned()));
            }
            ("POST", "/ui/consent" | "/ui/logout") => {
                let form = "consent_challenge=x&logout_challenge=x&decision=allow";
                return Some(Body::Form(form.to_owned()));
            }
            ("POST", "/self-service/login") => {
                json!({"method": "password", "identifier": owner.address, "password": PASSWORD, "csrf_token": csrf_token})
            }
            ("POST", "/admin/recovery/code" | "/admin/recovery/link") => json!({"identity_id": owner.identity}),
            ("POST", "/self-service/settings") => {
                json!({"method": "profile", "traits": {"email": owner.address}, "csrf_token": csrf_token})
            }
            ("POST", "/self-service/verification") => {
                json!({"method": "code", "email": owner.address, "csrf_token": csrf_token})
            }
            ("POST", _) => json!({"csrf_token": csrf_token}),
            _ => return None,
        };
        Some(Body::Json(json))
    }

    /// A key set that is named after the owner's identity.
    async fn make_key_set(&self, owner: &Owner) {
        let url = self.server.admin(&format!("/admin/keys/{}", owner.identity));
        let key = json!({"alg": "ES256", "use": "sig", "kid": "first"});
        let made = self.server.api().post(url).bearer_auth(ADMIN_TOKEN).json(&key).send().await.expect("an answer");
        assert_eq!(made.status(), 201);
    }

    /// A client that is named after the owner's identity.
    async fn make_client(&self, owner: &Owner) {
        let client = json!({"client_id": owner.identity});
        let call = self.server.api().post(self.server.admin("/admin/clients")).bearer_auth(ADMIN_TOKEN).json(&client);
        assert_eq!(call.send().await.expect("an answer").status(), 201);
    }

    async fn key(&self, owner: &Owner) -> Value {
        let url = self.server.admin(&format!("/admin/keys/{}/first", owner.identity));
        let answer = self.server.api().get(url).bearer_auth(ADMIN_TOKEN).send().await.expect("an answer");
        let set: Value = answer.json().await.expect("JSON");
        set["keys"][0].clone()
    }
}

enum Body {
    Json(Value),
    Form(String),
}

fn token(flow: &Value) -> &Value {
    let nodes = flow["ui"]["nodes"].as_array().expect("nodes");
    let node = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token").expect("a token");
    &node["attributes"]["value"]
}

fn address(name: &str) -> String {
    format!("{name}@example.org")
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
