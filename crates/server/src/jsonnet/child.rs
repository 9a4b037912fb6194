//! `orrery jsonnet`: programs from standard input, values to standard output, one a line, under limits that the
//! operating system enforces.

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::evaluate::evaluate;
use super::{Job, LONGEST};

/// Bytes that a program may allocate, what the process itself needs included.
const MEMORY: u64 = 256 << 20;

/// Processor time of one program. Whoever asks gives up earlier; this is for when nobody is left to do so.
const PROCESSOR: Duration = Duration::from_secs(10);

/// Answers until standard input ends.
///
/// # Errors
/// When the limits cannot be set, or whoever asks is gone.
pub(crate) fn serve() -> anyhow::Result<()> {
    limit(Resource::Data, MEMORY)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    // Nothing beyond the three that are open.
    limit(Resource::Nofile, 3)?;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        let longest = u64::try_from(LONGEST)?;
        if io::Read::by_ref(&mut input).take(longest).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let job: Job = serde_json::from_slice(&line).context("what was read is no program")?;
        limit_processor()?;
        let mut reply = serde_json::to_vec(&evaluate(&job))?;
        reply.push(b'\n');
        output.write_all(&reply)?;
        output.flush()?;
    }
}

fn limit(resource: Resource, most: u64) -> anyhow::Result<()> {
    let limits = Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(resource, limits).with_context(|| format!("the limit {resource:?} cannot be set"))
}

/// From now on: the limit counts from the beginning of the process.
fn limit_processor() -> anyhow::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
    let most = u64::try_from(used)?.saturating_add(PROCESSOR.as_secs());
    setrlimit(Resource::Cpu, Rlimit { current: Some(most), maximum: None }).context("processor time cannot be limited")
}
