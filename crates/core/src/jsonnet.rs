//! The port to Jsonnet: programs of the operator that shape the bodies of webhooks and the claims of tokens.
//!
//! The implementation (in `server`) runs each program in a process of its own, with bounded time and memory: a program
//! may have been written by whoever configures a project, and no loop of theirs may stop the others.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A program and what it is given.
#[derive(Clone, Serialize, Deserialize)]
pub struct Program {
    /// The source. Imports are refused.
    pub source: Arc<str>,
    /// Arguments of the function that the source is, by name.
    pub arguments: Map<String, Value>,
    /// What `std.extVar` finds.
    pub variables: Map<String, Value>,
}

// What it is given may be secret, and so may its literals be.
impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Program({} bytes)", self.source.len())
    }
}

/// Why a program brought no value.
#[derive(Debug, thiserror::Error)]
pub enum JsonnetError {
    /// The program is wrong, or ended with an `error` of its own: its text, at most 1 000 characters.
    #[error("the Jsonnet program failed: {0}")]
    Failed(String),
    /// It needed too much time or memory, or its value is too large.
    #[error("the Jsonnet program needs more time or memory than it may have")]
    TooMuch,
    /// Programs cannot be run now.
    #[error("Jsonnet programs cannot be run")]
    Unavailable(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
}

/// Where programs are run.
#[async_trait]
pub trait Jsonnet: Send + Sync {
    /// Runs one program to its value.
    async fn evaluate(&self, program: Program) -> Result<Value, JsonnetError>;
}
