//! The pieces that the notations of hashes are made of.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::InvalidHash;

const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Standard Base64, padded or not, of so many bytes.
pub(super) fn decode(text: &str, length: RangeInclusive<usize>) -> Result<Vec<u8>, InvalidHash> {
    let bytes = ANY_PADDING.decode(text).map_err(|_| InvalidHash)?;
    if length.contains(&bytes.len()) { Ok(bytes) } else { Err(InvalidHash) }
}

/// `m=256,t=2,p=1`: numbers with names, in this order and no others.
pub(super) fn numbers<const N: usize>(
    text: &str,
    wanted: [(&str, RangeInclusive<u32>); N],
) -> Result<[u32; N], InvalidHash> {
    let mut given = text.split(',');
    let mut numbers = [0; N];
    for (number, (name, bounds)) in numbers.iter_mut().zip(wanted) {
        let value = given.next().and_then(|field| field.strip_prefix(name)?.strip_prefix('=')?.parse().ok());
        *number = value.filter(|value| bounds.contains(value)).ok_or(InvalidHash)?;
    }
    if given.next().is_some() { Err(InvalidHash) } else { Ok(numbers) }
}
