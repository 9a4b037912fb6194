//! Which scripts may read an answer: those of the configured origins, and what a request's own client adds to them.

use actix_web::HttpMessage as _;
use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use orrery_core::origin::OriginPattern;

/// Origins that may read answers.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<OriginPattern>);

impl Origins {
    /// Reads patterns. What is none allows nothing: see [`OriginPattern::parse`].
    #[must_use]
    pub fn new(patterns: &[String]) -> Self {
        Self(patterns.iter().filter_map(|pattern| OriginPattern::parse(pattern)).collect())
    }

    /// Whether a script of this origin may read the answer.
    #[must_use]
    pub fn allow(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| self.0.iter().any(|pattern| pattern.fits(origin)))
    }

    /// Allows these for the answer to this request, besides those of the configuration.
    pub fn allow_for(self, request: &HttpRequest) {
        request.extensions_mut().insert(self);
    }
}
