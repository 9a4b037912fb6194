//! Devices that wait for approval.

use std::time::Duration;

use orrery_core::error::Conflict;
use orrery_core::id::LoginSessionId;
use orrery_core::{StoreError, Timestamp, TokenHash};
use orrery_oauth2::client::Client;
use orrery_oauth2::device::{DeviceCode, DeviceState};
use orrery_oauth2::grant::{Grant, GrantKind};
use orrery_oauth2::store::{DeviceRedemption, Granted, Polled, Recognised, Redeemed, Stepped, TypedCode};

use crate::oauth2_sample::{grant, login_session, registered, signed_in};
use crate::sample::{HOUR, NOW, hash};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    a_device_waits_its_turn_until_somebody_approves_it,
    one_of_sixteen_decides,
    one_of_sixteen_takes_the_tokens,
    a_user_code_is_taken_once,
    a_network_that_guesses_has_to_wait,
    sixteen_guesses_at_once_are_counted_one_by_one,
    nothing_happens_after_the_end,
    another_project_sees_and_changes_nothing,
);

fn code(client: &Client) -> DeviceCode {
    DeviceCode {
        hash: hash(),
        user_code: hash(),
        client: client.id.clone(),
        state: DeviceState::Waiting,
        scope: vec!["openid".to_owned(), "offline".to_owned()],
        audience: vec!["https://api.example.org".to_owned()],
        grant: None,
        poll_after: NOW,
        poll_interval: 5,
        issued_at: NOW,
        expires_at: NOW + HOUR,
    }
}

fn approval(client: &Client, session: LoginSessionId) -> Granted {
    let grant = Grant { kind: GrantKind::Device, ..grant(client, session) };
    Granted { grant, code: None, tokens: Vec::new(), supersedes: None }
}

fn typed(code: TokenHash, network: TokenHash, now: Timestamp) -> TypedCode {
    TypedCode { hashes: vec![hash(), code], network, misses: 3, wait: Duration::from_secs(60), now }
}

async fn waiting(stage: &Stage) -> (Client, DeviceCode) {
    let client = registered(stage, "tv").await;
    let code = code(&client);
    stage.database.devices().device_create(OURS, &code).await.expect("stores");
    (client, code)
}

async fn poll(stage: &Stage, code: &DeviceCode, now: Timestamp) -> Polled {
    let hashes = [hash(), code.hash];
    stage.database.devices().device_poll(OURS, &hashes, &code.client, now).await.expect("answers").0
}

async fn a_device_waits_its_turn_until_somebody_approves_it(stage: Stage) {
    let (client, code) = waiting(&stage).await;
    let after = |seconds| NOW + Duration::from_secs(seconds);
    assert_eq!(poll(&stage, &code, NOW).await, Polled::Waiting);
    assert_eq!(poll(&stage, &code, after(4)).await, Polled::TooSoon);
    assert_eq!(poll(&stage, &code, after(13)).await, Polled::TooSoon, "ten seconds now, and five more for that");
    assert_eq!(poll(&stage, &code, after(28)).await, Polled::Waiting);
    let store = stage.database.devices();
    let found = store.device_by_user_code(OURS, &[code.user_code], NOW).await.expect("reads").expect("is there");
    assert_eq!((found.0.scope, found.1), (code.scope.clone(), client.clone()));
    let granted = approval(&client, signed_in(&stage).await.id);
    assert_eq!(store.device_decide(OURS, code.hash, Some(&granted), NOW).await.expect("decides"), Stepped::Done);
    assert_eq!(poll(&stage, &code, after(28)).await, Polled::Approved(Box::new(granted.grant)));
    assert!(store.device_by_user_code(OURS, &[code.user_code], NOW).await.expect("reads").is_none());
    let stranger = registered(&stage, "other").await;
    let theirs = store.device_poll(OURS, &[code.hash], &stranger.id, NOW).await.expect("answers");
    assert_eq!(theirs.0, Polled::Unknown, "it runs another client");
}

async fn one_of_sixteen_decides(stage: Stage) {
    let (client, code) = waiting(&stage).await;
    let session = signed_in(&stage).await.id;
    let decided = sixteen_times(|| {
        let (store, granted, code) = (stage.database.devices(), approval(&client, session), code.hash);
        async move { store.device_decide(OURS, code, Some(&granted), NOW).await.expect("answers") }
    })
    .await;
    assert_eq!(decided.iter().filter(|decided| **decided == Stepped::Done).count(), 1);
    assert_eq!(stage.place.beside().rows("grants"), 1);
    let refused = stage.database.devices().device_decide(OURS, code.hash, None, NOW).await.expect("answers");
    assert_eq!(refused, Stepped::TooLate);
}

async fn one_of_sixteen_takes_the_tokens(stage: Stage) {
    let (client, code) = waiting(&stage).await;
    let granted = approval(&client, signed_in(&stage).await.id);
    let store = stage.database.devices();
    assert_eq!(store.device_decide(OURS, code.hash, Some(&granted), NOW).await.expect("decides"), Stepped::Done);
    let redemption = DeviceRedemption {
        code: code.hash,
        client: client.id.clone(),
        grant: granted.grant.id,
        tokens: Vec::new(),
        grant_until: NOW + HOUR * 2,
        now: NOW,
    };
    let taken = sixteen_times(|| {
        let (store, redemption) = (store.clone(), redemption.clone());
        async move { store.device_redeem(OURS, &redemption).await.expect("answers") }
    })
    .await;
    assert_eq!(taken.iter().filter(|taken| **taken == Redeemed::Done).count(), 1);
    assert_eq!(poll(&stage, &code, NOW).await, Polled::Unknown);
}

async fn a_user_code_is_taken_once(stage: Stage) {
    let (client, first) = waiting(&stage).await;
    let second = DeviceCode { user_code: first.user_code, ..code(&client) };
    let outcome = stage.database.devices().device_create(OURS, &second).await;
    assert!(matches!(outcome, Err(StoreError::Conflict(Conflict::Other))));
}

async fn a_network_that_guesses_has_to_wait(stage: Stage) {
    let (_, code) = waiting(&stage).await;
    let (store, guesser, other) = (stage.database.devices(), hash(), hash());
    let recognise = |code, network, now| {
        let store = store.clone();
        async move { store.device_recognise(OURS, &typed(code, network, now)).await.expect("answers") }
    };
    let device = Recognised::Device(Box::new(code.clone()));
    assert_eq!(recognise(code.user_code, guesser, NOW).await, device);
    assert_eq!(stage.place.beside().rows("attempt_counters"), 0, "a right code counts for nothing");
    for _ in 0..3 {
        assert_eq!(recognise(hash(), guesser, NOW).await, Recognised::Unknown);
    }
    let until = NOW + Duration::from_secs(60);
    assert_eq!(recognise(hash(), guesser, NOW).await, Recognised::TooManyMisses { until });
    assert_eq!(
        recognise(code.user_code, guesser, NOW).await,
        Recognised::TooManyMisses { until },
        "not even a right one"
    );
    assert_eq!(recognise(code.user_code, other, NOW).await, device, "another network");
    assert_eq!(recognise(code.user_code, guesser, until).await, device);
    assert_eq!(recognise(code.user_code, other, NOW + HOUR).await, Recognised::Unknown, "it has expired");
}

async fn sixteen_guesses_at_once_are_counted_one_by_one(stage: Stage) {
    let network = hash();
    let guesses = sixteen_times(|| {
        let store = stage.database.devices();
        async move { store.device_recognise(OURS, &typed(hash(), network, NOW)).await.expect("answers") }
    })
    .await;
    assert_eq!(guesses.iter().filter(|guess| **guess == Recognised::Unknown).count(), 3);
}

async fn nothing_happens_after_the_end(stage: Stage) {
    let (client, code) = waiting(&stage).await;
    let (store, late) = (stage.database.devices(), NOW + HOUR);
    assert!(store.device_by_user_code(OURS, &[code.user_code], late).await.expect("reads").is_none());
    let session = signed_in(&stage).await.id;
    let decide = async |granted: Option<&Granted>, now| {
        store.device_decide(OURS, code.hash, granted, now).await.expect("answers")
    };
    assert_eq!(decide(Some(&approval(&client, session)), late).await, Stepped::TooLate);
    assert_eq!(poll(&stage, &code, late).await, Polled::Expired);
    // Nobody approves anything who has signed out meanwhile; refusing is open to them.
    assert_eq!(decide(Some(&approval(&client, login_session().id)), NOW).await, Stepped::SignedOut);
    assert_eq!(poll(&stage, &code, NOW).await, Polled::Waiting);
    assert_eq!(decide(None, NOW).await, Stepped::Done);
    assert_eq!(poll(&stage, &code, NOW).await, Polled::Denied);
    assert_eq!(stage.place.beside().rows("grants"), 0);
}

async fn another_project_sees_and_changes_nothing(stage: Stage) {
    let (client, code) = waiting(&stage).await;
    let store = stage.database.devices();
    let polled = store.device_poll(THEIRS, &[code.hash], &code.client, NOW).await.expect("answers");
    assert_eq!(polled, (Polled::Unknown, None));
    assert!(store.device_by_user_code(THEIRS, &[code.user_code], NOW).await.expect("reads").is_none());
    let recognised = store.device_recognise(THEIRS, &typed(code.user_code, hash(), NOW)).await.expect("answers");
    assert_eq!(recognised, Recognised::Unknown);
    let granted = approval(&client, signed_in(&stage).await.id);
    let decided = store.device_decide(THEIRS, code.hash, Some(&granted), NOW).await.expect("answers");
    assert_eq!(decided, Stepped::SignedOut);
    let redemption = DeviceRedemption {
        code: code.hash,
        client: client.id.clone(),
        grant: granted.grant.id,
        tokens: Vec::new(),
        grant_until: NOW,
        now: NOW,
    };
    assert_eq!(store.device_redeem(THEIRS, &redemption).await.expect("answers"), Redeemed::Gone);
    assert_eq!(poll(&stage, &code, NOW).await, Polled::Waiting);
}
