//! The database is lost in the middle of what clients ask: the answer is 503, never "invalid", "inactive" or "done", and what was
//! presented is as good as before.

use orrery_testkit::Backend;
use orrery_testkit::psql::Hold;
use serde_json::json;

use super::world::World;
use crate::outage::cut;
use crate::stage::send;

async fn world() -> World {
    let mut world = World::external(Backend::Postgres).await;
    world.client = world.register(json!({"token_endpoint_auth_method": "none"})).await;
    world
}

async fn code(world: &World) -> String {
    world.code(&world.server.browser(), "openid offline", json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_lost_while_a_code_is_redeemed_leaves_the_code_good() {
    let world = world().await;
    let (mut psql, code) = (world.server.psql(), code(&world).await);
    for table in ["authorization_codes", "tokens"] {
        cut(&mut psql, table, Hold::Writes, world.redeem(&code, &[])).await;
        assert_eq!(psql.rows("tokens"), 0, "{table}");
    }
    send(world.redeem(&code, &[])).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_lost_while_a_token_is_refreshed_or_revoked_changes_nothing() {
    let world = world().await;
    let (mut psql, code) = (world.server.psql(), code(&world).await);
    let tokens = send(world.redeem(&code, &[])).await.expect(200).body;
    let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    let (access, token) = (text("access_token"), text("refresh_token"));
    let client = ("client_id", world.client.as_str());
    let pairs = [client, ("grant_type", "refresh_token"), ("refresh_token", &token)];
    let refresh = || world.form("/oauth2/token", &pairs);
    let stored = psql.rows("tokens");
    cut(&mut psql, "tokens", Hold::Writes, refresh()).await;
    // Success must not be reported for what was not done (CVE-2020-15223).
    let revoke = || world.form("/oauth2/revoke", &[client, ("token", &token)]);
    cut(&mut psql, "tokens", Hold::Writes, revoke()).await;
    assert_eq!(psql.rows("tokens"), stored);
    // An outage is not "inactive".
    let look = || {
        let call = world.server.api().post(world.server.admin("/admin/oauth2/introspect"));
        call.form(&[("token", &access)])
    };
    cut(&mut psql, "tokens", Hold::Everything, look()).await;
    let userinfo = || world.server.api().get(world.server.public("/userinfo")).bearer_auth(&access);
    cut(&mut psql, "tokens", Hold::Everything, userinfo()).await;
    assert_eq!(send(look()).await.expect(200).body["active"], true);
    send(userinfo()).await.expect(200);
    send(refresh()).await.expect(200);
}
