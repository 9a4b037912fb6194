//! Keys of keyset pages.

use orrery_core::{Page, Timestamp};
use uuid::Uuid;

/// The place of a row in a list that runs from the newest to the oldest, as page keys carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: Timestamp,
    pub(crate) id: Uuid,
}

impl Place {
    pub(crate) fn key(self) -> String {
        format!("{}.{}", self.at.as_micros(), self.id)
    }

    /// None for a key that [`Place::key`] did not write.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        let (at, id) = key.split_once('.')?;
        Some(Self { at: Timestamp::from_micros(at.parse().ok()?), id: Uuid::try_parse(id).ok()? })
    }
}

/// The page of a query that asked for one row more than the page holds, to learn whether there is another page.
pub(crate) fn keyset<T>(mut rows: Vec<T>, size: u32, key: impl Fn(&T) -> String) -> Page<T> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    let next = if more { rows.last().map(key) } else { None };
    Page { items: rows, next, total: None }
}

/// A page that nothing is on: the answer to a key that the store did not write.
pub(crate) const fn empty<T>() -> Page<T> {
    Page { items: Vec::new(), next: None, total: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_nothing_else_does() {
        let place = Place { at: Timestamp::from_micros(-5), id: Uuid::from_u128(7) };
        assert_eq!(Place::parse(&place.key()), Some(place));
        for bad in ["", ".", "5", "5.", "x.00000000-0000-0000-0000-000000000007", "5.7"] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_a_full_page_has_a_next_one() {
        assert_eq!(keyset(vec![1, 2, 3], 2, ToString::to_string).next.as_deref(), Some("2"));
        assert_eq!(keyset(vec![1, 2], 2, ToString::to_string).next, None);
    }
}
