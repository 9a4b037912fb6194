//! The attempt counter of every door, and a gate in front of it for guesses that arrive at the same time.
//!
//! A counter in storage alone lets two hundred parallel guesses through: all read it before the first one is counted.
//! So within one process a guess passes only if it would still be allowed should every guess ahead of it fail.
//! Across processes the counter bounds what remains.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orrery_core::secret::Purpose;
use orrery_core::{Keyring, ProjectId, Timestamp, TokenHash};
use tokio::sync::Notify;

use crate::config::LimitsConfig;
use crate::store::{Attempts, FailedAttempt};

/// Guesses that may wait in front of one door; more are turned away at once.
const MAX_WAITING: u32 = 256;
/// When somebody who was turned away may try again.
const TURNED_AWAY: Duration = Duration::from_secs(2);

/// What leads into one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Door {
    project: ProjectId,
    counter: TokenHash,
}

impl Door {
    /// Signing in with this normalised identifier, whatever the method and whether or not anybody has it.
    #[must_use]
    pub fn identifier(project: ProjectId, identifier: &str, keyring: &Keyring) -> Self {
        Self::named(project, &format!("identifier:{identifier}"), keyring)
    }

    /// Entering codes that were sent to this normalised address.
    #[must_use]
    pub fn code(project: ProjectId, address: &str, keyring: &Keyring) -> Self {
        Self::named(project, &format!("code:{address}"), keyring)
    }

    /// Having codes sent to this normalised address: not a way in, but a nuisance for its owner.
    #[must_use]
    pub fn sending(project: ProjectId, address: &str, keyring: &Keyring) -> Self {
        Self::named(project, &format!("sending:{address}"), keyring)
    }

    fn named(project: ProjectId, name: &str, keyring: &Keyring) -> Self {
        Self { project, counter: keyring.hash(Purpose::AttemptCounter, name) }
    }

    /// The name of its counter in storage.
    #[must_use]
    pub const fn counter(&self) -> TokenHash {
        self.counter
    }

    /// One failure, under the policy that it is counted under.
    #[must_use]
    pub const fn failure(&self, limits: &LimitsConfig, now: Timestamp) -> FailedAttempt {
        FailedAttempt { counter: self.counter, at: now, window: limits.window, limit: limit(limits), lock: limits.lock }
    }
}

/// The failure that locks a door; zero in the configuration means none does.
const fn limit(limits: &LimitsConfig) -> u32 {
    if limits.attempts == 0 { u32::MAX } else { limits.attempts }
}

/// How the door stands according to its counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// So many more failures lock it.
    Open(u32),
    /// Locked until then.
    Locked(Timestamp),
}

fn standing(attempts: Option<Attempts>, limits: &LimitsConfig, now: Timestamp) -> Standing {
    let Some(Attempts { failures, since, locked_until }) = attempts else { return Standing::Open(limit(limits)) };
    match locked_until {
        Some(until) if until > now => Standing::Locked(until),
        // The lock, or the window, is over: counting starts again.
        Some(_) => Standing::Open(limit(limits)),
        None if since + limits.window <= now => Standing::Open(limit(limits)),
        None => Standing::Open(limit(limits).saturating_sub(failures).max(1)),
    }
}

/// The gates in front of the doors that are being tried just now.
#[derive(Debug, Default)]
pub struct Doors {
    gates: Mutex<HashMap<Door, Arc<Gate>>>,
}

#[derive(Debug, Default)]
struct Gate {
    crowd: Mutex<Crowd>,
    left: Notify,
}

#[derive(Debug, Default)]
struct Crowd {
    /// Tickets, in the order of arrival.
    inside: BTreeSet<u64>,
    next: u64,
    waiting: u32,
}

/// What became of an attempt to get to a door.
#[derive(Debug)]
pub enum Entry<'a, T> {
    /// The guess may be evaluated.
    Admitted(Attempt<'a, T>),
    /// It may not, right or wrong. The answer is the same whether or not the account exists.
    Refused {
        /// When trying again makes sense.
        retry_after: Duration,
    },
}

/// A guess that may be evaluated.
#[derive(Debug)]
pub struct Attempt<'a, T> {
    /// Keep it until the outcome is stored.
    pub pass: Pass<'a>,
    /// What the lookup found.
    pub found: T,
}

/// The right to evaluate one guess at a door. Whoever drops it before the failure is stored lets others guess for free.
#[derive(Debug)]
pub struct Pass<'a> {
    place: Place<'a>,
    counted: bool,
}

impl Pass<'_> {
    /// The counter to clear after the right guess, if it had counted anything.
    #[must_use]
    pub fn counter_to_clear(&self) -> Option<TokenHash> {
        self.counted.then_some(self.place.door.counter)
    }
}

impl Doors {
    /// Gets to a door and looks up what the guess is to be compared with. `lookup` also reads the door's counter; it is
    /// called again when guesses ahead of this one have to be counted first.
    ///
    /// # Errors
    /// When the lookup fails.
    pub async fn attempt<T, E, L>(
        &self,
        door: Door,
        limits: &LimitsConfig,
        now: Timestamp,
        lookup: impl Fn() -> L,
    ) -> Result<Entry<'_, T>, E>
    where
        L: Future<Output = Result<(T, Option<Attempts>), E>>,
    {
        let refused = |retry_after| Ok(Entry::Refused { retry_after });
        let Some(mut pass) = self.enter(door, limit(limits)).await else { return refused(TURNED_AWAY) };
        let gate = Arc::clone(&pass.place.gate);
        loop {
            // Who is ahead is counted before the counter is read: whoever left until then is in the counter, whoever is
            // still here is seen.
            let left = gate.left.notified();
            let ahead = pass.place.ahead();
            let (found, attempts) = lookup().await?;
            match standing(attempts, limits, now) {
                Standing::Locked(until) => return refused(until.since(now)),
                Standing::Open(allowed) if ahead < allowed => {
                    pass.counted = attempts.is_some();
                    return Ok(Entry::Admitted(Attempt { pass, found }));
                }
                // The first in line is always admitted, so somebody leaves.
                Standing::Open(_) => left.await,
            }
        }
    }

    /// Goes through the gate when fewer than `limit` are inside. None when too many are waiting already.
    async fn enter(&self, door: Door, limit: u32) -> Option<Pass<'_>> {
        let gate = Arc::clone(self.gates().entry(door).or_default());
        let mut place = Place { doors: self, door, gate, ticket: None };
        let ticket = loop {
            let left = place.gate.left.notified();
            if let Some(ticket) = place.gate.step_in(limit) {
                break ticket;
            }
            let _waiting = place.gate.wait()?;
            left.await;
        };
        place.ticket = Some(ticket);
        Some(Pass { place, counted: false })
    }

    fn gates(&self) -> MutexGuard<'_, HashMap<Door, Arc<Gate>>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A ticket, unless `limit` are inside.
    fn step_in(&self, limit: u32) -> Option<u64> {
        let mut crowd = self.crowd();
        (crowd.inside.len() < limit as usize).then(|| {
            crowd.next += 1;
            let ticket = crowd.next;
            crowd.inside.insert(ticket);
            ticket
        })
    }

    /// A place in the queue, unless it is full.
    fn wait(&self) -> Option<Waiting<'_>> {
        let mut crowd = self.crowd();
        (crowd.waiting < MAX_WAITING).then(|| {
            crowd.waiting += 1;
            Waiting(self)
        })
    }
}

/// Counts somebody in front of the gate, until the client gives up or gets in.
struct Waiting<'a>(&'a Gate);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.crowd().waiting -= 1;
    }
}

/// Somebody at a gate; keeps it in the map.
#[derive(Debug)]
struct Place<'a> {
    doors: &'a Doors,
    door: Door,
    gate: Arc<Gate>,
    /// Once inside.
    ticket: Option<u64>,
}

impl Place<'_> {
    /// How many came in earlier and are still inside.
    fn ahead(&self) -> u32 {
        let ahead = self.ticket.map_or(0, |ticket| self.gate.crowd().inside.range(..ticket).count());
        u32::try_from(ahead).unwrap_or(u32::MAX)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.gate.crowd().inside.remove(&ticket);
            self.gate.left.notify_waiters();
        }
        let mut gates = self.doors.gates();
        // The map's and ours: copies are made under the same lock, so nobody else can be coming.
        if Arc::strong_count(&self.gate) == 2 {
            gates.remove(&self.door);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::test_values;

    /// A counter as storage keeps it.
    #[derive(Default)]
    struct Counter(Mutex<Option<Attempts>>);

    impl Counter {
        fn read(&self) -> Option<Attempts> {
            *self.0.lock().expect("no panic")
        }

        fn fail(&self, failed: &FailedAttempt) {
            let mut stored = self.0.lock().expect("no panic");
            let failures = stored.map_or(0, |stored| stored.failures) + 1;
            let locked_until = (failures >= failed.limit).then_some(failed.at + failed.lock);
            *stored = Some(Attempts { failures, since: failed.at, locked_until });
        }
    }

    fn door() -> Door {
        Door::identifier(ProjectId::DEFAULT, "ada@example.org", &test_values::keyring())
    }

    /// Guesses `count` times at once, each evaluation taking a while; says how many were evaluated.
    async fn guess(doors: Arc<Doors>, counter: Arc<Counter>, limits: LimitsConfig, count: usize) -> u32 {
        let (evaluated, now) = (Arc::new(AtomicU32::new(0)), test_values::context().now);
        let guesses: Vec<_> = (0..count)
            .map(|_| {
                let (doors, counter, evaluated) = (Arc::clone(&doors), Arc::clone(&counter), Arc::clone(&evaluated));
                tokio::spawn(async move {
                    let lookup = || async {
                        tokio::task::yield_now().await;
                        Ok::<_, Infallible>(((), counter.read()))
                    };
                    let Ok(entry) = doors.attempt(door(), &limits, now, lookup).await;
                    if let Entry::Admitted(attempt) = entry {
                        evaluated.fetch_add(1, Ordering::SeqCst);
                        for _ in 0..3 {
                            tokio::task::yield_now().await;
                        }
                        counter.fail(&door().failure(&limits, now));
                        drop(attempt);
                    }
                })
            })
            .collect();
        for guess in guesses {
            guess.await.expect("no panic");
        }
        evaluated.load(Ordering::SeqCst)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn brute_force_in_parallel_gets_no_more_guesses_than_one_after_the_other() {
        let limits = LimitsConfig { attempts: 10, ..test_values::limits() };
        let (doors, counter) = (Arc::new(Doors::default()), Arc::new(Counter::default()));
        assert_eq!(guess(Arc::clone(&doors), Arc::clone(&counter), limits, 200).await, 10);
        assert_eq!(guess(Arc::clone(&doors), counter, limits, 20).await, 0, "the door is locked now");
        assert!(doors.gates().is_empty(), "nothing is remembered about a door that nobody tries");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn earlier_failures_leave_fewer_parallel_guesses() {
        let limits = LimitsConfig { attempts: 10, ..test_values::limits() };
        let (doors, counter) = (Arc::new(Doors::default()), Arc::new(Counter::default()));
        for _ in 0..9 {
            counter.fail(&door().failure(&limits, test_values::context().now));
        }
        assert_eq!(guess(doors, counter, limits, 200).await, 1);
    }

    #[tokio::test]
    async fn right_guesses_in_parallel_all_get_in() {
        let limits = LimitsConfig { attempts: 2, ..test_values::limits() };
        let (doors, now) = (Arc::new(Doors::default()), test_values::context().now);
        let logins: Vec<_> = (0..50)
            .map(|_| {
                let doors = Arc::clone(&doors);
                tokio::spawn(async move {
                    let entry = doors.attempt(door(), &limits, now, || async { Ok::<_, Infallible>(((), None)) }).await;
                    tokio::task::yield_now().await;
                    matches!(entry, Ok(Entry::Admitted(_)))
                })
            })
            .collect();
        for login in logins {
            assert!(login.await.expect("no panic"));
        }
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_no_trace() {
        let limits = LimitsConfig { attempts: 1, ..test_values::limits() };
        let (doors, now) = (Doors::default(), test_values::context().now);
        let nothing = || async { Ok::<_, Infallible>(((), None)) };
        let Ok(Entry::Admitted(first)) = doors.attempt(door(), &limits, now, nothing).await else { panic!("open") };
        {
            let second = doors.attempt(door(), &limits, now, nothing);
            let mut second = std::pin::pin!(second);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(second.as_mut().poll(&mut context).is_pending());
        }
        drop(first);
        assert!(doors.gates().is_empty());
        assert!(matches!(doors.attempt(door(), &limits, now, nothing).await, Ok(Entry::Admitted(_))));
    }

    #[tokio::test]
    async fn who_gives_up_behind_others_leaves_no_trace() {
        let limits = LimitsConfig { attempts: 2, ..test_values::limits() };
        let (doors, now) = (Doors::default(), test_values::context().now);
        let failed_once =
            || async { Ok::<_, Infallible>(((), Some(Attempts { failures: 1, since: now, locked_until: None }))) };
        let Ok(Entry::Admitted(first)) = doors.attempt(door(), &limits, now, failed_once).await else { panic!("open") };
        {
            let second = doors.attempt(door(), &limits, now, failed_once);
            let mut second = std::pin::pin!(second);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(second.as_mut().poll(&mut context).is_pending(), "one failure is left, and the first may need it");
            drop(first);
        }
        assert!(doors.gates().is_empty());
    }

    #[tokio::test]
    async fn a_failed_lookup_frees_the_place() {
        let limits = LimitsConfig { attempts: 1, ..test_values::limits() };
        let (doors, now) = (Doors::default(), test_values::context().now);
        for _ in 0..3 {
            let entry = doors.attempt(door(), &limits, now, || async { Err::<((), _), _>("storage is down") }).await;
            assert!(matches!(entry, Err("storage is down")));
        }
        assert!(doors.gates().is_empty());
    }

    #[test]
    fn a_door_opens_again_when_its_lock_or_its_window_is_over() {
        let (limits, now) = (LimitsConfig { attempts: 5, ..test_values::limits() }, test_values::context().now);
        let soon = now + Duration::from_secs(1);
        let counted = |failures, since, locked_until| Some(Attempts { failures, since, locked_until });
        for (attempts, expected) in [
            (None, Standing::Open(5)),
            (counted(3, now, None), Standing::Open(2)),
            (counted(5, now, Some(soon)), Standing::Locked(soon)),
            (counted(5, now, Some(now)), Standing::Open(5)),
            (counted(3, now - limits.window, None), Standing::Open(5)),
            // The limit was lowered since: the next failure locks.
            (counted(9, now, None), Standing::Open(1)),
        ] {
            assert_eq!(standing(attempts, &limits, now), expected, "{attempts:?}");
        }
    }

    #[test]
    fn doors_of_different_kinds_and_projects_are_counted_apart() {
        let keyring = test_values::keyring();
        let other = ProjectId::generate(&orrery_core::entropy::SeededEntropy::new(3));
        let address = "ada@example.org";
        let doors = [
            Door::identifier(ProjectId::DEFAULT, address, &keyring),
            Door::code(ProjectId::DEFAULT, address, &keyring),
            Door::sending(ProjectId::DEFAULT, address, &keyring),
            Door::identifier(other, address, &keyring),
        ];
        assert_eq!(doors.iter().collect::<std::collections::HashSet<_>>().len(), doors.len());
        assert!(!format!("{doors:?}").contains("ada"));
    }
}
