//! Protection against forged requests: a secret in a cookie, its masked form in every browser form.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use actix_web::http::header::{COOKIE, ORIGIN};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orrery_core::{Entropy, EntropyExt as _, TokenHash};
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::ApiError;
use crate::cookie::{self, CookiePolicy};

/// Length of the secret, in bytes.
const SECRET: usize = 32;
/// How long a browser keeps the cookie: one year.
const MAX_AGE: Duration = Duration::from_secs(31_536_000);

/// The secret of one browser.
#[derive(Clone)]
pub struct CsrfSecret([u8; SECRET]);

impl std::fmt::Debug for CsrfSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CsrfSecret(…)")
    }
}

impl CsrfSecret {
    /// A fresh secret.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(entropy.bytes())
    }

    /// The secret for a form: Base64 of a one-time key followed by key XOR secret, so that two pages never carry
    /// the same text and compression cannot leak it.
    #[must_use]
    pub fn masked(&self, entropy: &dyn Entropy) -> String {
        let key: [u8; SECRET] = entropy.bytes();
        let mut token = [0; 2 * SECRET];
        token[..SECRET].copy_from_slice(&key);
        for (out, (key, secret)) in token[SECRET..].iter_mut().zip(key.iter().zip(self.0)) {
            *out = key ^ secret;
        }
        STANDARD.encode(token)
    }

    /// Whether a sent token, masked or plain, carries this secret. Takes the same time for every wrong one.
    #[must_use]
    pub fn matches(&self, token: &str) -> bool {
        unmask(token).is_some_and(|sent| bool::from(sent.ct_eq(&self.0)))
    }

    /// What a flow remembers its browser by. The secret is random, so a plain SHA-256 reveals nothing.
    #[must_use]
    pub fn fingerprint(&self) -> TokenHash {
        let mut hash = [0; SECRET];
        hash.copy_from_slice(digest::digest(&digest::SHA256, &self.0).as_ref());
        TokenHash(hash)
    }

    /// The cookie's value: standard Base64.
    fn encoded(&self) -> String {
        STANDARD.encode(self.0)
    }
}

/// The secret in a token of either form.
fn unmask(token: &str) -> Option<[u8; SECRET]> {
    // Nothing longer can be a token; do not decode megabytes to find out.
    if token.len() > 4 * SECRET {
        return None;
    }
    let bytes = STANDARD.decode(token).ok()?;
    if let Ok(plain) = bytes.as_slice().try_into() {
        return Some(plain);
    }
    let masked: [u8; 2 * SECRET] = bytes.try_into().ok()?;
    let mut secret = [0; SECRET];
    for (out, (key, masked)) in secret.iter_mut().zip(masked[..SECRET].iter().zip(&masked[SECRET..])) {
        *out = key ^ masked;
    }
    Some(secret)
}

/// The cookie of one public address.
#[derive(Debug, Clone)]
pub struct Csrf {
    name: String,
    policy: CookiePolicy,
}

impl Csrf {
    /// The cookie is named after the public base URL, so that two deployments on one host keep theirs apart.
    #[must_use]
    pub fn new(public_base: &Url, policy: CookiePolicy) -> Self {
        let hash = digest::digest(&digest::SHA256, public_base.as_str().as_bytes());
        Self { name: format!("csrf_token_{}", hex::encode(hash)), policy }
    }

    /// The cookie's name.
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        &self.name
    }

    /// The browser's secret, when its cookie is well formed.
    #[must_use]
    pub fn read(&self, request: &HttpRequest) -> Option<CsrfSecret> {
        self.secrets(request).into_iter().next()
    }

    /// The browser's secret, or a fresh one together with the cookie that stores it.
    #[must_use]
    pub fn ensure(&self, request: &HttpRequest, entropy: &dyn Entropy) -> (CsrfSecret, Option<Cookie<'static>>) {
        self.read(request).map_or_else(
            || {
                let (secret, cookie) = self.rotate(entropy);
                (secret, Some(cookie))
            },
            |secret| (secret, None),
        )
    }

    /// A fresh secret and its cookie, after a session was issued or ended.
    #[must_use]
    pub fn rotate(&self, entropy: &dyn Entropy) -> (CsrfSecret, Cookie<'static>) {
        let secret = CsrfSecret::generate(entropy);
        let cookie = self.policy.cookie(&self.name, secret.encoded(), Some(MAX_AGE));
        (secret, cookie)
    }

    /// Refuses a browser submit unless the flow with this fingerprint was begun in this browser and the token carries
    /// the same secret. Another cookie of the name, which a neighbouring subdomain may have planted, vouches for nothing.
    ///
    /// # Errors
    /// 403 `security_csrf_violation`, with what is missing in `details`.
    pub fn check(&self, request: &HttpRequest, fingerprint: TokenHash, token: Option<&str>) -> Result<(), ApiError> {
        if !request.headers().contains_key(COOKIE) {
            return Err(violation("The request carries no Cookie header at all.", from_script(request)));
        }
        let owner = self.owner(request, fingerprint)?;
        let rejected = match token.filter(|token| !token.is_empty()) {
            Some(token) if owner.matches(token) => return Ok(()),
            Some(_) => "The csrf_token field does not belong to the anti-CSRF cookie.",
            None => "The csrf_token field is missing.",
        };
        Err(violation(rejected, from_script(request)))
    }

    /// The secret of the browser that a flow with this fingerprint belongs to.
    ///
    /// # Errors
    /// 403 `security_csrf_violation` for every other browser.
    pub fn owner(&self, request: &HttpRequest, fingerprint: TokenHash) -> Result<CsrfSecret, ApiError> {
        let owner = self.secrets(request).into_iter().find(|secret| secret.fingerprint() == fingerprint);
        owner.ok_or_else(|| {
            let missing = cookie::values(request, &self.name).is_empty();
            let rejected =
                if missing { "The anti-CSRF cookie is missing." } else { "The flow was begun in another browser." };
            violation(rejected, from_script(request))
        })
    }

    fn secrets(&self, request: &HttpRequest) -> Vec<CsrfSecret> {
        let values = cookie::values(request, &self.name).into_iter();
        values.filter_map(|value| STANDARD.decode(value).ok()?.try_into().ok().map(CsrfSecret)).collect()
    }
}

/// Whether a page's script made the request, as current browsers say themselves.
fn from_script(request: &HttpRequest) -> bool {
    request.headers().get("sec-fetch-mode").is_some_and(|mode| mode == "cors" || mode == "same-origin")
}

fn violation(rejected: &'static str, from_script: bool) -> ApiError {
    let hint = if from_script {
        "Send cookies with the request (credentials: \"include\") and the flow's csrf_token field."
    } else {
        "Start the flow again in the same browser, with cookies allowed."
    };
    ApiError::forbidden("A security check failed: the request may not come from the page that started it.")
        .with_id("security_csrf_violation")
        .with_detail("reject_reason", rejected)
        .with_detail("hint", hint)
        .with_detail(
            "docs",
            "https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html",
        )
}

/// Refuses a browser on a flow for native apps, which has no CSRF token: no `Origin`, and no cookies but those that
/// Cloudflare adds.
///
/// # Errors
/// 400, saying which header gave it away.
pub fn refuse_browser(request: &HttpRequest) -> Result<(), ApiError> {
    if request.headers().contains_key(ORIGIN) {
        return Err(ApiError::bad_request(
            "This flow is for native apps: the request must not carry an Origin header. In a browser, use a browser flow.",
        ));
    }
    let by_proxy = |name: &str| ["__cf", "_cf", "cf_"].iter().any(|prefix| name.starts_with(prefix));
    if cookie::all(request).iter().any(|(name, _)| !by_proxy(name)) {
        return Err(ApiError::bad_request(
            "This flow is for native apps: the request must not carry cookies. In a browser, use a browser flow.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use actix_web::cookie::SameSite;
    use actix_web::test::TestRequest;
    use orrery_core::SystemEntropy;
    use proptest::prelude::*;

    use super::*;

    fn csrf() -> Csrf {
        let policy = CookiePolicy { domain: None, path: "/".to_owned(), same_site: SameSite::Lax, secure: true };
        Csrf::new(&Url::parse("https://id.example.org/").expect("valid"), policy)
    }

    fn with_cookie(cookie: &Cookie<'_>) -> HttpRequest {
        TestRequest::post().insert_header((COOKIE, format!("{}={}", cookie.name(), cookie.value()))).to_http_request()
    }

    #[test]
    fn masked_and_plain_tokens_pass_and_nothing_else() {
        let entropy = SystemEntropy::default();
        let (secret, cookie) = csrf().rotate(&entropy);
        let request = with_cookie(&cookie);
        let (first, second) = (secret.masked(&entropy), secret.masked(&entropy));
        assert_ne!(first, second);
        assert_eq!((cookie.value().len(), first.len()), (44, 88));
        for token in [first.as_str(), second.as_str(), cookie.value()] {
            assert!(csrf().check(&request, secret.fingerprint(), Some(token)).is_ok());
        }
        let stranger = CsrfSecret::generate(&entropy).masked(&entropy);
        for token in [None, Some(""), Some(stranger.as_str()), Some(&first[..80]), Some("====")] {
            let error = csrf().check(&request, secret.fingerprint(), token).expect_err("refused");
            assert_eq!((error.status().as_u16(), error.id()), (403, Some("security_csrf_violation")));
        }
    }

    #[test]
    fn a_missing_or_planted_cookie_does_not_pass() {
        let entropy = SystemEntropy::default();
        let (secret, cookie) = csrf().rotate(&entropy);
        let token = secret.masked(&entropy);
        let check = |request: &HttpRequest, token: &str| csrf().check(request, secret.fingerprint(), Some(token));
        assert!(check(&TestRequest::post().to_http_request(), &token).is_err());
        let other = TestRequest::post().insert_header((COOKIE, "a=b")).to_http_request();
        assert!(check(&other, &token).is_err());
        let (known, planted) = csrf().rotate(&entropy);
        assert!(check(&with_cookie(&planted), &token).is_err());
        let both = format!("{0}={1}; {0}={2}", cookie.name(), planted.value(), cookie.value());
        let request = TestRequest::post().insert_header((COOKIE, both)).to_http_request();
        assert!(check(&request, &token).is_ok(), "a planted second cookie must not lock the person out");
        let of_planted = known.masked(&entropy);
        assert!(check(&request, &of_planted).is_err(), "nor may its token be good for the person's flow");
    }

    #[test]
    fn another_browser_does_not_own_a_flow() {
        let entropy = SystemEntropy::default();
        let (secret, cookie) = csrf().rotate(&entropy);
        let (_, other) = csrf().rotate(&entropy);
        assert!(csrf().owner(&with_cookie(&cookie), secret.fingerprint()).is_ok());
        for stranger in [with_cookie(&other), TestRequest::get().to_http_request()] {
            let error = csrf().owner(&stranger, secret.fingerprint()).expect_err("refused");
            assert_eq!(error.id(), Some("security_csrf_violation"));
        }
    }

    #[test]
    fn the_cookie_is_named_after_the_address_and_kept() {
        let entropy = SystemEntropy::default();
        let (_, cookie) = csrf().rotate(&entropy);
        assert_eq!(csrf().cookie_name().len(), "csrf_token_".len() + 64);
        assert!(csrf().ensure(&with_cookie(&cookie), &entropy).1.is_none());
        assert!(csrf().ensure(&TestRequest::get().to_http_request(), &entropy).1.is_some());
        let text = cookie.to_string();
        assert!(text.contains("Max-Age=31536000") && text.contains("HttpOnly"), "{text}");
    }

    #[test]
    fn a_browser_cannot_use_a_native_flow() {
        let with = |name: &'static str, value: &'static str| {
            refuse_browser(&TestRequest::post().insert_header((name, value)).to_http_request())
        };
        assert!(refuse_browser(&TestRequest::post().to_http_request()).is_ok());
        assert!(with("Cookie", "__cf_bm=1; _cfuvid=2; cf_clearance=3").is_ok());
        assert!(with("Cookie", "__cf_bm=1; session=2").is_err());
        assert!(with("Origin", "https://evil.example").is_err());
        assert!(with("Origin", "null").is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_a_token_by_chance(token in ".{0,200}") {
            prop_assert!(!CsrfSecret::generate(&SystemEntropy::default()).matches(&token));
        }
    }
}
