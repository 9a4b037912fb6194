//! bcrypt in modular crypt notation: `$2b$<cost>$<22 characters of salt><31 characters of hash>`.

use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::InvalidHash;

/// bcrypt looks at no more bytes of a password than these.
pub(super) const MAX_BYTES: usize = 72;

/// Two to these many rounds; beyond the upper bound one check would take seconds.
const COST: std::ops::RangeInclusive<u32> = 4..=15;

/// Some implementations leave rubbish in the last, unused bits of the salt.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// A parsed bcrypt hash within bounds. The prefixes `2`, `2a`, `2b`, `2y` and `2z` all name the same function.
#[derive(Clone, PartialEq, Eq)]
pub struct BcryptHash {
    cost: u32,
    salt: [u8; 16],
    output: [u8; 23],
}

impl BcryptHash {
    pub(super) fn create(cost: u32, salt: [u8; 16], password: &[u8]) -> Result<Self, InvalidHash> {
        if !COST.contains(&cost) {
            return Err(InvalidHash);
        }
        Ok(Self { cost, salt, output: compute(cost, salt, password) })
    }

    pub(super) fn parse(text: &str) -> Result<Self, InvalidHash> {
        let mut fields = text.split('$').skip(2);
        let (Some(cost), Some(rest), None) = (fields.next(), fields.next(), fields.next()) else {
            return Err(InvalidHash);
        };
        if cost.len() != 2 || rest.len() != 53 {
            return Err(InvalidHash);
        }
        let cost = cost.parse().ok().filter(|cost| COST.contains(cost)).ok_or(InvalidHash)?;
        let (salt, output) = rest.split_at_checked(22).ok_or(InvalidHash)?;
        let decode = |text| BASE64.decode(text).map_err(|_| InvalidHash);
        let salt = decode(salt)?.try_into().map_err(|_| InvalidHash)?;
        let output = decode(output)?.try_into().map_err(|_| InvalidHash)?;
        Ok(Self { cost, salt, output })
    }

    pub(super) fn encode(&self) -> String {
        format!("$2b${:02}${}{}", self.cost, BASE64.encode(self.salt), BASE64.encode(self.output))
    }

    pub(super) const fn cost(&self) -> u32 {
        self.cost
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        compute(self.cost, self.salt, password).ct_eq(&self.output).into()
    }
}

/// The first 23 of the 24 bytes, as everybody stores them.
fn compute(cost: u32, salt: [u8; 16], password: &[u8]) -> [u8; 23] {
    // The password ends with a zero byte unless it fills all 72.
    let mut key = Zeroizing::new([0_u8; MAX_BYTES]);
    let length = password.len().min(MAX_BYTES);
    key[..length].copy_from_slice(&password[..length]);
    let output = bcrypt::bcrypt(cost, salt, &key[..(length + 1).min(MAX_BYTES)]);
    let mut kept = [0; 23];
    kept.copy_from_slice(&output[..23]);
    kept
}
