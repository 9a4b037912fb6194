//! One digest over salt and password: `{SSHA256}<hash and salt>`, `$sha256$pf=<template>$<salt>$<hash>` and
//! `$md5$<hash>`.

use subtle::ConstantTimeEq;

use super::MAX_SALT;
use super::function::Function;
use crate::credentials::password::InvalidHash;
use crate::credentials::password::notation::decode;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct SaltedDigest {
    function: Function,
    template: Vec<Piece>,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// What a template is made of.
#[derive(Clone, PartialEq, Eq)]
enum Piece {
    Password,
    Salt,
    Text(Vec<u8>),
}

impl SaltedDigest {
    /// `{SSHA}`, as LDAP servers keep it.
    pub(super) fn parse_ldap(text: &str) -> Result<Self, InvalidHash> {
        let (name, rest) = text.strip_prefix('{').and_then(|named| named.split_once('}')).ok_or(InvalidHash)?;
        let function = match name {
            "SSHA" => Function::Sha1,
            "SSHA256" => Function::Sha256,
            "SSHA512" => Function::Sha512,
            _ => return Err(InvalidHash),
        };
        let length = function.length();
        let mut output = decode(rest, length..=length + MAX_SALT)?;
        let salt = output.split_off(length);
        Ok(Self { function, template: vec![Piece::Password, Piece::Salt], salt, output })
    }

    pub(super) fn parse(function: &str, rest: &str) -> Result<Self, InvalidHash> {
        let function = Function::named(function).ok_or(InvalidHash)?;
        let output = |text| decode(text, function.length()..=function.length());
        let fields: Vec<&str> = rest.split('$').collect();
        match *fields.as_slice() {
            [hash] if function == Function::Md5 => {
                Ok(Self { function, template: vec![Piece::Password], salt: Vec::new(), output: output(hash)? })
            }
            [template, salt, hash] => {
                let template = decode(template.strip_prefix("pf=").ok_or(InvalidHash)?, 1..=MAX_SALT)?;
                let template = pieces(&template);
                // Without the password in it, every password would be right.
                if !template.contains(&Piece::Password) {
                    return Err(InvalidHash);
                }
                Ok(Self { function, template, salt: decode(salt, 0..=MAX_SALT)?, output: output(hash)? })
            }
            _ => Err(InvalidHash),
        }
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let parts = self.template.iter().map(|piece| match piece {
            Piece::Password => password,
            Piece::Salt => self.salt.as_slice(),
            Piece::Text(text) => text.as_slice(),
        });
        self.function.digest(parts).ct_eq(&self.output).into()
    }
}

/// Taken apart once, so that a password that contains `{SALT}` stays what it is.
fn pieces(mut template: &[u8]) -> Vec<Piece> {
    const MARKS: [(&[u8], Piece); 2] = [(b"{PASSWORD}", Piece::Password), (b"{SALT}", Piece::Salt)];
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    while let Some((first, rest)) = template.split_first() {
        let mark = MARKS.into_iter().find_map(|(mark, piece)| Some((template.strip_prefix(mark)?, piece)));
        if let Some((after, piece)) = mark {
            pieces.extend((!text.is_empty()).then(|| Piece::Text(std::mem::take(&mut text))));
            pieces.push(piece);
            template = after;
        } else {
            text.push(*first);
            template = rest;
        }
    }
    pieces.extend((!text.is_empty()).then_some(Piece::Text(text)));
    pieces
}
