//! Argon2 (RFC 9106) in PHC notation: `$argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>`.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::InvalidHash;
use super::notation::{decode, numbers};

/// Most memory that a hash may ask for: 1 GiB.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
/// Most passes.
const MAX_ITERATIONS: u32 = 10;
/// Most lanes.
const MAX_PARALLELISM: u32 = 16;
/// Bytes of a salt: what the algorithm needs at least, and more than anybody uses.
const SALT: std::ops::RangeInclusive<usize> = 8..=64;
/// Bytes of a hash: shorter ones collide, longer ones add nothing.
const OUTPUT: std::ops::RangeInclusive<usize> = 16..=128;
/// Bytes of the hashes that we make.
const OUR_OUTPUT: usize = 32;

/// The working memory of one hashing thread, kept between hashes: asking the system for it anew costs about a tenth of
/// the time that a hash takes.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    /// At least `count` blocks of one KiB.
    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            self.0 = vec![Block::new(); count];
        }
        &mut self.0[..count]
    }

    /// Wipes the memory and gives back what exceeds `kib`.
    pub(super) fn release_beyond(&mut self, kib: usize) {
        if self.0.len() > kib {
            self.wipe();
            self.0 = Vec::new();
        }
    }

    #[cfg(test)]
    pub(super) fn kib(&self) -> usize {
        self.0.len()
    }

    fn wipe(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// A parsed Argon2 hash within bounds.
#[derive(Clone, PartialEq, Eq)]
pub struct Argon2Hash {
    algorithm: Algorithm,
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Argon2Hash {
    pub(super) fn create(
        memory_kib: u32,
        iterations: u32,
        parallelism: u32,
        salt: [u8; 16],
        password: &[u8],
        memory: &mut Memory,
    ) -> Result<Self, InvalidHash> {
        // What could not be checked again must not be stored.
        if memory_kib > MAX_MEMORY_KIB || iterations > MAX_ITERATIONS || parallelism > MAX_PARALLELISM {
            return Err(InvalidHash);
        }
        let output = vec![0; OUR_OUTPUT];
        let salt = salt.to_vec();
        let mut hash = Self { algorithm: Algorithm::Argon2id, memory_kib, iterations, parallelism, salt, output };
        hash.output = hash.compute(password, memory).ok_or(InvalidHash)?;
        Ok(hash)
    }

    pub(super) fn parse(text: &str) -> Result<Self, InvalidHash> {
        let fields: Vec<&str> = text.split('$').collect();
        let &["", algorithm, "v=19", parameters, salt, output] = fields.as_slice() else { return Err(InvalidHash) };
        let algorithm = match algorithm {
            "argon2id" => Algorithm::Argon2id,
            "argon2i" => Algorithm::Argon2i,
            _ => return Err(InvalidHash),
        };
        let bounds = [("m", 1..=MAX_MEMORY_KIB), ("t", 1..=MAX_ITERATIONS), ("p", 1..=MAX_PARALLELISM)];
        let [memory_kib, iterations, parallelism] = numbers(parameters, bounds)?;
        let (salt, output) = (decode(salt, SALT)?, decode(output, OUTPUT)?);
        let hash = Self { algorithm, memory_kib, iterations, parallelism, salt, output };
        hash.parameters().map(|_| hash).ok_or(InvalidHash)
    }

    pub(super) fn encode(&self) -> String {
        format!(
            "${}$v=19$m={},t={},p={}${}${}",
            self.algorithm.as_str(),
            self.memory_kib,
            self.iterations,
            self.parallelism,
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(&self.output),
        )
    }

    pub(super) const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Made as we would make it with these parameters.
    pub(super) fn is_like(&self, memory_kib: u32, iterations: u32, parallelism: u32) -> bool {
        self.algorithm == Algorithm::Argon2id
            && (self.memory_kib, self.iterations, self.parallelism) == (memory_kib, iterations, parallelism)
            && self.salt.len() >= 16
            && self.output.len() >= OUR_OUTPUT
    }

    pub(super) fn matches(&self, password: &[u8], memory: &mut Memory) -> bool {
        self.compute(password, memory).is_some_and(|output| output.ct_eq(&self.output).into())
    }

    fn parameters(&self) -> Option<Params> {
        Params::new(self.memory_kib, self.iterations, self.parallelism, Some(self.output.len())).ok()
    }

    /// The hash of `password` with this salt and these parameters.
    fn compute(&self, password: &[u8], memory: &mut Memory) -> Option<Vec<u8>> {
        let parameters = self.parameters()?;
        let blocks = memory.blocks(parameters.block_count());
        let mut output = vec![0; self.output.len()];
        Argon2::new(self.algorithm, Version::V0x13, parameters)
            .hash_password_into_with_memory(password, &self.salt, &mut output, blocks)
            .ok()?;
        Some(output)
    }
}
