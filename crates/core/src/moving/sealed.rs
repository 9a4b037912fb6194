//! What other systems seal.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// Opens AES-256-GCM as Ory's products write it: the nonce, and behind it ciphertext and tag. None when the key, of 32 bytes,
/// does not fit.
#[must_use]
pub fn open_aes_gcm(key: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, boxed) = sealed.split_at_checked(NONCE_LEN)?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let mut boxed = Zeroizing::new(boxed.to_vec());
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let plain = key.open_in_place(nonce, Aad::empty(), &mut boxed).ok()?.len();
    boxed.truncate(plain);
    Some(boxed)
}
