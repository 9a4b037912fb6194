//! Whether a script or a browser is asking.

use actix_web::HttpRequest;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE};

/// What the client would rather read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preferred {
    /// A page, or a redirect to one. Also the answer to no `Accept` header and to `*/*`.
    Html,
    /// JSON.
    Json,
}

/// What the `Accept` header asks for, of HTML and JSON. Ties go to the more specific range, then to HTML.
///
/// The test for flow initialisation and for redirects after completion.
#[must_use]
pub fn preferred(request: &HttpRequest) -> Preferred {
    let accept: Vec<&str> = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok()).collect();
    let accept = accept.join(",");
    let html = weight(&accept, "text", "html");
    let json = weight(&accept, "application", "json");
    if json > html { Preferred::Json } else { Preferred::Html }
}

/// Whether submits and errors are answered in JSON: `Accept` prefers it, or the request itself is JSON.
#[must_use]
pub fn wants_json(request: &HttpRequest) -> bool {
    let sent = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let sends_json = sent.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    sends_json || preferred(request) == Preferred::Json
}

/// Quality in thousandths and specificity of the range that decides about a type; the most specific range does.
fn weight(accept: &str, kind: &str, subtype: &str) -> (u16, u8) {
    let mut decided: Option<(u8, u16)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some((range_kind, range_subtype)) = parts.next().and_then(|range| range.split_once('/')) else { continue };
        let specificity = match (range_kind, range_subtype) {
            ("*", "*") => 1,
            (range_kind, "*") if range_kind.eq_ignore_ascii_case(kind) => 2,
            (range_kind, range_subtype)
                if range_kind.eq_ignore_ascii_case(kind) && range_subtype.eq_ignore_ascii_case(subtype) =>
            {
                3
            }
            _ => continue,
        };
        let quality = parts
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(1000, |(_, value)| thousandths(value.trim()));
        decided = decided.max(Some((specificity, quality)));
    }
    // A range of quality zero excludes the type: it must not win by being specific.
    decided.filter(|(_, quality)| *quality > 0).map_or((0, 0), |(specificity, quality)| (quality, specificity))
}

fn thousandths(quality: &str) -> u16 {
    let quality: f32 = quality.parse().unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1 just before")]
    let thousandths = (if quality.is_nan() { 0.0 } else { quality.clamp(0.0, 1.0) } * 1000.0) as u16;
    thousandths
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn accepts(accept: &str) -> Preferred {
        preferred(&TestRequest::get().insert_header((ACCEPT, accept)).to_http_request())
    }

    #[test]
    fn scripts_get_json_and_navigations_html() {
        for json in [
            "application/json",
            "application/json, text/plain, */*",
            "text/html;q=0.5, application/json",
            "APPLICATION/JSON",
            "application/*",
            "text/html;q=0, */*",
            "application/json; charset=utf-8; q=0.1",
        ] {
            assert_eq!(accepts(json), Preferred::Json, "{json}");
        }
        for html in [
            "",
            "*/*",
            "text/html",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text/html, application/json",
            "application/json;q=0.5, text/html",
            "application/json;q=0",
            "application/json;q=nan",
            "text/plain",
            "nonsense",
            ";;;,,,///",
        ] {
            assert_eq!(accepts(html), Preferred::Html, "{html}");
        }
        assert_eq!(preferred(&TestRequest::get().to_http_request()), Preferred::Html);
    }

    #[test]
    fn a_json_body_asks_for_a_json_answer() {
        let with = |kind: &str| wants_json(&TestRequest::post().insert_header((CONTENT_TYPE, kind)).to_http_request());
        assert!(with("application/json"));
        assert!(with("application/json; charset=utf-8"));
        assert!(!with("application/x-www-form-urlencoded"));
        assert!(!with("application/jsonp"));
    }
}
