use std::convert::Infallible;
use std::sync::atomic::AtomicU32;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_names_of_one_account_bring_no_further_parallel_guesses() {
    let limits = LimitsConfig { attempts: 10, ..test_values::limits() };
    let (doors, counter) = (Arc::new(Doors::default()), Arc::new(Counter::default()));
    let (evaluated, now) = (Arc::new(AtomicU32::new(0)), test_values::context().now);
    let owner = IdentityId::generate(&orrery_core::entropy::SeededEntropy::new(3));
    let account = Door::account(ProjectId::DEFAULT, owner);
    let guesses: Vec<_> = (0..200)
        .map(|number| {
            let (doors, counter, evaluated) = (Arc::clone(&doors), Arc::clone(&counter), Arc::clone(&evaluated));
            tokio::spawn(async move {
                let name =
                    Door::identifier(ProjectId::DEFAULT, &format!("name {}", number % 3), &test_values::keyring());
                let lookup = || async {
                    let as_of = doors.moment();
                    let attempts = counter.read();
                    tokio::task::yield_now().await;
                    Ok::<_, Infallible>((Early { found: (), attempts, as_of }, None))
                };
                let Ok(Entry::Admitted(by_name)) = doors.attempt(name, &limits, now, lookup).await else { return };
                let again = || async { Ok::<_, Infallible>(((), counter.read())) };
                let Ok(entry) = doors.attempt_after(account, &limits, now, by_name.found, again).await;
                if let Entry::Admitted(attempt) = entry {
                    evaluated.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    counter.fail(&account.failure(&limits, now));
                    drop(attempt);
                }
            })
        })
        .collect();
    for guess in guesses {
        guess.await.expect("no panic");
    }
    assert_eq!(evaluated.load(Ordering::SeqCst), 10);
    assert!(doors.gates().is_empty());
}
