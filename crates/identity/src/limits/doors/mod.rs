//! The attempt counter of every door, and a gate in front of it for guesses that arrive at the same time.
//!
//! A counter in storage alone lets two hundred parallel guesses through: all read it before the first one is counted.
//! So within one process a guess passes only if it would still be allowed should every guess ahead of it fail.
//! Across processes the counter bounds what remains.
//!
//! An account with several names has a door for each of them and one behind them all: see [`Doors::attempt_after`].

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use orrery_core::id::{IdentityId, SessionId};
use orrery_core::secret::Purpose;
use orrery_core::{Keyring, ProjectId, Timestamp, TokenHash};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::config::LimitsConfig;
use crate::store::{AccountCounter, Attempts, FailedAttempt};

/// Guesses that may wait in front of one door; more are turned away at once.
const MAX_WAITING: u32 = 256;
/// When somebody who was turned away may try again.
const TURNED_AWAY: Duration = Duration::from_secs(2);
/// So many accounts are remembered that somebody tried lately, and so long: longer than any lookup takes.
const MAX_RECENT: u64 = 16_384;
const RECENT: Duration = Duration::from_secs(120);

/// What leads into one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Door {
    project: ProjectId,
    counter: TokenHash,
    /// The account behind it, for the door that all its names lead to.
    account: Option<IdentityId>,
}

impl Door {
    /// Signing in with this normalised identifier, whatever the method and whether or not anybody has it.
    #[must_use]
    pub fn identifier(project: ProjectId, identifier: &str, keyring: &Keyring) -> Self {
        Self::named(project, &format!("identifier:{identifier}"), keyring)
    }

    /// Signing in to this account, under whichever of its names.
    #[must_use]
    pub fn account(project: ProjectId, owner: IdentityId) -> Self {
        // Beside the identity's id in the same row, a keyed hash would hide nothing.
        let mut counter = [0; 32];
        counter[..16].copy_from_slice(owner.as_uuid().as_bytes());
        Self { project, counter: TokenHash(counter), account: Some(owner) }
    }

    /// What stands for the account of a name that nobody has, so that counting costs the same.
    #[must_use]
    pub fn nobody(project: ProjectId, identifier: &str, keyring: &Keyring) -> Self {
        Self::named(project, &format!("nobody:{identifier}"), keyring)
    }

    /// Signing in to the account that this browser signed in to before.
    #[must_use]
    pub fn browser(project: ProjectId, browser: Uuid, keyring: &Keyring) -> Self {
        Self::named(project, &format!("browser:{browser}"), keyring)
    }

    /// Signing in once more within this session.
    #[must_use]
    pub fn session(project: ProjectId, session: SessionId, keyring: &Keyring) -> Self {
        Self::named(project, &format!("session:{session}"), keyring)
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

    /// The same for a browser or session that is known to be the owner's.
    #[must_use]
    pub fn sending_by(project: ProjectId, known: Uuid, address: &str, keyring: &Keyring) -> Self {
        Self::named(project, &format!("sending:{address}:{known}"), keyring)
    }

    /// The second factor of this account. Whoever gets here knows the first one and can come in as many browsers and
    /// sessions as they like, so that nothing but the account is counted.
    #[must_use]
    pub fn second_factor(project: ProjectId, owner: IdentityId, keyring: &Keyring) -> Self {
        Self::named(project, &format!("second-factor:{owner}"), keyring)
    }

    fn named(project: ProjectId, name: &str, keyring: &Keyring) -> Self {
        Self { project, counter: keyring.hash(Purpose::AttemptCounter, name), account: None }
    }

    /// The name of its counter in storage.
    #[must_use]
    pub const fn counter(&self) -> TokenHash {
        self.counter
    }

    /// One failure, under the policy that it is counted under.
    #[must_use]
    pub const fn failure(&self, limits: &LimitsConfig, now: Timestamp) -> FailedAttempt {
        FailedAttempt {
            counter: self.counter,
            account: None,
            at: now,
            window: limits.window,
            limit: limit(limits),
            lock: limits.lock,
        }
    }

    /// One failure at this door and at the account that it leads to, counted in one step.
    #[must_use]
    pub const fn failure_of(&self, account: &Self, limits: &LimitsConfig, now: Timestamp) -> FailedAttempt {
        let counter = AccountCounter { counter: account.counter, owner: account.account };
        FailedAttempt { account: Some(counter), ..self.failure(limits, now) }
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
#[derive(Debug)]
pub struct Doors {
    gates: Mutex<HashMap<Door, Arc<Gate>>>,
    /// Counts whoever leaves the gate of an account.
    leaving: AtomicU64,
    /// That count when somebody last left the gate of this account.
    left: Cache<Door, u64>,
}

impl Default for Doors {
    fn default() -> Self {
        let left = Cache::builder().max_capacity(MAX_RECENT).time_to_live(RECENT);
        Self {
            gates: Mutex::default(),
            leaving: AtomicU64::new(0),
            left: left.eviction_policy(EvictionPolicy::lru()).build(),
        }
    }
}

/// A moment in the order in which guesses end; see [`Doors::moment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// What a lookup found before it was known which door it is about.
#[derive(Debug)]
pub struct Early<T> {
    /// What the guess is to be compared with.
    pub found: T,
    /// The door's counter.
    pub attempts: Option<Attempts>,
    /// The moment before the lookup.
    pub as_of: Moment,
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
    /// The present moment, to be taken before a lookup that may serve [`Doors::attempt_after`].
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment(self.leaving.load(Ordering::SeqCst))
    }

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
        self.pass_through(door, limits, now, None, lookup).await
    }

    /// Gets to the door of an account that an earlier lookup has led to. What it found is used unless somebody has left
    /// this door since: then their outcome has to be seen, and it is looked up again.
    ///
    /// # Errors
    /// When the lookup fails.
    pub async fn attempt_after<T, E, L>(
        &self,
        door: Door,
        limits: &LimitsConfig,
        now: Timestamp,
        early: Early<T>,
        lookup: impl Fn() -> L,
    ) -> Result<Entry<'_, T>, E>
    where
        L: Future<Output = Result<(T, Option<Attempts>), E>>,
    {
        self.pass_through(door, limits, now, Some(early), lookup).await
    }

    async fn pass_through<T, E, L>(
        &self,
        door: Door,
        limits: &LimitsConfig,
        now: Timestamp,
        mut early: Option<Early<T>>,
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
            let (found, attempts) = match early.take().filter(|early| self.is_fresh(door, early.as_of)) {
                Some(early) => (early.found, early.attempts),
                None => lookup().await?,
            };
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

    /// Whether nobody has left this door since.
    fn is_fresh(&self, door: Door, as_of: Moment) -> bool {
        self.left.get(&door).is_none_or(|left| left <= as_of.0)
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
            if self.door.account.is_some() {
                // Before the place is given up: whoever finds it free must know that somebody was there.
                self.doors.left.insert(self.door, self.doors.leaving.fetch_add(1, Ordering::SeqCst) + 1);
            }
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
mod tests;
