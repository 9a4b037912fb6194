use orrery_core::EntropyExt;
use orrery_core::entropy::SeededEntropy;
use proptest::prelude::*;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn start() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

fn set() -> ManagedSet {
    ManagedSet { name: "set".to_owned(), algorithm: SigningAlgorithm::RS256 }
}

fn rotation() -> RotationConfig {
    RotationConfig { period: Some(DAY * 90), publish_ahead: DAY, keep_after: DAY * 30 }
}

fn key(seed: u64, algorithm: SigningAlgorithm, origin: KeyOrigin, at: Timestamp) -> StoredKey {
    StoredKey {
        id: KeyId::from_uuid(SeededEntropy::new(seed).uuid()),
        set: "set".to_owned(),
        kid: seed.to_string(),
        algorithm: algorithm.name().to_owned(),
        usage: KeyUse::Signature,
        origin,
        public_jwk: serde_json::Value::Null,
        sealed_private: Some(vec![1]),
        succession: None,
        created_at: at,
        activates_at: at,
        retires_at: None,
        removes_at: None,
        held_until: None,
    }
}

fn scheduled(seed: u64, at: Timestamp) -> StoredKey {
    key(seed, SigningAlgorithm::RS256, KeyOrigin::Scheduled, at)
}

/// Does to rows what the store would do.
fn apply(keys: &mut Vec<StoredKey>, steps: Vec<Step>, now: Timestamp) {
    for step in steps {
        match step {
            Step::Create(successor) => {
                if keys.iter().any(|key| key.succession.as_ref() == Some(&successor.succession)) {
                    continue;
                }
                let seed = u64::try_from(now.as_micros()).expect("positive") + keys.len() as u64;
                let mut made = key(seed, successor.algorithm, successor.origin, now);
                made.activates_at = successor.activates_at;
                made.succession = Some(successor.succession);
                keys.push(made);
            }
            Step::Retire { key, retires_at, removes_at } => {
                for row in keys.iter_mut().filter(|row| row.id == key) {
                    row.retires_at.get_or_insert(retires_at);
                    row.removes_at.get_or_insert(removes_at);
                }
            }
        }
    }
    keys.retain(|key| !has_ended(key, now));
}

#[test]
fn an_empty_set_gets_a_key_that_signs_at_once() {
    let steps = plan(&[], &set(), &rotation(), start());
    assert_eq!(steps, [Step::Create(first(SigningAlgorithm::RS256, start()))]);
}

#[test]
fn a_successor_is_published_a_day_before_it_signs_and_the_old_key_stays() {
    let mut keys = vec![scheduled(1, start())];
    let due = start() + DAY * 89;
    assert_eq!(plan(&keys, &set(), &rotation(), due - Duration::from_secs(1)), []);
    let steps = plan(&keys, &set(), &rotation(), due);
    apply(&mut keys, steps, due);
    assert_eq!(keys.len(), 2);
    let old = keys[0].id;
    let signs = |keys: &[StoredKey], now| signing_key(keys, SigningAlgorithm::RS256, now).expect("a key").id;
    assert_eq!(signs(&keys, due), old, "not before everybody could see it");
    assert_eq!(signs(&keys, due + DAY - Duration::from_secs(1)), old);
    assert_eq!(signs(&keys, due + DAY), keys[1].id);
    // The next round writes down the end of the old key.
    let steps = plan(&keys, &set(), &rotation(), due);
    let (retires_at, removes_at) = (due + DAY, due + DAY * 31);
    assert_eq!(steps, [Step::Retire { key: old, retires_at, removes_at }]);
    apply(&mut keys, steps, due);
    assert!(!has_ended(&keys[0], removes_at - Duration::from_secs(1)));
    assert!(has_ended(&keys[0], removes_at));
    assert_eq!(plan(&keys, &set(), &rotation(), due), [], "a second round finds nothing to do");
}

#[test]
fn a_key_is_kept_until_the_last_token_it_signed_has_expired() {
    let mut old = scheduled(1, start());
    old.removes_at = Some(start() + DAY);
    old.held_until = Some(start() + DAY * 365);
    assert!(!has_ended(&old, start() + DAY * 364));
    assert!(has_ended(&old, start() + DAY * 365));
}

#[test]
fn nodes_that_see_the_same_rows_fill_the_same_gap() {
    let keys = [scheduled(1, start())];
    let succession = |now| match plan(&keys, &set(), &rotation(), now).first() {
        Some(Step::Create(successor)) => successor.succession.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(succession(start() + DAY * 89), succession(start() + DAY * 200));
}

#[test]
fn what_an_administrator_imported_is_left_alone() {
    let keys = [key(1, SigningAlgorithm::RS256, KeyOrigin::Imported, start())];
    assert_eq!(plan(&keys, &set(), &rotation(), start() + DAY * 1000), []);
    let keys = [scheduled(2, start()), key(1, SigningAlgorithm::RS256, KeyOrigin::Imported, start() + DAY)];
    let steps = plan(&keys, &set(), &rotation(), start() + DAY * 1000);
    assert!(matches!(&steps[..], [Step::Retire { key, .. }] if *key == keys[0].id), "{steps:?}");
}

#[test]
fn a_key_asked_for_by_an_administrator_signs_at_once_and_chooses_the_algorithm() {
    let now = start() + DAY;
    let keys = [scheduled(1, start()), key(2, SigningAlgorithm::ES256, KeyOrigin::Generated, now)];
    assert_eq!(default_algorithm(&keys, Some(&set())), Some(SigningAlgorithm::ES256));
    assert_eq!(signing_key(&keys, SigningAlgorithm::ES256, now).map(|key| key.id), Some(keys[1].id));
    // Its successor keeps the choice.
    let steps = plan(&keys, &set(), &rotation(), now + DAY * 89);
    let chosen = steps.iter().find_map(|step| match step {
        Step::Create(successor) if successor.algorithm == SigningAlgorithm::ES256 => Some(successor.origin),
        Step::Create(_) | Step::Retire { .. } => None,
    });
    assert_eq!(chosen, Some(KeyOrigin::Generated));
}

#[test]
fn an_unmanaged_set_signs_with_its_newest_key() {
    let keys = [
        key(1, SigningAlgorithm::ES256, KeyOrigin::Imported, start()),
        key(2, SigningAlgorithm::EdDSA, KeyOrigin::Imported, start() + DAY),
    ];
    assert_eq!(default_algorithm(&keys, None), Some(SigningAlgorithm::EdDSA));
    assert_eq!(default_algorithm(&[] as &[StoredKey], None), None);
}

#[test]
fn public_and_encryption_keys_never_sign() {
    let mut public = scheduled(1, start());
    public.sealed_private = None;
    let mut encryption = scheduled(2, start());
    encryption.usage = KeyUse::Encryption;
    let keys = [public, encryption];
    assert!(signing_key(&keys, SigningAlgorithm::RS256, start() + DAY).is_none());
    assert_eq!(default_algorithm(&keys, None), None);
    assert!(matches!(plan(&keys, &set(), &rotation(), start())[..], [Step::Create(_)]));
}

#[test]
fn a_key_whose_successor_was_deleted_gets_another() {
    let mut keys = vec![scheduled(1, start())];
    keys[0].retires_at = Some(start() + DAY);
    keys[0].removes_at = Some(start() + DAY * 31);
    assert_eq!(signing_key(&keys, SigningAlgorithm::RS256, start() + DAY * 2).map(|key| key.id), Some(keys[0].id));
    assert!(matches!(plan(&keys, &set(), &rotation(), start() + DAY * 2)[..], [Step::Create(_)]));
}

#[test]
fn a_clock_that_is_behind_still_finds_a_key() {
    let keys = [scheduled(1, start() + Duration::from_secs(2))];
    assert!(signing_key(&keys, SigningAlgorithm::RS256, start()).is_some());
}

#[test]
fn without_a_period_nothing_rotates() {
    let keys = [scheduled(1, start())];
    let never = RotationConfig { period: None, ..rotation() };
    assert_eq!(plan(&keys, &set(), &never, start() + DAY * 10_000), []);
}

proptest! {
    /// Rounds at arbitrary moments over years: there is always a key that signs, what signs has been visible long
    /// enough, what signed stays long enough, and the set does not grow.
    #[test]
    fn any_schedule_of_rounds_keeps_the_promises(hours in proptest::collection::vec(1_u32..24 * 40, 1..60)) {
        let (set, rotation) = (set(), rotation());
        let mut keys = Vec::new();
        let mut now = start();
        let steps = plan(&keys, &set, &rotation, now);
        apply(&mut keys, steps, now);
        let origin = keys[0].id;
        for wait in hours {
            let before = signing_key(&keys, SigningAlgorithm::RS256, now).expect("a key").clone();
            now = now + Duration::from_secs(3600) * wait;
            for _ in 0..2 {
                let steps = plan(&keys, &set, &rotation, now);
                apply(&mut keys, steps, now);
            }
            let signer = signing_key(&keys, SigningAlgorithm::RS256, now).expect("a key");
            prop_assert!(signer.id == origin || now.since(signer.created_at) >= rotation.publish_ahead);
            if now.since(before.activates_at) <= rotation.period.expect("set") && wait < 24 * 30 {
                prop_assert!(keys.iter().any(|key| key.id == before.id), "what signed an hour ago still verifies");
            }
            prop_assert!(keys.len() <= 4, "{} keys", keys.len());
        }
    }
}
