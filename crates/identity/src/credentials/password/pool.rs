//! The threads that hash: as many as configured, behind a bounded queue.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flume::{Receiver, RecvTimeoutError, Sender, TrySendError};
use orrery_core::{Entropy, EntropyExt};
use secrecy::SecretString;
use tokio::sync::oneshot;

use super::argon2::Memory;
use super::{InvalidHash, PasswordHash};
use crate::config::{HashAlgorithm, HasherConfig};

/// Memory that a thread keeps between hashes while there is work, in KiB.
const KEEP_KIB: usize = 64 * 1024;
/// A thread without work for this long gives its memory back.
const IDLE: Duration = Duration::from_secs(5);

/// Hashes and checks passwords on threads of its own.
///
/// Memory is bounded by `workers` times 64 MiB plus the one larger hash that may be computed at a time. Dropping it
/// ends the threads once their queue is empty.
#[derive(Debug, Clone)]
pub struct PasswordHasher {
    queue: Sender<Job>,
}

/// More hashes are waiting than the queue holds: answer 503 with [`Overloaded::RETRY_AFTER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are waiting to be checked")]
pub struct Overloaded;

impl Overloaded {
    /// When to try again.
    pub const RETRY_AFTER: Duration = Duration::from_secs(2);
}

enum Work {
    Create { algorithm: HashAlgorithm, salt: [u8; 16] },
    Check(PasswordHash),
}

enum Outcome {
    Created(Result<PasswordHash, InvalidHash>),
    Checked(bool),
}

struct Job {
    work: Work,
    password: SecretString,
    answer: oneshot::Sender<Outcome>,
}

impl PasswordHasher {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(config: &HasherConfig) -> std::io::Result<Self> {
        let (queue, jobs) = flume::bounded(config.queue.max(1));
        let large = Arc::new(Mutex::new(()));
        for number in 0..NonZeroUsize::new(config.workers).map_or(1, NonZeroUsize::get) {
            let (jobs, large) = (jobs.clone(), Arc::clone(&large));
            std::thread::Builder::new().name(format!("hash-{number}")).spawn(move || run(&jobs, &large))?;
        }
        Ok(Self { queue })
    }

    /// Hashes a new password with the given algorithm.
    ///
    /// # Errors
    /// When too much is waiting.
    pub async fn hash(
        &self,
        algorithm: HashAlgorithm,
        password: SecretString,
        entropy: &dyn Entropy,
    ) -> Result<PasswordHash, Overloaded> {
        let work = Work::Create { algorithm, salt: entropy.bytes() };
        match self.submit(work, password).await? {
            Outcome::Created(Ok(hash)) => Ok(hash),
            // Only parameters that the configuration should have refused lead here.
            Outcome::Created(Err(InvalidHash)) | Outcome::Checked(_) => {
                tracing::error!("the configured password hashing parameters are out of bounds");
                Err(Overloaded)
            }
        }
    }

    /// Whether `hash` was made of this password.
    ///
    /// # Errors
    /// When too much is waiting.
    pub async fn verify(&self, hash: PasswordHash, password: SecretString) -> Result<bool, Overloaded> {
        match self.submit(Work::Check(hash), password).await? {
            Outcome::Checked(matches) => Ok(matches),
            Outcome::Created(_) => Ok(false),
        }
    }

    /// Takes as long as [`PasswordHasher::verify`] does for a hash of `algorithm`: for identifiers that nobody has, so
    /// that the time of the answer does not tell.
    ///
    /// # Errors
    /// When too much is waiting.
    pub async fn verify_nobody(&self, algorithm: HashAlgorithm, password: SecretString) -> Result<(), Overloaded> {
        self.submit(Work::Create { algorithm, salt: [0; 16] }, password).await.map(|_| ())
    }

    async fn submit(&self, work: Work, password: SecretString) -> Result<Outcome, Overloaded> {
        let (answer, outcome) = oneshot::channel();
        match self.queue.try_send(Job { work, password, answer }) {
            Ok(()) => outcome.await.map_err(|_| Overloaded),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Overloaded),
        }
    }
}

/// One thread's life.
fn run(jobs: &Receiver<Job>, large: &Mutex<()>) {
    let mut memory = Memory::default();
    loop {
        let job = match jobs.recv_timeout(IDLE) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                memory.release_beyond(0);
                match jobs.recv() {
                    Ok(job) => job,
                    Err(flume::RecvError::Disconnected) => return,
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // Whoever asked may be gone: in a storm most are, and their hashes need not be computed.
        if job.answer.is_closed() {
            continue;
        }
        let _one_at_a_time = (job.work.kib() > KEEP_KIB).then(|| large.lock().unwrap_or_else(PoisonError::into_inner));
        let outcome = catch_unwind(AssertUnwindSafe(|| job.work.run(&job.password, &mut memory)));
        memory.release_beyond(KEEP_KIB);
        if let Ok(outcome) = outcome {
            // The asker may have left while we were working.
            let _: Result<(), Outcome> = job.answer.send(outcome);
        }
    }
}

impl Work {
    /// Memory that it needs.
    fn kib(&self) -> usize {
        match self {
            Self::Create { algorithm: HashAlgorithm::Argon2id { memory_kib, .. }, .. } => *memory_kib as usize,
            Self::Create { algorithm: HashAlgorithm::Bcrypt { .. }, .. } | Self::Check(PasswordHash::Bcrypt(_)) => 4,
            Self::Check(PasswordHash::Argon2(hash)) => hash.memory_kib() as usize,
            Self::Check(PasswordHash::Foreign(hash)) => hash.memory_kib(),
        }
    }

    fn run(&self, password: &SecretString, memory: &mut Memory) -> Outcome {
        match self {
            Self::Create { algorithm, salt } => {
                Outcome::Created(PasswordHash::create(*algorithm, password, *salt, memory))
            }
            Self::Check(hash) => Outcome::Checked(hash.matches(password, memory)),
        }
    }
}

#[cfg(test)]
impl PasswordHasher {
    /// One that tells what it does: which hashes it checks, and that it makes one.
    pub(crate) fn watched() -> (Self, Receiver<String>) {
        let (queue, jobs) = flume::bounded::<Job>(8);
        let (say, said) = flume::unbounded();
        std::thread::spawn(move || {
            for job in jobs {
                let work = match &job.work {
                    Work::Create { .. } => "create".to_owned(),
                    Work::Check(hash) => format!("check {}", hash.encode()),
                };
                let heard = say.send(work).is_ok();
                let answered = job.answer.send(job.work.run(&job.password, &mut Memory::default())).is_ok();
                assert!(heard && answered, "whoever asks waits");
            }
        });
        (Self { queue }, said)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use orrery_core::SystemEntropy;

    use super::*;

    const CHEAP: HashAlgorithm = HashAlgorithm::Argon2id { memory_kib: 256, iterations: 1, parallelism: 1 };

    fn hasher(workers: usize, queue: usize) -> PasswordHasher {
        PasswordHasher::start(&HasherConfig { algorithm: CHEAP, workers, queue }).expect("threads start")
    }

    #[tokio::test]
    async fn a_password_is_hashed_with_a_salt_and_verified() {
        let (hasher, entropy) = (hasher(2, 8), SystemEntropy::default());
        let password = || SecretString::from("correct horse battery staple");
        for algorithm in [CHEAP, HashAlgorithm::Bcrypt { cost: 4 }] {
            let hash = hasher.hash(algorithm, password(), &entropy).await.expect("room in the queue");
            assert_ne!(Ok(&hash), hasher.hash(algorithm, password(), &entropy).await.as_ref());
            assert_eq!(hasher.verify(hash.clone(), password()).await, Ok(true));
            assert_eq!(hasher.verify(hash, SecretString::from("wrong")).await, Ok(false));
        }
        assert_eq!(hasher.verify_nobody(CHEAP, password()).await, Ok(()));
    }

    #[tokio::test]
    async fn a_full_queue_is_refused_at_once_and_nothing_is_lost() {
        // No thread takes anything out, so the queue fills up.
        let (queue, jobs) = flume::bounded(2);
        let stuck = PasswordHasher { queue };
        let password = || SecretString::from("x");
        let mut context = Context::from_waker(Waker::noop());
        let (mut first, mut second) =
            (pin!(stuck.verify_nobody(CHEAP, password())), pin!(stuck.verify_nobody(CHEAP, password())));
        assert_eq!(first.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(stuck.verify_nobody(CHEAP, password()).await, Err(Overloaded));
        std::thread::spawn(move || run(&jobs, &Mutex::new(())));
        assert_eq!(first.await, Ok(()));
        assert_eq!(second.await, Ok(()));
    }

    #[tokio::test]
    async fn hashes_that_nobody_waits_for_are_not_computed() {
        let (queue, jobs) = flume::bounded(1);
        let (answer, outcome) = oneshot::channel();
        drop(outcome);
        // Would take a minute.
        let algorithm = HashAlgorithm::Argon2id { memory_kib: 1024 * 1024, iterations: 10, parallelism: 16 };
        let job = Job { work: Work::Create { algorithm, salt: [0; 16] }, password: SecretString::from("x"), answer };
        queue.send(job).expect("room");
        drop(queue);
        run(&jobs, &Mutex::new(()));
    }

    #[tokio::test]
    async fn a_large_hash_leaves_no_memory_behind() {
        let mut memory = Memory::default();
        let work = Work::Create {
            algorithm: HashAlgorithm::Argon2id { memory_kib: 70 * 1024, iterations: 1, parallelism: 1 },
            salt: [1; 16],
        };
        assert!(matches!(work.run(&SecretString::from("x"), &mut memory), Outcome::Created(Ok(_))));
        assert!(memory.kib() >= 70 * 1024);
        memory.release_beyond(KEEP_KIB);
        assert_eq!(memory.kib(), 0);
    }
}
