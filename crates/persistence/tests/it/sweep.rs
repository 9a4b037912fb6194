//! Removing what has expired.

use std::time::Duration;

use orrery_core::Timestamp;
use orrery_core::id::FlowErrorId;
use orrery_identity::flow::{Flow, FlowKind};
use orrery_identity::store::CodeSent;
use orrery_persistence::Swept;
use serde_json::json;

use crate::sample::{HOUR, NOW, code, entropy, event, finished, flow, hash, identity, message};
use crate::stage::{Engine, OURS, Stage, on_both_engines, sixteen_times};

on_both_engines!(
    what_has_expired_goes_and_the_rest_stays,
    oauth2_rows_go_when_they_expire,
    batches_are_small,
    many_nodes_share_the_work,
);

async fn fill(stage: &Stage) {
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    crate::login::sign_in(stage, &ada).await;
    let store = stage.database.flows();
    let verification = flow(FlowKind::Verification);
    let code = code(&verification, &ada);
    store.code_send(OURS, &CodeSent { flow: verification, code, message: None, marks: None }).await.expect("sends");
    store.flow_error_create(OURS, FlowErrorId::generate(&entropy()), &json!({}), NOW).await.expect("creates");
    stage.database.attempts().attempt_failed(OURS, &crate::attempt::failed(hash(), NOW)).await.expect("counts");
    stage.database.messages().message_enqueue(OURS, &message("ada@example.org")).await.expect("queues");
    stage.database.events().events_enqueue(OURS, &[event("identity")]).await.expect("queues");
}

async fn sweep(stage: &Stage, now: Timestamp) -> Swept {
    stage.database.sweep(now, 100).await.expect("sweeps")
}

async fn what_has_expired_goes_and_the_rest_stays(stage: Stage) {
    fill(&stage).await;
    assert_eq!(sweep(&stage, NOW).await, Swept::default(), "nothing has expired yet");
    // The login flow is finished; a quarter of an hour later nobody needs it.
    let swept = sweep(&stage, NOW + HOUR / 4).await;
    assert_eq!(swept, Swept { flows: 1, ..Swept::default() });
    let swept = sweep(&stage, NOW + HOUR).await;
    assert_eq!(swept, Swept { codes: 1, attempts: 1, messages: 1, events: 1, ..Swept::default() });
    // An expired flow is still recognised for an hour.
    let swept = sweep(&stage, NOW + HOUR * 2).await;
    assert_eq!(swept, Swept { flows: 1, ..Swept::default() });
    let swept = sweep(&stage, NOW + HOUR * 24).await;
    assert_eq!(swept, Swept { flow_errors: 1, ..Swept::default() });
    let swept = sweep(&stage, NOW + HOUR * 48).await;
    assert_eq!(swept, Swept { sessions: 1, ..Swept::default() });
    let mut beside = stage.beside();
    for table in ["flows", "flow_codes", "flow_errors", "attempt_counters", "messages", "events", "sessions"] {
        assert_eq!(beside.rows(table), 0, "{table}");
    }
    assert_eq!(beside.rows("identities"), 1);
}

/// A row of every table of the OAuth2 server, all expiring at [`NOW`].
fn fill_oauth2(stage: &Stage) {
    let (now, id, project, digest, document, no) = match stage.place.engine {
        Engine::Sqlite => (
            NOW.as_micros().to_string(),
            "randomblob(16)",
            "x'00000000000040008000000000000001'",
            "randomblob(32)",
            "'{}'",
            "0",
        ),
        Engine::Postgres => (
            format!("TIMESTAMPTZ 'epoch' + {} * INTERVAL '1 microsecond'", NOW.as_micros()),
            "gen_random_uuid()",
            "'00000000-0000-4000-8000-000000000001'::uuid",
            "sha256(gen_random_uuid()::text::bytea)",
            "'{}'::jsonb",
            "false",
        ),
    };
    crate::client::fill(stage, "some", &now);
    let mut beside = stage.beside();
    beside.run(&format!("INSERT INTO assertion_ids SELECT {project}, {digest}, {now}"));
    beside.run(&format!(
        "INSERT INTO login_sessions SELECT {project}, {id}, {digest}, 'ada', NULL, {no}, '', {document}, {now}, {now}, \
         {now}, {no}"
    ));
    beside.run(&format!(
        "INSERT INTO trusted_issuers SELECT {project}, {id}, 'https://issuer', '', {no}, {document}, 'kid', {document}, \
         {now}, {now}"
    ));
}

async fn oauth2_rows_go_when_they_expire(stage: Stage) {
    fill_oauth2(&stage);
    assert_eq!(sweep(&stage, NOW - Duration::from_millis(1)).await, Swept::default(), "nothing has expired yet");
    let gone = Swept {
        authorizations: 1,
        pushed_requests: 1,
        device_codes: 1,
        authorization_codes: 1,
        tokens: 2,
        grants: 1,
        assertion_ids: 1,
        login_sessions: 1,
        ..Swept::default()
    };
    assert_eq!(sweep(&stage, NOW).await, gone);
    // An issuer that is no longer trusted is shown for a day.
    assert_eq!(sweep(&stage, NOW + HOUR * 23).await, Swept::default());
    assert_eq!(sweep(&stage, NOW + HOUR * 24).await, Swept { trusted_issuers: 1, ..Swept::default() });
}

async fn batches_are_small(stage: Stage) {
    let store = stage.database.flows();
    for number in 0..5 {
        let expires_at = NOW + Duration::from_secs(number);
        let flow = Flow { expires_at, ..flow(FlowKind::Login) };
        store.flow_create(OURS, &flow).await.expect("creates");
    }
    let later = NOW + HOUR * 5;
    let sizes: Vec<_> = [
        stage.database.sweep(later, 2).await.expect("sweeps"),
        stage.database.sweep(later, 2).await.expect("sweeps"),
        stage.database.sweep(later, 2).await.expect("sweeps"),
    ]
    .map(|swept| (swept.flows, swept.more))
    .into();
    assert_eq!(sizes, [(2, true), (2, true), (1, false)]);
}

async fn many_nodes_share_the_work(stage: Stage) {
    let store = stage.database.flows();
    for _ in 0..50 {
        let flow = flow(FlowKind::Login);
        store.flow_create(OURS, &flow).await.expect("creates");
        store.flow_update(OURS, &finished(&flow), None).await.expect("finishes");
    }
    let removed = sixteen_times(|| {
        let database = stage.database.clone();
        async move {
            let mut removed = 0;
            loop {
                let swept = database.sweep(NOW + HOUR, 3).await.expect("sweeps");
                removed += swept.total();
                if swept.total() == 0 {
                    return removed;
                }
            }
        }
    })
    .await;
    assert_eq!(removed.iter().sum::<u64>(), 50, "each row is removed once");
    assert_eq!(stage.beside().rows("flows"), 0);
}
