//! `orrery identities import`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::row::Row;
use crate::commands::client::{AdminClient, Problem};
use crate::commands::progress::Progress;
use crate::commands::say;

/// Rows of one request: not more than may bring passwords in clear.
const ROWS: usize = 200;
/// Bytes of one request, far below what the server accepts.
const BYTES: usize = 1 << 20;
/// The longest line, in bytes.
const LONGEST_LINE: usize = 4 << 20;
/// How often a request is sent while the server is busy.
const TRIES: u32 = 10;

pub(super) async fn import(client: &AdminClient, file: &Path) -> anyhow::Result<()> {
    let mut lines = open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut import = Import { client, created: 0, existing: 0, failed: 0, progress: Progress::new("imported") };
    let mut waiting: Vec<Row> = Vec::new();
    let mut number = 0;
    while let Some(line) = next_line(&mut lines)? {
        number += 1;
        match line.and_then(|text| Row::read(number, &text)) {
            Ok(None) => {}
            Ok(Some(row)) => {
                let size: usize = waiting.iter().map(|row| row.size).sum();
                if waiting.len() >= ROWS || (!waiting.is_empty() && size + row.size > BYTES) {
                    import.send(std::mem::take(&mut waiting)).await?;
                }
                waiting.push(row);
            }
            Err(why) => import.fail(number, &why),
        }
    }
    import.send(waiting).await?;
    import.end()
}

struct Import<'a> {
    client: &'a AdminClient,
    created: usize,
    existing: usize,
    failed: usize,
    progress: Progress,
}

impl Import<'_> {
    async fn send(&mut self, rows: Vec<Row>) -> anyhow::Result<()> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
        let place = format!("lines {} to {}", first.line, last.line);
        let items: Vec<_> = rows.iter().map(|row| json!({"create": row.body})).collect();
        let answer = match self.patch(&json!({"identities": items})).await {
            Ok(answer) => answer,
            // One line can make a whole request unreadable; alone, it can be named.
            Err(Problem::Refused { status: 400 | 413, .. }) if rows.len() > 1 => {
                for row in rows {
                    Box::pin(self.send(vec![row])).await?;
                }
                return Ok(());
            }
            Err(Problem::Refused { status: 400 | 413, said }) => {
                self.fail(first.line, &said);
                return Ok(());
            }
            Err(why) => {
                let counted = self.counted();
                return Err(why).context(format!(
                    "stopped at {place}; {counted}. Run it again when the cause is gone: what exists is left as it is"
                ));
            }
        };
        let outcomes = answer["identities"].as_array().cloned().unwrap_or_default();
        if outcomes.len() != rows.len() {
            bail!("stopped at {place}: the server answered for {} of {} rows", outcomes.len(), rows.len());
        }
        let mut taken = Vec::new();
        for (row, outcome) in rows.iter().zip(&outcomes) {
            if outcome["action"] == "create" {
                self.created += 1;
            } else if outcome["error"]["code"] == 409 {
                taken.push((row, reason(outcome)));
            } else {
                self.fail(row.line, &reason(outcome));
            }
        }
        self.sort_out(taken).await?;
        let counted = self.counted();
        self.progress.tell(|| counted);
        Ok(())
    }

    /// Whoever is refused because something is taken either exists already, or clashes with somebody else.
    async fn sort_out(&mut self, taken: Vec<(&Row, String)>) -> anyhow::Result<()> {
        let ids: Vec<(&str, &str)> = taken.iter().filter_map(|(row, _)| Some(("ids", row.id.as_deref()?))).collect();
        let known: BTreeSet<String> = if ids.is_empty() {
            BTreeSet::new()
        } else {
            let query: Vec<_> = ids.into_iter().chain([("page_size", "500")]).collect();
            let found = self.client.get(&["admin", "identities"], &query).await?;
            let found = found.as_array().into_iter().flatten();
            found.filter_map(|identity| identity["id"].as_str().map(str::to_owned)).collect()
        };
        for (row, reason) in taken {
            match &row.id {
                // A row without an id can only be told from others by what is taken.
                None => self.existing += 1,
                Some(id) if known.contains(id) => self.existing += 1,
                Some(_) => self.fail(row.line, &format!("somebody else has it: {reason}")),
            }
        }
        Ok(())
    }

    /// Sends again while the server is busy: what was created meanwhile is then found to exist.
    async fn patch(&self, body: &Value) -> Result<Value, Problem> {
        let mut tries = 1;
        loop {
            match self.client.send("PATCH", &["admin", "identities"], Some(body)).await {
                Err(Problem::Busy { retry_after, .. }) if tries < TRIES => tokio::time::sleep(retry_after).await,
                outcome => return outcome,
            }
            tries += 1;
        }
    }

    #[expect(clippy::print_stderr, reason = "each failure is told when it happens")]
    fn fail(&mut self, line: usize, why: &str) {
        self.failed += 1;
        eprintln!("line {line}: {why}");
    }

    fn counted(&self) -> String {
        format!("{} created, {} existed already, {} failed", self.created, self.existing, self.failed)
    }

    fn end(self) -> anyhow::Result<()> {
        say(&self.counted())?;
        if self.failed == 0 { Ok(()) } else { Err(anyhow::anyhow!("{} lines could not be imported", self.failed)) }
    }
}

fn reason(outcome: &Value) -> String {
    let text = |member: &str| outcome["error"][member].as_str();
    text("reason").or_else(|| text("message")).unwrap_or("the server gave no reason").to_owned()
}

fn open(file: &Path) -> io::Result<Box<dyn BufRead>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    Ok(Box::new(BufReader::new(File::open(file)?)))
}

/// The next line, or what is wrong with it; none at the end.
fn next_line(lines: &mut dyn BufRead) -> io::Result<Option<Result<String, String>>> {
    let mut line = Vec::new();
    let read = io::Read::take(&mut *lines, LONGEST_LINE as u64).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if read == LONGEST_LINE && line.last() != Some(&b'\n') {
        skip_line(lines)?;
        return Ok(Some(Err(format!("longer than {LONGEST_LINE} bytes"))));
    }
    Ok(Some(String::from_utf8(line).map_err(|_| "not UTF-8".to_owned())))
}

fn skip_line(lines: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = lines.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        lines.consume(length);
        if end.is_some() {
            return Ok(());
        }
    }
}
