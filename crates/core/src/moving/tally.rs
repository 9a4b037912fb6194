//! What became of every row of the source.

use std::collections::BTreeMap;

/// Failures that are kept word for word; the rest is only counted.
const TOLD: usize = 200;

/// What became of the rows of one table. `source` is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Rows that were read.
    pub source: u64,
    /// Rows that are stored now and were not, or not so, before.
    pub copied: u64,
    /// Rows that needed no copying, or are not copied on purpose.
    pub skipped: u64,
    /// Rows that could not be copied.
    pub failed: u64,
}

/// One row that could not be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed<T> {
    /// Where it is.
    pub table: T,
    /// Which it is.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// What became of every row, by tables of the type `T`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally<T> {
    counts: BTreeMap<T, Count>,
    skipped: BTreeMap<(T, &'static str), u64>,
    failed: Vec<Failed<T>>,
    remarks: BTreeMap<&'static str, u64>,
}

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self { counts: BTreeMap::new(), skipped: BTreeMap::new(), failed: Vec::new(), remarks: BTreeMap::new() }
    }
}

impl<T: Copy + Ord> Tally<T> {
    /// The account of a table.
    #[must_use]
    pub fn count(&self, table: T) -> Count {
        self.counts.get(&table).copied().unwrap_or_default()
    }

    /// Why rows were skipped, and how many.
    pub fn skipped(&self) -> impl Iterator<Item = (T, &'static str, u64)> + '_ {
        self.skipped.iter().map(|((table, why), count)| (*table, *why, *count))
    }

    /// The first rows that could not be copied.
    #[must_use]
    pub fn failures(&self) -> &[Failed<T>] {
        &self.failed
    }

    /// What else is worth knowing, and how often it happened.
    pub fn remarks(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.remarks.iter().map(|(what, count)| (*what, *count))
    }

    /// How many rows could not be copied.
    #[must_use]
    pub fn all_failed(&self) -> u64 {
        self.counts.values().map(|count| count.failed).sum()
    }

    /// Rows were stored.
    pub fn copied(&mut self, table: T, rows: usize) {
        let count = self.counts.entry(table).or_default();
        count.source += rows as u64;
        count.copied += rows as u64;
    }

    /// Rows needed no copying, or are not copied on purpose.
    pub fn skip(&mut self, table: T, rows: usize, why: &'static str) {
        if rows == 0 {
            return;
        }
        let count = self.counts.entry(table).or_default();
        count.source += rows as u64;
        count.skipped += rows as u64;
        *self.skipped.entry((table, why)).or_default() += rows as u64;
    }

    /// A row could not be copied. The reason never repeats what the row holds.
    pub fn fail(&mut self, table: T, id: impl Into<String>, reason: impl Into<String>) {
        let count = self.counts.entry(table).or_default();
        count.source += 1;
        count.failed += 1;
        if self.failed.len() < TOLD {
            self.failed.push(Failed { table, id: id.into(), reason: reason.into() });
        }
    }

    /// Something else is worth knowing.
    pub fn remark(&mut self, what: &'static str, times: usize) {
        if times > 0 {
            *self.remarks.entry(what).or_default() += times as u64;
        }
    }
}
