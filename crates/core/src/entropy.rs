//! Randomness as an argument, so that tests can be reproduced and production cannot forget to use the good kind.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

/// A source of cryptographically secure random bytes.
pub trait Entropy: Send + Sync {
    /// Fills the buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's generator.
#[derive(Debug, Clone, Default)]
pub struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    #[expect(clippy::expect_used, reason = "a system without randomness can do nothing safely: stop at once")]
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer).expect("the operating system supplies random bytes");
    }
}

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const DIGITS: &[u8; 10] = b"0123456789";

/// What can be drawn from any [`Entropy`].
pub trait EntropyExt {
    /// `N` random bytes.
    fn bytes<const N: usize>(&self) -> [u8; N];
    /// A version 4 UUID.
    fn uuid(&self) -> Uuid;
    /// `length` characters of `A–Z a–z 0–9`, about 5.95 bits each.
    fn alphanumeric(&self, length: usize) -> String;
    /// `length` decimal digits.
    fn digits(&self, length: usize) -> String;
}

impl<E: Entropy + ?Sized> EntropyExt for E {
    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    fn alphanumeric(&self, length: usize) -> String {
        text(self, ALPHANUMERIC, length)
    }

    fn digits(&self, length: usize) -> String {
        text(self, DIGITS, length)
    }
}

/// Characters of `alphabet`, each equally likely: bytes beyond the largest multiple are drawn again.
fn text<E: Entropy + ?Sized>(entropy: &E, alphabet: &[u8], length: usize) -> String {
    let limit = 256 - 256 % alphabet.len();
    let mut out = String::with_capacity(length);
    let mut buffer = [0_u8; 64];
    while out.len() < length {
        entropy.fill(&mut buffer);
        let drawn = buffer.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < limit);
        out.extend(drawn.take(length - out.len()).map(|byte| char::from(alphabet[byte % alphabet.len()])));
    }
    out
}

/// A reproducible generator for tests: SHA-256 of a seed and a counter.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    counter: std::sync::atomic::AtomicU64,
}

impl SeededEntropy {
    /// The same seed gives the same sequence.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, counter: std::sync::atomic::AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let count = self.counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
            context.update(&self.seed.to_be_bytes());
            context.update(&count.to_be_bytes());
            chunk.copy_from_slice(&context.finish().as_ref()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_the_asked_length_and_alphabet() {
        let entropy = SystemEntropy::default();
        let token = entropy.alphanumeric(200);
        assert_eq!(token.len(), 200);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(entropy.digits(50).bytes().all(|byte| byte.is_ascii_digit()));
    }

    #[test]
    fn a_seed_repeats_itself() {
        let draw = || SeededEntropy::new(7).alphanumeric(40);
        assert_eq!(draw(), draw());
        assert_ne!(draw(), SeededEntropy::new(8).alphanumeric(40));
    }
}
