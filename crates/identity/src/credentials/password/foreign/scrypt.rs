//! scrypt (RFC 7914): `$scrypt$ln=<cost>,r=<block size>,p=<parallelism>$<salt>$<hash>`, and Firebase's use of it:
//! `$firescrypt$ln=…,r=…,p=…$<salt>$<hash>$<salt separator>$<signer key>`.

use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use subtle::ConstantTimeEq;

use super::{MAX_OUTPUT, MAX_SALT};
use crate::credentials::password::InvalidHash;
use crate::credentials::password::notation::{decode, numbers};

/// The highest base-2 logarithm of the cost: 128 MiB with the largest blocks.
const MAX_LOG_COST: u8 = 17;
/// The largest blocks, in units of 128 bytes.
const MAX_BLOCK_SIZE: u32 = 8;
/// Most passes, one after the other.
const MAX_PARALLELISM: u32 = 10;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Scrypt {
    log_cost: u8,
    block_size: u32,
    parallelism: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
    /// Firebase does not store the derived key but what AES makes of this with it.
    signer: Option<Vec<u8>>,
}

impl Scrypt {
    pub(super) fn parse(rest: &str) -> Result<Self, InvalidHash> {
        let fields: Vec<&str> = rest.split('$').collect();
        let &[parameters, salt, output] = fields.as_slice() else { return Err(InvalidHash) };
        let (cost, block_size, parallelism) = parameters_of(parameters)?;
        // Kratos writes the cost itself; everybody else, as the name says, its logarithm. No cost is that small.
        let log_cost = if cost <= u32::from(MAX_LOG_COST) {
            cost
        } else if cost.is_power_of_two() {
            cost.trailing_zeros()
        } else {
            return Err(InvalidHash);
        };
        Self {
            log_cost: u8::try_from(log_cost).map_err(|_| InvalidHash)?,
            block_size,
            parallelism,
            salt: decode(salt, 0..=MAX_SALT)?,
            output: decode(output, 16..=MAX_OUTPUT)?,
            signer: None,
        }
        .within_bounds()
    }

    pub(super) fn parse_firebase(rest: &str) -> Result<Self, InvalidHash> {
        let fields: Vec<&str> = rest.split('$').collect();
        let &[parameters, salt, output, separator, signer] = fields.as_slice() else { return Err(InvalidHash) };
        let (log_cost, block_size, parallelism) = parameters_of(parameters)?;
        let mut salt = decode(salt, 0..=MAX_SALT)?;
        salt.extend(decode(separator, 0..=MAX_SALT)?);
        let output = decode(output, 16..=MAX_OUTPUT)?;
        Self {
            log_cost: u8::try_from(log_cost).map_err(|_| InvalidHash)?,
            block_size,
            parallelism,
            signer: Some(decode(signer, output.len()..=output.len())?),
            salt,
            output,
        }
        .within_bounds()
    }

    pub(super) fn memory_kib(&self) -> usize {
        ((self.block_size as usize) << self.log_cost) / 8
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let computed = match &self.signer {
            None => self.derive(password, self.output.len()),
            Some(signer) => self.derive(password, 32).and_then(|key| encrypted(&key, signer)),
        };
        computed.is_some_and(|output| output.ct_eq(&self.output).into())
    }

    fn derive(&self, password: &[u8], length: usize) -> Option<Vec<u8>> {
        let parameters = ::scrypt::Params::new(self.log_cost, self.block_size, self.parallelism).ok()?;
        let mut output = vec![0; length];
        ::scrypt::scrypt(password, &self.salt, &parameters, &mut output).ok()?;
        Some(output)
    }

    fn within_bounds(self) -> Result<Self, InvalidHash> {
        let bounded = (1..=MAX_LOG_COST).contains(&self.log_cost)
            && ::scrypt::Params::new(self.log_cost, self.block_size, self.parallelism).is_ok();
        if bounded { Ok(self) } else { Err(InvalidHash) }
    }
}

fn parameters_of(text: &str) -> Result<(u32, u32, u32), InvalidHash> {
    let [cost, block_size, parallelism] =
        numbers(text, [("ln", 1..=1 << MAX_LOG_COST), ("r", 1..=MAX_BLOCK_SIZE), ("p", 1..=MAX_PARALLELISM)])?;
    Ok((cost, block_size, parallelism))
}

/// AES-256 in counter mode, beginning at zero.
fn encrypted(key: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let mut text = plain.to_vec();
    let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, key).ok()?).ok()?;
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128([0; 16].into())).ok()?;
    Some(text)
}
