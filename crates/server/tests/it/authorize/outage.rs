//! The database is lost in the middle of what clients ask: the answer is 503, never "invalid", "inactive" or "done", and what was
//! presented is as good as before.

use orrery_testkit::psql::Hold;
use orrery_testkit::{Backend, Call};
use serde_json::json;

use super::world::{CALLBACK, World, query};
use crate::outage::cut;
use crate::stage::send;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

async fn world() -> World {
    let mut world = World::external(Backend::Postgres).await;
    world.client = world.register(json!({"token_endpoint_auth_method": "none"})).await;
    world
}

fn post(world: &World, path: &str, pairs: &[(&str, &str)]) -> Call {
    let pairs = pairs.iter().copied().chain([("client_id", world.client.as_str())]);
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let call = world.server.api().post(world.server.public(path)).body(form);
    call.header("content-type", "application/x-www-form-urlencoded")
}

async fn code(world: &World) -> String {
    let consent = json!({"grant_scope": ["openid", "offline"]});
    let url = world.authorized(&world.server.browser(), &[("scope", "openid offline")], consent).await;
    query(&url, "code").expect("a code")
}

fn redeem(world: &World, code: &str) -> Call {
    let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
    post(world, "/oauth2/token", &[form.as_slice(), &[("code_verifier", VERIFIER)]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_lost_while_a_code_is_redeemed_leaves_the_code_good() {
    let world = world().await;
    let (mut psql, code) = (world.server.psql(), code(&world).await);
    for table in ["authorization_codes", "tokens"] {
        cut(&mut psql, table, Hold::Writes, redeem(&world, &code)).await;
        assert_eq!(psql.rows("tokens"), 0, "{table}");
    }
    send(redeem(&world, &code)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_lost_while_a_token_is_refreshed_or_revoked_changes_nothing() {
    let world = world().await;
    let (mut psql, code) = (world.server.psql(), code(&world).await);
    let tokens = send(redeem(&world, &code)).await.expect(200).body;
    let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    let (access, token) = (text("access_token"), text("refresh_token"));
    let refresh = || post(&world, "/oauth2/token", &[("grant_type", "refresh_token"), ("refresh_token", &token)]);
    let stored = psql.rows("tokens");
    cut(&mut psql, "tokens", Hold::Writes, refresh()).await;
    // Success must not be reported for what was not done (CVE-2020-15223).
    let revoke = || post(&world, "/oauth2/revoke", &[("token", &token)]);
    cut(&mut psql, "tokens", Hold::Writes, revoke()).await;
    assert_eq!(psql.rows("tokens"), stored);
    // An outage is not "inactive".
    let look = || {
        let call = world.server.api().post(world.server.admin("/admin/oauth2/introspect"));
        call.header("content-type", "application/x-www-form-urlencoded").body(format!("token={access}"))
    };
    cut(&mut psql, "tokens", Hold::Everything, look()).await;
    let userinfo = || world.server.api().get(world.server.public("/userinfo")).bearer_auth(&access);
    cut(&mut psql, "tokens", Hold::Everything, userinfo()).await;
    assert_eq!(send(look()).await.expect(200).body["active"], true);
    send(userinfo()).await.expect(200);
    send(refresh()).await.expect(200);
}
