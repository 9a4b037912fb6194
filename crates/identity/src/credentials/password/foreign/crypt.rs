//! The hashes of Unix: `$1$<salt>$<hash>` (MD5), `$5$[rounds=<n>$]<salt>$<hash>` (SHA-256) and `$6$…` (SHA-512), also
//! under the names `$md5-crypt$`, `$sha256-crypt$` and `$sha512-crypt$`.

use sha_crypt::Params;
use subtle::{Choice, ConstantTimeEq};

use super::function::Function;
use crate::credentials::password::InvalidHash;

/// Most rounds; the most that the libraries of other languages use by default are 656 000.
const MAX_ROUNDS: u32 = 1_000_000;
/// crypt(3) takes no longer passwords. The work grows with the length, and this bounds it.
const MAX_PASSWORD: usize = 512;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Crypt {
    method: Method,
    salt: Vec<u8>,
    /// The hash as crypt(3) writes it.
    output: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Md5,
    Sha256(Params),
    Sha512(Params),
}

impl Crypt {
    pub(super) fn parse(method: &str, rest: &str) -> Result<Self, InvalidHash> {
        let (rounds, rest) = match rest.strip_prefix("rounds=") {
            Some(given) => {
                let (rounds, rest) = given.split_once('$').ok_or(InvalidHash)?;
                (Some(rounds.parse::<u32>().map_err(|_| InvalidHash)?), rest)
            }
            None => (None, rest),
        };
        if rounds.is_some_and(|rounds| rounds > MAX_ROUNDS) {
            return Err(InvalidHash);
        }
        // Fewer than a thousand mean a thousand, in every implementation.
        let parameters =
            Params::new(rounds.map_or(Params::RECOMMENDED_ROUNDS, |rounds| rounds.max(Params::ROUNDS_MIN)))
                .map_err(|_| InvalidHash)?;
        let (method, longest_salt, length) = match method {
            "1" | "md5-crypt" if rounds.is_none() => (Method::Md5, 8, 22),
            "5" | "sha256-crypt" => (Method::Sha256(parameters), 16, 43),
            "6" | "sha512-crypt" => (Method::Sha512(parameters), 16, 86),
            _ => return Err(InvalidHash),
        };
        let (salt, output) = rest.split_once('$').ok_or(InvalidHash)?;
        if output.len() != length || !output.bytes().all(|byte| ALPHABET.contains(&byte)) {
            return Err(InvalidHash);
        }
        let salt = salt.bytes().take(longest_salt).collect();
        Ok(Self { method, salt, output: output.to_owned() })
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let length = Choice::from(u8::from(password.len() <= MAX_PASSWORD));
        // Too long a password costs what any other does, so that the time does not tell that it was too long.
        let password = &password[..password.len().min(MAX_PASSWORD)];
        let text = match self.method {
            Method::Md5 => written(&md5_crypt(password, &self.salt), &MD5_ORDER),
            Method::Sha256(rounds) => written(&sha_crypt::sha256_crypt(password, &self.salt, rounds), &SHA256_ORDER),
            Method::Sha512(rounds) => written(&sha_crypt::sha512_crypt(password, &self.salt, rounds), &sha512_order()),
        };
        bool::from(text.ct_eq(self.output.as_bytes()) & length)
    }
}

/// The digits of crypt(3), from zero.
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Which bytes form each group, the lowest digits last.
const MD5_ORDER: [&[usize]; 6] = [&[0, 6, 12], &[1, 7, 13], &[2, 8, 14], &[3, 9, 15], &[4, 10, 5], &[11]];
const SHA256_ORDER: [&[usize]; 11] = [
    &[0, 10, 20],
    &[21, 1, 11],
    &[12, 22, 2],
    &[3, 13, 23],
    &[24, 4, 14],
    &[15, 25, 5],
    &[6, 16, 26],
    &[27, 7, 17],
    &[18, 28, 8],
    &[9, 19, 29],
    &[31, 30],
];

/// Of SHA-512: three columns of 21 bytes, turned by one from group to group, and the last byte alone.
fn sha512_order() -> Vec<[usize; 3]> {
    (0..21)
        .map(|row| [row, row + 21, row + 42])
        .map(|[a, b, c]| match a % 3 {
            0 => [a, b, c],
            1 => [b, c, a],
            _ => [c, a, b],
        })
        .collect()
}

/// As crypt(3) writes it: each group is a number, its lowest six bits first.
fn written<G: AsRef<[usize]>>(digest: &[u8], order: &[G]) -> Vec<u8> {
    let groups = order.iter().map(|group| group.as_ref().iter().map(|index| digest[*index]).collect::<Vec<_>>());
    // SHA-512 ends with a byte that belongs to no group of three.
    let last = (digest.len() == 64).then(|| vec![digest[63]]);
    let mut text = Vec::new();
    for group in groups.chain(last) {
        let mut number = group.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        for _ in 0..=group.len() {
            text.push(ALPHABET[number & 63]);
            number >>= 6;
        }
    }
    text
}

/// Poul-Henning Kamp's function of 1994: a thousand rounds of MD5.
fn md5_crypt(password: &[u8], salt: &[u8]) -> Vec<u8> {
    let md5 = |parts: &[&[u8]]| Function::Md5.digest(parts.iter().copied());
    let inner = md5(&[password, salt, password]);
    let mut first = [password, b"$1$", salt].concat();
    first.extend(inner.iter().cycle().take(password.len()));
    let mut bits = password.len();
    while bits > 0 {
        first.push(if bits & 1 == 1 { 0 } else { password[0] });
        bits >>= 1;
    }
    let mut digest = md5(&[&first]);
    for round in 0..1000 {
        let (odd, salted, keyed) = (round % 2 == 1, round % 3 != 0, round % 7 != 0);
        let parts = [
            if odd { password } else { &digest },
            if salted { salt } else { &[] },
            if keyed { password } else { &[] },
            if odd { &digest } else { password },
        ];
        digest = md5(&parts);
    }
    digest
}
