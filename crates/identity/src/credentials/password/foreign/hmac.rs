//! HMAC with a secret of the old system as key: `$hmac-sha256$<Base64 of the digest in hexadecimal>$<Base64 of the key>`.

use subtle::ConstantTimeEq;

use super::MAX_SALT;
use super::function::Function;
use crate::credentials::password::InvalidHash;
use crate::credentials::password::notation::decode;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct KeyedDigest {
    function: Function,
    key: Vec<u8>,
    output: Vec<u8>,
}

impl KeyedDigest {
    pub(super) fn parse(function: &str, rest: &str) -> Result<Self, InvalidHash> {
        let function = Function::named(function).ok_or(InvalidHash)?;
        let (output, key) = rest.split_once('$').ok_or(InvalidHash)?;
        let length = function.length();
        let output = decode(output, length..=2 * length)?;
        // The digest itself is accepted as well as its digits.
        let output = if output.len() == length { output } else { hex::decode(output).map_err(|_| InvalidHash)? };
        if output.len() != length {
            return Err(InvalidHash);
        }
        Ok(Self { function, key: decode(key, 0..=MAX_SALT)?, output })
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        self.function.hmac(&self.key, password).ct_eq(&self.output).into()
    }
}
