//! Jsonnet as a test says it behaves.

use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use orrery_core::jsonnet::{Jsonnet, JsonnetError, Program};
use serde_json::Value;

/// What becomes of every program.
pub(crate) enum Outcome {
    Value(Value),
    Fails(fn() -> JsonnetError),
    Endless,
}

/// Remembers what programs were given, and how many ran at the same time.
pub(crate) struct Programs {
    outcome: Outcome,
    given: Mutex<Vec<Program>>,
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Programs {
    pub(crate) fn new(outcome: Outcome) -> Self {
        Self { outcome, given: Mutex::default(), running: AtomicUsize::default(), most: AtomicUsize::default() }
    }

    /// Every program so far.
    pub(crate) fn given(&self) -> Vec<Program> {
        self.given.lock().expect("not poisoned").clone()
    }

    /// How many ran at the same time, at most.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Jsonnet for Programs {
    async fn evaluate(&self, program: Program) -> Result<Value, JsonnetError> {
        self.most.fetch_max(self.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        self.given.lock().expect("not poisoned").push(program);
        tokio::task::yield_now().await;
        let outcome = match &self.outcome {
            Outcome::Value(value) => Ok(value.clone()),
            Outcome::Fails(why) => Err(why()),
            Outcome::Endless => pending().await,
        };
        self.running.fetch_sub(1, Ordering::SeqCst);
        outcome
    }
}
