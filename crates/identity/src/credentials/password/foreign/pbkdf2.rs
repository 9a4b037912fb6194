//! PBKDF2 (RFC 8018): `$pbkdf2-sha256$i=<iterations>,l=<length>$<salt>$<hash>`.

use ::hmac::SimpleHmac;
use sha3::{Sha3_224, Sha3_384};
use subtle::ConstantTimeEq;

use super::function::Function;
use super::{MAX_OUTPUT, MAX_SALT};
use crate::credentials::password::InvalidHash;
use crate::credentials::password::notation::{decode, numbers};

/// Most iterations, over all blocks of the output.
const MAX_ITERATIONS: u32 = 10_000_000;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pbkdf2 {
    function: Function,
    iterations: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Pbkdf2 {
    pub(super) fn parse(function: &str, rest: &str) -> Result<Self, InvalidHash> {
        let function = Function::named(function).filter(|function| ![Function::Md4, Function::Md5].contains(function));
        let function = function.ok_or(InvalidHash)?;
        let fields: Vec<&str> = rest.split('$').collect();
        let &[parameters, salt, output] = fields.as_slice() else { return Err(InvalidHash) };
        // The length says nothing that the hash itself does not.
        let (iterations, length) = parameters.split_once(',').unwrap_or((parameters, "l=0"));
        let [iterations] = numbers(iterations, [("i", 1..=MAX_ITERATIONS)])?;
        numbers(length, [("l", 0..=u32::MAX)])?;
        let (salt, output) = (decode(salt, 0..=MAX_SALT)?, decode(output, 16..=MAX_OUTPUT)?);
        let blocks = u32::try_from(output.len().div_ceil(function.length())).map_err(|_| InvalidHash)?;
        if iterations.checked_mul(blocks).is_none_or(|total| total > MAX_ITERATIONS) {
            return Err(InvalidHash);
        }
        Ok(Self { function, iterations, salt, output })
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut output = vec![0; self.output.len()];
        self.function.pbkdf2(password, &self.salt, self.iterations, &mut output);
        let named = output.ct_eq(&self.output);
        // Kratos computes these two with SHA-3; whoever else writes such a hash means SHA-2, as the name says.
        let computed = match self.function {
            Function::Sha224 => {
                ::pbkdf2::pbkdf2::<SimpleHmac<Sha3_224>>(password, &self.salt, self.iterations, &mut output)
            }
            Function::Sha384 => {
                ::pbkdf2::pbkdf2::<SimpleHmac<Sha3_384>>(password, &self.salt, self.iterations, &mut output)
            }
            Function::Md4 | Function::Md5 | Function::Sha1 | Function::Sha256 | Function::Sha512 => Ok(()),
        };
        bool::from(named) || (computed.is_ok() && bool::from(output.ct_eq(&self.output)))
    }
}
