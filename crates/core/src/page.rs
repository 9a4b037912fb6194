//! Pages of a list: by keyset (fast at any depth) or by number (for older clients).

/// What part of a list the caller asked for. Sizes are already within the surface's bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageRequest {
    /// `size` rows after the row that the opaque token names; from the start without one.
    Keyset {
        /// Rows per page, at least one.
        size: u32,
        /// The key of the last row of the page before, as the store wrote it.
        after: Option<String>,
    },
    /// Page number `page`, counted from zero. The store counts all rows too.
    Numbered {
        /// Page number, from zero.
        page: u32,
        /// Rows per page, at least one.
        size: u32,
    },
}

impl PageRequest {
    /// Rows per page.
    #[must_use]
    pub const fn size(&self) -> u32 {
        match self {
            Self::Keyset { size, .. } | Self::Numbered { size, .. } => *size,
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, in list order.
    pub items: Vec<T>,
    /// The key to ask the next page with; none on the last page.
    pub next: Option<String>,
    /// How many rows the whole list has; counted for numbered pages, and on lists that are always short.
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// The same page with every row changed.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next, total: self.total }
    }
}
