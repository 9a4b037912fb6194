//! Jsonnet programs, each run in a process that may use only so much time and memory.
//!
//! `evaluate` is the language, `child` what `orrery jsonnet` does, `pool` how the server has it done.

mod child;
mod evaluate;
mod pool;

use orrery_core::jsonnet::Program;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use child::serve;
pub use pool::Pool;

/// No program with what it is given, and no value, is longer on the way between the processes.
const LONGEST: usize = 8 << 20;

/// What a child is told, as one line of JSON.
type Job = Program;

/// What a child answers, as one line of JSON.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    /// The value.
    Value(Value),
    /// What is wrong with the program.
    Failed(String),
}
