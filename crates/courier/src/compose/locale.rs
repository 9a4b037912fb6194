//! Which languages somebody reads, best first.

/// Longer lists of preferences are cut: nobody reads that many languages.
const MAX_PREFERENCES: usize = 16;

/// Lower-case language tags, best first, each followed at some point by its primary language (`de-at`, `de`), the
/// default last. `wanted` is a tag or an `Accept-Language` header (RFC 9110, 12.5.4).
pub(super) fn preferences(wanted: Option<&str>, default: &str) -> Vec<String> {
    let mut weighted: Vec<(u16, &str)> =
        wanted.unwrap_or_default().split(',').take(MAX_PREFERENCES).filter_map(weighted_tag).collect();
    weighted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let mut tags = Vec::new();
    for tag in weighted.into_iter().map(|(_, tag)| tag).chain([default]) {
        let tag = tag.to_ascii_lowercase().replace('_', "-");
        let primary = tag.split('-').next().unwrap_or_default().to_owned();
        for tag in [tag, primary] {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
    }
    tags
}

/// A tag and its weight in thousandths; nothing for a refused (`q=0`), malformed or wildcard entry.
fn weighted_tag(entry: &str) -> Option<(u16, &str)> {
    let (tag, parameters) = entry.split_once(';').unwrap_or((entry, "q=1"));
    let tag = tag.trim();
    let quality: f32 = parameters.trim().strip_prefix("q=")?.parse().ok()?;
    let is_tag = (2..=35).contains(&tag.len())
        && tag.starts_with(|c: char| c.is_ascii_alphabetic())
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    (is_tag && quality > 0.0 && quality <= 1.0).then_some(((quality * 1000.0) as u16, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_order_and_the_default_ends() {
        assert_eq!(preferences(Some("en;q=0.5, de-AT, fr;q=0.8"), "en"), ["de-at", "de", "fr", "en"]);
        assert_eq!(preferences(Some("de_DE"), "en"), ["de-de", "de", "en"]);
        assert_eq!(preferences(None, "de"), ["de"]);
    }

    #[test]
    fn nonsense_is_ignored() {
        for text in ["", "*", "../../etc", "de;q=0", "de;q=x", "de;q=NaN", ",,,", &"x".repeat(9_000)] {
            assert_eq!(preferences(Some(text), "en"), ["en"], "{text:.20}");
        }
    }
}
