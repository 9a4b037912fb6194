//! Children that wait for programs. One that fails its bounds is killed, and another is started when it is needed.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use orrery_core::jsonnet::{Jsonnet, JsonnetError, Program};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{LONGEST, Reply};

/// Programs that run at the same time.
const HANDS: usize = 4;
/// How long a program may take, and how long it may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(2);
/// A child is replaced after so many programs, so that whatever it has hoarded goes.
const PROGRAMS: u32 = 1_000;

/// Where the server has programs run.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    program: PathBuf,
    idle: Mutex<Vec<Worker>>,
    hands: Semaphore,
    /// Children belong to one runtime, whichever asks.
    runtime: Handle,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pool")
    }
}

struct Worker {
    // Killed when dropped.
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    left: u32,
}

impl Pool {
    /// Has programs run by this executable. Must be called inside the runtime that lasts longest.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self(Arc::new(Inner {
            program,
            idle: Mutex::new(Vec::new()),
            hands: Semaphore::new(HANDS),
            runtime: Handle::current(),
        }))
    }
}

#[async_trait]
impl Jsonnet for Pool {
    async fn evaluate(&self, program: Program) -> Result<Value, JsonnetError> {
        let inner = Arc::clone(&self.0);
        let run = self.0.runtime.spawn(async move { inner.evaluate(&program).await });
        run.await.map_err(|why| JsonnetError::Unavailable(Some(Box::new(why))))?
    }
}

impl Inner {
    async fn evaluate(&self, program: &Program) -> Result<Value, JsonnetError> {
        let mut line = serde_json::to_vec(program).map_err(|why| JsonnetError::Unavailable(Some(Box::new(why))))?;
        line.push(b'\n');
        if line.len() > LONGEST {
            return Err(JsonnetError::TooMuch);
        }
        let Ok(Ok(_hand)) = timeout(PATIENCE, self.hands.acquire()).await else {
            return Err(JsonnetError::Unavailable(None));
        };
        let waiting = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut worker = match waiting {
            Some(worker) => worker,
            None => Worker::start(&self.program).map_err(|why| JsonnetError::Unavailable(Some(Box::new(why))))?,
        };
        // A child that breaks its bounds says nothing more: too late, or gone.
        let reply = match timeout(PATIENCE, worker.ask(&line)).await {
            Ok(Some(reply)) => reply,
            Ok(None) | Err(_) => return Err(JsonnetError::TooMuch),
        };
        worker.left -= 1;
        if worker.left > 0 {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        }
        match reply {
            Reply::Value(value) => Ok(value),
            Reply::Failed(why) => Err(JsonnetError::Failed(why)),
        }
    }
}

impl Worker {
    fn start(program: &PathBuf) -> std::io::Result<Self> {
        let mut child = Command::new(program)
            .arg("jsonnet")
            // It inherits no secret. The allocator takes memory as it is needed, so that the limit counts what is used.
            .env_clear()
            .env("MIMALLOC_ARENA_RESERVE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| std::io::Error::other("a child without pipes"))?;
        Ok(Self { _child: child, input, output: BufReader::new(output), left: PROGRAMS })
    }

    /// The reply; none when the child is gone or says too much.
    async fn ask(&mut self, line: &[u8]) -> Option<Reply> {
        self.input.write_all(line).await.ok()?;
        self.input.flush().await.ok()?;
        let mut reply = Vec::new();
        (&mut self.output).take(LONGEST as u64).read_until(b'\n', &mut reply).await.ok()?;
        serde_json::from_slice(&reply).ok()
    }
}
