//! How many passwords this machine can hash: the bound that sign-ins are measured against.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use argon2::{Algorithm, Argon2, Params, Version};

const MEMORY_KIBIBYTES: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;

/// Argon2id hashes per second with the default parameters, on every processor at once, over `span`.
pub(crate) fn measure(span: Duration) -> anyhow::Result<f64> {
    let parameters = Params::new(MEMORY_KIBIBYTES, PASSES, LANES, Some(OUTPUT_BYTES))
        .map_err(|error| anyhow::anyhow!("parameters: {error}"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let count = AtomicU32::new(0);
    let begin = Instant::now();
    let work = || {
        let mut output = [0; OUTPUT_BYTES];
        while begin.elapsed() < span {
            argon2
                .hash_password_into(b"correct horse battery staple", b"sixteen bytes...", &mut output)
                .map_err(|error| anyhow::anyhow!("hashing: {error}"))?;
            count.fetch_add(1, Ordering::Relaxed);
        }
        anyhow::Ok(())
    };
    let processors = std::thread::available_parallelism().context("the number of processors is unknown")?.get();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("a thread panicked")))
    })?;
    Ok(f64::from(count.into_inner()) / begin.elapsed().as_secs_f64())
}
