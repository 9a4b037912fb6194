//! Administering what people consented to, and their sign-ins.

use orrery_testkit::Backend;
use reqwest::Method;
use serde_json::{Value, json};

use super::world::{World, body};

async fn list(world: &World, query: &str) -> (u16, Option<String>, Value) {
    let url = world.server.admin(&format!("/admin/oauth2/auth/sessions/consent?{query}"));
    let answer = world.server.api().get(url).send().await.expect("an answer");
    let link = answer.headers().get("link").map(|link| link.to_str().expect("text").to_owned());
    (answer.status().as_u16(), link, body(answer).await)
}

async fn delete(world: &World, path: &str) -> u16 {
    let url = world.server.admin(&format!("/admin/oauth2/auth/sessions/{path}"));
    world.server.api().request(Method::DELETE, url).send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn consents_are_listed_with_everything_that_was_said() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    assert_eq!(list(&world, "subject=ada").await, (200, None, json!([])));
    assert_eq!(list(&world, "").await.0, 400);
    assert_eq!(list(&world, "subject=ada&login_session_id=x").await.0, 400);
    assert_eq!(list(&world, "subject=ada&page_size=x").await.0, 400);
    let session = json!({"id_token": {"email": "ada@example.org"}, "access_token": {"role": "admin"}});
    let consent = json!({"grant_scope": ["openid"], "session": session, "remember": true, "remember_for": 3600});
    world.authorized(&browser, &[], consent).await;
    world.authorized(&browser, &[], json!({"grant_scope": ["openid", "photos.read"]})).await;

    let (status, link, first) = list(&world, "subject=ada&page_size=1").await;
    assert_eq!((status, first.as_array().map(Vec::len)), (200, Some(1)));
    let link = link.expect("a link");
    assert!(link.starts_with("</admin/oauth2/auth/sessions/consent?") && link.contains("rel=\"next\""), "{link}");
    let (_, _, all) = list(&world, "subject=ada").await;
    let remembered = all.as_array().expect("a list").iter().find(|one| one["remember"] == true).expect("one");
    assert_eq!(remembered["session"], session);
    assert_eq!((&remembered["remember_for"], &remembered["grant_scope"]), (&json!(3600), &json!(["openid"])));
    let request = &remembered["consent_request"];
    assert_eq!((&request["subject"], &request["client"]["client_id"]), (&json!("ada"), &json!(world.client)));
    assert!(remembered.get("context").is_none() && request.get("context").is_none(), "left out, not null");
    let session = request["login_session_id"].as_str().expect("a session");
    // Both came through the same sign-in.
    let (_, _, narrowed) = list(&world, &format!("subject=ada&login_session_id={session}")).await;
    assert_eq!(narrowed.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn consents_are_revoked_in_three_ways_and_no_other() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    for bad in [
        "",
        "?subject=ada",
        "?client=x",
        "?all=true",
        "?subject=ada&all=maybe",
        "?subject=ada&client=x&all=true",
        "?consent_request_id=x&subject=ada",
    ] {
        assert_eq!(delete(&world, &format!("consent{bad}")).await, 400, "{bad}");
    }
    for nothing in ["?consent_request_id=x", "?subject=nobody&all=true", "?subject=ada&client=x"] {
        assert_eq!(delete(&world, &format!("consent{nothing}")).await, 204, "{nothing}");
    }
    let consent = json!({"grant_scope": ["openid", "photos.read"], "remember": true});
    for way in ["consent_request_id", "client", "all"] {
        world.authorized(&browser, &[("prompt", "consent")], consent.clone()).await;
        let (_, _, listed) = list(&world, "subject=ada").await;
        let id = listed[0]["consent_request_id"].as_str().expect("an id").to_owned();
        let query = match way {
            "consent_request_id" => format!("consent_request_id={id}"),
            "client" => format!("subject=ada&client={}", world.client),
            _ => "subject=ada&all=true".to_owned(),
        };
        assert_eq!(delete(&world, &format!("consent?{query}")).await, 204, "{query}");
        assert_eq!(list(&world, "subject=ada").await.2, json!([]), "{query}");
    }
    // Whoever has taken it back is asked again.
    let challenge = world.signed_in(&browser, &[], json!({"subject": "ada"})).await;
    assert_eq!(body(world.read("consent", &challenge).await).await["skip"], false);
}

#[tokio::test]
async fn sign_ins_end_by_subject_and_by_session() {
    let world = World::external(Backend::Sqlite).await;
    let skipped = async |browser: &orrery_testkit::Browser| {
        let challenge = world.begin(browser, &[]).await;
        let login = body(world.read("login", &challenge).await).await;
        (login["skip"] == true, login["session_id"].as_str().expect("a session").to_owned())
    };
    let (one, other) = (world.server.browser(), world.server.browser());
    for browser in [&one, &other] {
        world.authorized(browser, &[], json!({"grant_scope": ["openid"]})).await;
        assert!(skipped(browser).await.0);
    }
    assert_eq!(delete(&world, "login").await, 400);
    assert_eq!(delete(&world, "login?sid=nonsense").await, 204);
    let (_, sid) = skipped(&one).await;
    assert_eq!(delete(&world, &format!("login?sid={sid}")).await, 204);
    assert!(!skipped(&one).await.0 && skipped(&other).await.0);
    assert_eq!(delete(&world, "login?subject=ada").await, 204);
    assert!(!skipped(&other).await.0);
}
