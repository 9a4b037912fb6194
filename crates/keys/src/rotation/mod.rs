//! Which key signs, and when the next one comes: decisions from rows and a moment, without effects.

use std::time::Duration;

use orrery_core::Timestamp;
use orrery_core::id::KeyId;

use crate::algorithm::SigningAlgorithm;
use crate::config::{ManagedSet, RotationConfig};
use crate::store::{KeyOrigin, KeyUse, StoredKey};

/// A key that a set should get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Successor {
    pub(crate) algorithm: SigningAlgorithm,
    pub(crate) origin: KeyOrigin,
    pub(crate) activates_at: Timestamp,
    /// Names the gap that the key fills, the same on every node that sees it.
    pub(crate) succession: String,
}

/// One thing to do to a managed set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Make and publish a key.
    Create(Successor),
    /// Write down the end of a key that has a successor.
    Retire { key: KeyId, retires_at: Timestamp, removes_at: Timestamp },
}

/// Whether nobody needs the key any more.
pub(crate) fn has_ended(key: &StoredKey, now: Timestamp) -> bool {
    key.removes_at.is_some_and(|end| end <= now) && key.held_until.is_none_or(|end| end <= now)
}

/// The key that signs with `algorithm` at `now`: of those whose time has come the latest.
///
/// When none has begun (another node's clock is ahead), the one that begins first.
pub(crate) fn signing_key<K: AsRef<StoredKey>>(keys: &[K], algorithm: SigningAlgorithm, now: Timestamp) -> Option<&K> {
    let candidates = || keys.iter().filter(|key| can_sign(key.as_ref(), algorithm) && !has_ended(key.as_ref(), now));
    candidates()
        .filter(|key| key.as_ref().activates_at <= now)
        .max_by_key(|key| age(key.as_ref()))
        .or_else(|| candidates().min_by_key(|key| age(key.as_ref())))
}

/// The algorithm that a set signs with when the caller names none: that of the newest key an administrator brought,
/// else the configured one, else that of the newest key.
pub(crate) fn default_algorithm<K: AsRef<StoredKey>>(
    keys: &[K],
    managed: Option<&ManagedSet>,
) -> Option<SigningAlgorithm> {
    let newest = |chosen: fn(&StoredKey) -> bool| {
        let keys = keys.iter().map(AsRef::as_ref).filter(|key| chosen(key));
        let keys = keys.filter_map(|key| signing_algorithm(key).map(|algorithm| (age(key), algorithm)));
        keys.max_by_key(|(age, _)| *age).map(|(_, algorithm)| algorithm)
    };
    newest(|key| key.origin != KeyOrigin::Scheduled).or(managed.map(|set| set.algorithm)).or_else(|| newest(|_| true))
}

/// What has to be done to a managed set at `now`. Doing it twice, or on many nodes at once, does no harm.
pub(crate) fn plan(keys: &[StoredKey], set: &ManagedSet, rotation: &RotationConfig, now: Timestamp) -> Vec<Step> {
    let mut algorithms: Vec<_> = default_algorithm(keys, Some(set)).into_iter().collect();
    for algorithm in keys.iter().filter_map(signing_algorithm) {
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }
    algorithms.into_iter().flat_map(|algorithm| plan_algorithm(keys, algorithm, rotation, now)).collect()
}

/// The key to make when a set has none for `algorithm`. It signs at once: there is nothing to overlap with.
pub(crate) fn first(algorithm: SigningAlgorithm, now: Timestamp) -> Successor {
    Successor { algorithm, origin: KeyOrigin::Scheduled, activates_at: now, succession: format!("{algorithm}/first") }
}

fn plan_algorithm(
    keys: &[StoredKey],
    algorithm: SigningAlgorithm,
    rotation: &RotationConfig,
    now: Timestamp,
) -> Vec<Step> {
    let mut line: Vec<_> = keys.iter().filter(|key| can_sign(key, algorithm)).collect();
    line.sort_by_key(|key| age(key));
    let Some(newest) = line.last() else { return vec![Step::Create(first(algorithm, now))] };
    let mut steps = Vec::new();
    if let Some(activates_at) = next_activation(newest, rotation, now) {
        steps.push(Step::Create(Successor {
            algorithm,
            origin: newest.origin,
            activates_at,
            succession: format!("{algorithm}/{}", newest.id),
        }));
    }
    for (key, successor) in line.iter().zip(line.iter().skip(1)) {
        if key.origin != KeyOrigin::Imported && key.removes_at.is_none() {
            let retires_at = successor.activates_at;
            steps.push(Step::Retire { key: key.id, retires_at, removes_at: retires_at + rotation.keep_after });
        }
    }
    steps
}

/// When the successor of the newest key of a line begins to sign, if it should be made now.
fn next_activation(newest: &StoredKey, rotation: &RotationConfig, now: Timestamp) -> Option<Timestamp> {
    let visible = now + rotation.publish_ahead;
    match newest.origin {
        // What an administrator supplied is theirs to replace.
        KeyOrigin::Imported => None,
        // Its successor was deleted: it is on its way out and nobody would sign after it.
        KeyOrigin::Scheduled | KeyOrigin::Generated if newest.removes_at.is_some() => Some(visible),
        KeyOrigin::Scheduled | KeyOrigin::Generated => {
            let due = newest.activates_at + rotation.period.unwrap_or(Duration::MAX);
            (due <= visible).then_some(visible)
        }
    }
}

/// Order within a line of keys; the ids make it the same on every node.
fn age(key: &StoredKey) -> (Timestamp, Timestamp, KeyId) {
    (key.activates_at, key.created_at, key.id)
}

fn can_sign(key: &StoredKey, algorithm: SigningAlgorithm) -> bool {
    signing_algorithm(key) == Some(algorithm)
}

/// The algorithm of a key that has a private half and is meant for signing.
fn signing_algorithm(key: &StoredKey) -> Option<SigningAlgorithm> {
    match key.usage {
        KeyUse::Signature if key.sealed_private.is_some() => SigningAlgorithm::parse(&key.algorithm),
        KeyUse::Signature | KeyUse::Encryption => None,
    }
}

#[cfg(test)]
mod tests;
