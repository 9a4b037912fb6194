"""Makes hashes.json with implementations that have nothing to do with ours: passlib, argon2-cffi, bcrypt, Python's
hashlib and hmac, and cryptography for AES. Salts are fixed, so that running it again changes nothing.

    pip install passlib==1.7.4 argon2-cffi bcrypt cryptography
    python generate.py > hashes.json
"""

import base64
import hashlib
import hmac
import json
import re
from binascii import hexlify

import argon2.low_level
import bcrypt
import passlib.crypto._md4
import passlib.hash
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PASSWORDS = ["correct horse battery staple", "pässwörd ✓", "x" * 80, "{SALT}{PASSWORD}$"]
SALT = bytes(range(200, 216))
vectors = []


def b64(data):
    return base64.b64encode(data).decode()


def raw(data):
    return b64(data).rstrip("=")


def add(made_by, password, text):
    vectors.append({"made_by": made_by, "password": password, "hash": text})


for password in PASSWORDS:
    secret = password.encode()
    # bcrypt sees 72 bytes; the library refuses more, so it is given what every other one would look at.
    made = bcrypt.hashpw(secret[:72], b"$2b$04$abcdefghijklmnopqrstuu").decode()
    for prefix in ["$2$", "$2a$", "$2b$", "$2y$", "$2z$"]:
        add("bcrypt", password, prefix + made.split("$", 2)[2])

    for kind, name in [(argon2.low_level.Type.ID, "id"), (argon2.low_level.Type.I, "i")]:
        made = argon2.low_level.hash_secret(secret, SALT, 2, 256, 2, 32, kind, 19)
        add("argon2-cffi", password, made.decode())

    for digest, size in [("sha1", 20), ("sha224", 28), ("sha256", 32), ("sha384", 48), ("sha512", 64)]:
        made = hashlib.pbkdf2_hmac(digest, secret, SALT, 1000, size)
        add("hashlib.pbkdf2_hmac", password, f"$pbkdf2-{digest}$i=1000,l={size}${raw(SALT)}${raw(made)}")
        # Two blocks, so that their order counts; padded, and without a length.
        made = hashlib.pbkdf2_hmac(digest, secret, SALT, 3, size + 8)
        add("hashlib.pbkdf2_hmac", password, f"$pbkdf2-{digest}$i=3${b64(SALT)}${b64(made)}")
    # What Kratos calls sha224 and sha384 here are SHA3-224 and SHA3-384.
    for digest, size in [("224", 28), ("384", 48)]:
        made = hashlib.pbkdf2_hmac("sha3-" + digest, secret, SALT, 1000, size)
        add("hashlib.pbkdf2_hmac, SHA-3", password, f"$pbkdf2-sha{digest}$i=1000,l={size}${raw(SALT)}${raw(made)}")
    made = passlib.hash.pbkdf2_sha512.using(rounds=7, salt=SALT).hash(secret).split("$")
    salt, made = (part.replace(".", "+") for part in made[3:])
    add("passlib.hash.pbkdf2_sha512", password, f"$pbkdf2-sha512$i=7,l=64${salt}${made}")

    made = hashlib.scrypt(secret, salt=SALT, n=1024, r=8, p=2, dklen=32)
    add("hashlib.scrypt", password, f"$scrypt$ln=1024,r=8,p=2${b64(SALT)}${b64(made)}")
    made = hashlib.scrypt(secret, salt=SALT, n=256, r=4, p=1, dklen=64)
    add("hashlib.scrypt", password, f"$scrypt$ln=256,r=4,p=1${raw(SALT)}${raw(made)}")
    # passlib's own notation, in which ln is the logarithm.
    add("passlib.hash.scrypt", password, passlib.hash.scrypt.using(rounds=9, salt=SALT).hash(secret))

    signer, separator = bytes(range(64)), b"\x07"
    key = hashlib.scrypt(secret, salt=SALT + separator, n=1024, r=8, p=1, dklen=64)[:32]
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    made = encryptor.update(signer) + encryptor.finalize()
    parts = [b64(SALT), b64(made), b64(separator), b64(signer)]
    add("hashlib.scrypt and cryptography", password, "$firescrypt$ln=10,r=8,p=1$" + "$".join(parts))

    for scheme in [passlib.hash.ldap_salted_sha1, passlib.hash.ldap_salted_sha256, passlib.hash.ldap_salted_sha512]:
        add(f"passlib.hash.{scheme.name}", password, scheme.using(salt=SALT).hash(secret))

    templates = [b"{SALT}{PASSWORD}", b"{PASSWORD}{SALT}", b"{SALT}$${PASSWORD}--{SALT}", b"pepper:{PASSWORD}"]
    for digest in ["md5", "sha1", "sha256", "sha512"]:
        for template in templates:
            # In one pass: what a password or a salt contains is not replaced again.
            known = {b"{SALT}": SALT, b"{PASSWORD}": secret}
            data = b"".join(known.get(piece, piece) for piece in re.split(rb"({SALT}|{PASSWORD})", template))
            made = hashlib.new(digest, data).digest()
            add(f"hashlib.{digest}", password, f"${digest}$pf={b64(template)}${b64(SALT)}${b64(made)}")
    add("hashlib.md5", password, f"$md5${b64(hashlib.md5(secret).digest())}")

    for scheme, number in [("md5_crypt", 1), ("sha256_crypt", 5), ("sha512_crypt", 6)]:
        hasher = getattr(passlib.hash, scheme)
        name = scheme.replace("_", "-")
        variants = [hasher.using(salt="saltsalt")]
        if number != 1:
            variants = [variants[0].using(rounds=rounds) for rounds in (5000, 1000, 1234)]
        for variant in variants:
            made = variant.hash(secret)
            add(f"passlib.hash.{scheme}", password, made)
            add(f"passlib.hash.{scheme}", password, f"${name}${made.split('$', 2)[2]}")

    for digest in ["md4", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"]:
        for key in [b"key", SALT, bytes(range(150))]:
            function = passlib.crypto._md4.md4 if digest == "md4" else getattr(hashlib, digest)
            made = hmac.new(key, secret, function).digest()
            add("hmac", password, f"$hmac-{digest}${b64(hexlify(made))}${b64(key)}")

# Published by others.
add("firebase/scrypt, README", "user1password", (
    "$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo"
    "78198JAdRuid5lQ==$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
))
add("Kratos", "123456", "$md5$4QrcOUm6Wau+VuBX8g+IPg==")
add("Kratos", "test", "$sha1$pf=e1NBTFR9e1BBU1NXT1JEfQ==$NW9wbWtnejAzcg==$2qU2SGWP8viTM1md3FiI3+rjWXQ=")
add("Kratos", "test", (
    "$scrypt$ln=16384,r=8,p=1$2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA=$MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE="
))
# By crypt(3) of glibc 2.36.
add("glibc", "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5")
add("glibc", "Hello world!", "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA")
add("glibc", "Hello world!", (
    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
))
add("RFC 6070", "password", f"$pbkdf2-sha1$i=2,l=20${raw(b'salt')}${raw(bytes.fromhex('ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957'))}")
add("RFC 7914", "pleaseletmein", f"$scrypt$ln=16384,r=8,p=1${raw(b'SodiumChloride')}" + "$" + raw(bytes.fromhex(
    "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887")))

print("[\n" + ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors) + "\n]")
