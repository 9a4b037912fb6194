//! Printing what a server says: for people in columns, for programs as JSON.

use std::io::{self, Write as _};
use std::ops::ControlFlow;

use serde_json::Value;

use crate::cli::Format;

/// No column is wider: one long value must not push the others off the screen.
const WIDEST: usize = 60;

/// One column of a table.
pub(in crate::commands) struct Column {
    /// What stands at its top.
    pub(in crate::commands) title: &'static str,
    /// What a row has there.
    pub(in crate::commands) cell: fn(&Value) -> String,
}

/// Prints rows as they come, so that a long list can be read, or cut off, while it is still being fetched.
pub(in crate::commands) struct Printer {
    format: Format,
    columns: &'static [Column],
    widths: Vec<usize>,
    printed: usize,
    limit: usize,
}

impl Printer {
    /// Prints at most `limit` rows.
    pub(in crate::commands) fn new(format: Format, columns: &'static [Column], limit: Option<usize>) -> Self {
        let limit = limit.unwrap_or(usize::MAX);
        Self { format, columns, widths: Vec::new(), printed: 0, limit }
    }

    /// Prints the next rows. `Break` when nobody reads any more, or enough is printed.
    ///
    /// # Errors
    /// When standard output fails.
    pub(in crate::commands) fn rows(&mut self, rows: &[Value]) -> anyhow::Result<ControlFlow<()>> {
        let rows = &rows[..rows.len().min(self.limit - self.printed)];
        let text = match self.format {
            Format::Table => self.table(rows),
            Format::Json => self.json(rows),
        };
        self.printed += rows.len();
        let heard = write(&text)?;
        Ok(if self.printed == self.limit { ControlFlow::Break(()) } else { heard })
    }

    /// Prints what stands after the last row.
    ///
    /// # Errors
    /// When standard output fails.
    pub(in crate::commands) fn end(mut self) -> anyhow::Result<()> {
        let text = match (self.format, self.printed) {
            (Format::Table, 0) => self.table(&[]),
            (Format::Table, _) => return Ok(()),
            (Format::Json, 0) => "[]\n".to_owned(),
            (Format::Json, _) => "\n]\n".to_owned(),
        };
        write(&text).map(|_| ())
    }

    /// Prints one thing by itself.
    ///
    /// # Errors
    /// When standard output fails.
    pub(in crate::commands) fn one(format: Format, columns: &'static [Column], row: &Value) -> anyhow::Result<()> {
        match format {
            Format::Json => write(&format!("{row:#}\n")).map(|_| ()),
            Format::Table => {
                let text = Self::new(format, columns, None).table(std::slice::from_ref(row));
                write(&text).map(|_| ())
            }
        }
    }

    fn json(&self, rows: &[Value]) -> String {
        let separator = |index| if self.printed + index == 0 { "[\n" } else { ",\n" };
        rows.iter().enumerate().map(|(index, row)| format!("{}{row}", separator(index))).collect()
    }

    fn table(&mut self, rows: &[Value]) -> String {
        let cells: Vec<Vec<String>> =
            rows.iter().map(|row| self.columns.iter().map(|column| cut(&(column.cell)(row))).collect()).collect();
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.to_owned()).collect();
        let first = self.widths.is_empty();
        self.widths.resize(titles.len(), 0);
        for line in cells.iter().chain(first.then_some(&titles)) {
            for (width, cell) in self.widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        first.then_some(&titles).into_iter().chain(&cells).map(|line| aligned(line, &self.widths)).collect()
    }
}

fn aligned(line: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    for (cell, width) in line.iter().zip(widths) {
        text.push_str(&format!("{cell:<width$}  "));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// On one line, and without what would make a terminal do something: values come from strangers.
pub(in crate::commands) fn plain(text: &str) -> String {
    let hostile =
        |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
    text.chars().map(|c| if hostile(c) { '\u{fffd}' } else { c }).collect()
}

/// [`plain`], and short.
fn cut(cell: &str) -> String {
    let plain = plain(cell);
    if plain.chars().count() <= WIDEST {
        return plain;
    }
    plain.chars().take(WIDEST - 1).chain(['…']).collect()
}

/// To standard output. `Break` when the reader has gone away (`| head`), which is no error.
fn write(text: &str) -> anyhow::Result<ControlFlow<()>> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(why) => Err(why.into()),
    }
}

/// The text at this place; empty when there is none.
pub(in crate::commands) fn text(row: &Value, pointer: &str) -> String {
    match row.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A moment to the second.
pub(in crate::commands) fn local_time(row: &Value, pointer: &str) -> String {
    let text = text(row, pointer);
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: &[Column] = &[
        Column { title: "ID", cell: |row| text(row, "/id") },
        Column { title: "NAME", cell: |row| text(row, "/name") },
    ];

    #[test]
    fn columns_stay_aligned_over_pages() {
        let mut printer = Printer::new(Format::Table, COLUMNS, None);
        let first = printer.table(&[json!({"id": "1", "name": "Ada"})]);
        assert_eq!(first, "ID  NAME\n1   Ada\n");
        assert_eq!(printer.table(&[json!({"id": 22_222, "name": null})]), "22222\n");
        assert_eq!(printer.table(&[json!({"id": "3", "name": "Grace"})]), "3      Grace\n");
    }

    #[test]
    fn a_name_cannot_command_the_terminal() {
        let mut printer = Printer::new(Format::Table, COLUMNS, None);
        let shown = printer.table(&[json!({"id": "\u{1b}[2J\r\n\u{9b}31m", "name": "\u{202e}nimda"})]);
        assert!(!shown.contains(['\u{1b}', '\r', '\u{9b}', '\u{202e}']), "{shown:?}");
        assert_eq!(shown.lines().count(), 2);
        assert!(cut(&"x".repeat(1000)).chars().count() <= WIDEST);
    }

    #[test]
    fn pages_are_one_json_list() {
        let mut printer = Printer::new(Format::Json, COLUMNS, None);
        let mut all = printer.json(&[json!({"id": 1}), json!({"id": 2})]);
        printer.printed = 2;
        all += &printer.json(&[json!({"id": 3})]);
        all += "\n]\n";
        assert_eq!(serde_json::from_str::<Value>(&all).expect("JSON"), json!([{"id": 1}, {"id": 2}, {"id": 3}]));
    }
}
