//! Against the test vectors of the RFCs, and against josekit's own OpenSSL implementation in both directions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::Jwk as JoseJwk;
use josekit::jws::{ES256, ES384, ES512, EdDSA, HS256, HS512, PS256, PS384, PS512, RS256, RS384, RS512};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::RsaSize;
use crate::jwk::{Jwk, generate};
use crate::store::KeyUse;

/// RFC 7520 section 3.4.
pub(crate) fn rfc7520_rsa() -> Value {
    json!({
        "kty": "RSA", "kid": "bilbo.baggins@hobbiton.example", "use": "sig",
        "n": "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw",
        "e": "AQAB",
        "d": "bWUC9B-EFRIo8kpGfh0ZuyGPvMNKvYWNtB_ikiH9k20eT-O1q_I78eiZkpXxXQ0UTEs2LsNRS-8uJbvQ-A1irkwMSMkK1J3XTGgdrhCku9gRldY7sNA_AKZGh-Q661_42rINLRCe8W-nZ34ui_qOfkLnK9QWDDqpaIsA-bMwWWSDFu2MUBYwkHTMEzLYGqOe04noqeq1hExBTHBOBdkMXiuFhUq1BU6l-DqEiWxqg82sXt2h-LMnT3046AOYJoRioz75tSUQfGCshWTBnP5uDjd18kKhyv07lhfSJdrPdM5Plyl21hsFf4L_mHCuoFau7gdsPfHPxxjVOcOpBrQzwQ",
        "p": "3Slxg_DwTXJcb6095RoXygQCAZ5RnAvZlno1yhHtnUex_fp7AZ_9nRaO7HX_-SFfGQeutao2TDjDAWU4Vupk8rw9JR0AzZ0N2fvuIAmr_WCsmGpeNqQnev1T7IyEsnh8UMt-n5CafhkikzhEsrmndH6LxOrvRJlsPp6Zv8bUq0k",
        "q": "uKE2dh-cTf6ERF4k4e_jy78GfPYUIaUyoSSJuBzp3Cubk3OCqs6grT8bR_cu0Dm1MZwWmtdqDyI95HrUeq3MP15vMMON8lHTeZu2lmKvwqW7anV5UzhM1iZ7z4yMkuUwFWoBvyY898EXvRD-hdqRxHlSqAZ192zB3pVFJ0s7pFc",
        "dp": "B8PVvXkvJrj2L-GYQ7v3y9r6Kw5g9SahXBwsWUzp19TVlgI-YV85q1NIb1rxQtD-IsXXR3-TanevuRPRt5OBOdiMGQp8pbt26gljYfKU_E9xn-RULHz0-ed9E9gXLKD4VGngpz-PfQ_q29pk5xWHoJp009Qf1HvChixRX59ehik",
        "dq": "CLDmDGduhylc9o7r84rEUVn7pzQ6PF83Y-iBZx5NT-TpnOZKF1pErAMVeKzFEl41DlHHqqBLSM0W1sOFbwTxYWZDm6sI6og5iTbwQGIC3gnJKbi_7k_vJgGHwHxgPaX2PnvP-zyEkDERuf-ry4c_Z11Cq9AqC2yeL6kdKT1cYF8",
        "qi": "3PiqvXQN0zwMeE-sBvZgi289XP9XCQF3VWqPzMKnIgQp7_Tugo6-NZBKCQsMf3HaEGBjTVJs_jcK8-TRXvaKe-7ZMaQj8VfBdYkssbu0NKDDhjJ-GtiseaDVWt7dcH0cfwxgFUHpQh7FoCrjFJ6h6ZEpMF6xmujs4qMpPz8aaI4",
    })
}

/// The payload of RFC 7520 section 4, encoded.
const PAYLOAD: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";
/// The claims of RFC 7515 appendix A.1 to A.3, encoded.
const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

struct Vector {
    source: &'static str,
    algorithm: SigningAlgorithm,
    key: Value,
    header: &'static str,
    payload: &'static str,
    signature: &'static str,
}

fn vectors() -> Vec<Vector> {
    use SigningAlgorithm as A;
    vec![
        Vector {
            source: "RFC 7515 A.1",
            algorithm: A::HS256,
            key: json!({"kty": "oct", "kid": "a1",
                "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}),
            header: "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
            payload: CLAIMS,
            signature: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        },
        Vector {
            source: "RFC 7515 A.2",
            algorithm: A::RS256,
            key: json!({"kty": "RSA", "kid": "a2", "e": "AQAB",
                "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}),
            header: "eyJhbGciOiJSUzI1NiJ9",
            payload: CLAIMS,
            signature: "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        },
        Vector {
            source: "RFC 7515 A.3",
            algorithm: A::ES256,
            key: json!({"kty": "EC", "kid": "a3", "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}),
            header: "eyJhbGciOiJFUzI1NiJ9",
            payload: CLAIMS,
            signature: "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        },
        Vector {
            source: "RFC 7515 A.4",
            algorithm: A::ES512,
            key: json!({"kty": "EC", "kid": "a4", "crv": "P-521",
                "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
                "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
                "d": "AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C"}),
            header: "eyJhbGciOiJFUzUxMiJ9",
            payload: "UGF5bG9hZA",
            signature: "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
        },
        Vector {
            source: "RFC 7520 4.1",
            algorithm: A::RS256,
            key: rfc7520_rsa(),
            header: "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            payload: PAYLOAD,
            signature: "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
        },
        Vector {
            source: "RFC 7520 4.2",
            algorithm: A::PS384,
            key: rfc7520_rsa(),
            header: "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            payload: PAYLOAD,
            signature: "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
        },
        Vector {
            source: "RFC 7520 4.3",
            algorithm: A::ES512,
            key: json!({"kty": "EC", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "crv": "P-521",
                "x": "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",
                "y": "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1",
                "d": "AAhRON2r9cqXX1hg-RoI6R1tX5p2rUAYdmpHZoC1XNM56KtscrX6zbKipQrCW9CGZH3T4ubpnoTKLDYJ_fF3_rJt"}),
            header: "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            payload: PAYLOAD,
            signature: "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2",
        },
        Vector {
            source: "RFC 7520 4.4",
            algorithm: A::HS256,
            key: json!({"kty": "oct", "kid": "018c0ae5-4d9b-471b-bfd6-eef314bc7037", "use": "sig", "alg": "HS256",
                "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}),
            header: "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9",
            payload: PAYLOAD,
            signature: "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
        },
        Vector {
            source: "RFC 8037 A.4",
            algorithm: A::EdDSA,
            key: json!({"kty": "OKP", "kid": "a4", "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}),
            header: "eyJhbGciOiJFZERTQSJ9",
            payload: "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            signature: "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        },
    ]
}

fn raw(key: &Value) -> RawJwk {
    serde_json::from_value(key.clone()).expect("a key")
}

#[test]
fn the_vectors_of_the_rfcs_verify_and_deterministic_ones_are_repeated() {
    for vector in vectors() {
        let key = raw(&vector.key);
        let message = format!("{}.{}", vector.header, vector.payload);
        let signature = URL_SAFE_NO_PAD.decode(vector.signature).expect("base64url");
        let verifier = Verifier::new(vector.algorithm, &key).expect(vector.source);
        verifier.verify(message.as_bytes(), &signature).expect(vector.source);
        assert!(verifier.verify(b"another message", &signature).is_err(), "{}", vector.source);
        if vector.key.get("d").is_none() && vector.key.get("k").is_none() {
            continue;
        }
        let ours = Signer::new(vector.algorithm, &key).expect(vector.source).sign(message.as_bytes()).expect("signed");
        verifier.verify(message.as_bytes(), &ours).expect(vector.source);
        let deterministic = match vector.algorithm.scheme() {
            Scheme::Rsa(padding, _) => padding == crate::algorithm::Padding::Pkcs1,
            Scheme::Ed25519 | Scheme::Hmac(_) => true,
            Scheme::Ecdsa(_) => false,
        };
        assert_eq!(ours == signature, deterministic, "{}", vector.source);
    }
}

/// A key of ours for every algorithm.
fn key_for(algorithm: SigningAlgorithm) -> Jwk {
    let symmetric = |bytes: usize| json!({"kty": "oct", "kid": "k", "k": URL_SAFE_NO_PAD.encode(vec![7; bytes])});
    let mut key = match algorithm.scheme() {
        Scheme::Rsa(..) => rfc7520_rsa(),
        Scheme::Hmac(_) => symmetric(64),
        Scheme::Ecdsa(_) | Scheme::Ed25519 => {
            return generate(algorithm, KeyUse::Signature, "k".to_owned(), RsaSize::Bits2048).expect("generated");
        }
    };
    key["alg"] = json!(algorithm.name());
    Jwk::import(raw(&key)).expect("a good key")
}

/// josekit's signer and verifier for the same key.
fn josekit(algorithm: SigningAlgorithm, key: &Jwk) -> (Box<dyn JwsSigner>, Box<dyn JwsVerifier>) {
    use SigningAlgorithm as A;
    macro_rules! both {
        ($algorithm:expr, $key:expr) => {
            (
                Box::new($algorithm.signer_from_jwk($key).expect("signer")),
                Box::new($algorithm.verifier_from_jwk($key).expect("verifier")),
            )
        };
    }
    let key = key.to_value().expect("json");
    let key = &JoseJwk::from_map(key.as_object().expect("object").clone()).expect("a key");
    match algorithm {
        A::RS256 => both!(RS256, key),
        A::RS384 => both!(RS384, key),
        A::RS512 => both!(RS512, key),
        A::PS256 => both!(PS256, key),
        A::PS384 => both!(PS384, key),
        A::PS512 => both!(PS512, key),
        A::ES256 => both!(ES256, key),
        A::ES384 => both!(ES384, key),
        A::ES512 => both!(ES512, key),
        A::EdDSA => both!(EdDSA, key),
        A::HS256 => both!(HS256, key),
        A::HS512 => both!(HS512, key),
    }
}

#[test]
fn josekit_accepts_our_signatures_and_we_accept_its() {
    let message = b"header.payload";
    for algorithm in SigningAlgorithm::ALL {
        let key = key_for(algorithm);
        let signer = key.signer().expect("good").expect("private");
        let verifier = key.verifier().expect("good").expect("signing");
        let (their_signer, their_verifier) = josekit(algorithm, &key);
        let ours = signer.sign(message).expect("signed");
        assert_eq!(ours.len(), signer.signature_len(), "{algorithm}");
        assert!(their_verifier.verify(message, &ours).is_ok(), "{algorithm}");
        let theirs = their_signer.sign(message).expect("signed");
        assert!(verifier.accepts(message, &theirs), "{algorithm}");
        assert_eq!((JwsSigner::algorithm(&signer).name(), signer.key_id()), (algorithm.name(), Some(key.kid())));
        assert_eq!(their_signer.signature_len(), signer.signature_len(), "{algorithm}");
    }
}

#[test]
fn a_changed_or_cut_signature_never_verifies() {
    let message = b"header.payload";
    for algorithm in SigningAlgorithm::ALL {
        let key = key_for(algorithm);
        let signature = key.signer().expect("good").expect("private").sign(message).expect("signed");
        let verifier = key.verifier().expect("good").expect("signing");
        for position in 0..signature.len() {
            let mut changed = signature.clone();
            changed[position] ^= 0x10;
            assert!(verifier.verify(message, &changed).is_err(), "{algorithm} byte {position}");
            assert!(verifier.verify(message, &signature[..position]).is_err(), "{algorithm} cut at {position}");
        }
        let mut longer = signature.clone();
        longer.push(0);
        assert!(verifier.verify(message, &longer).is_err(), "{algorithm}");
    }
}

#[test]
fn keys_are_not_printed() {
    let key = key_for(SigningAlgorithm::ES256);
    let printed = format!("{key:?} {:?} {:?}", key.signer(), key.verifier());
    let value = key.to_value().expect("json");
    for member in ["d", "x", "y"] {
        assert!(!printed.contains(value[member].as_str().expect("text")), "{member} in {printed}");
    }
}

proptest! {
    #[test]
    fn arbitrary_signatures_never_verify_and_never_panic(
        which in 0..SigningAlgorithm::ALL.len(),
        message in proptest::collection::vec(any::<u8>(), 0..64),
        signature in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        // One key per algorithm is enough, and RSA import is slow.
        static KEYS: std::sync::OnceLock<Vec<Verifier>> = std::sync::OnceLock::new();
        let keys = KEYS.get_or_init(|| {
            SigningAlgorithm::ALL.map(|algorithm| key_for(algorithm).verifier().expect("good").expect("signing")).to_vec()
        });
        prop_assert!(keys[which].verify(&message, &signature).is_err());
    }
}
