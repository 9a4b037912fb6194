//! `orrery identities export`.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::PAGE;
use super::row::KINDS;
use crate::commands::client::AdminClient;
use crate::commands::progress::Progress;
use crate::commands::say;

pub(super) async fn export(client: &AdminClient, file: &Path, credentials: bool) -> anyhow::Result<()> {
    let mut query = vec![("page_size", PAGE.to_string())];
    if credentials {
        query.extend(KINDS.iter().map(|kind| ("include_credential", (*kind).to_owned())));
    }
    let mut pages = client.pages(&["admin", "identities"], query);
    let mut target = Target::open(file)?;
    let (mut exported, mut progress) = (0, Progress::new("exported"));
    while let Some(rows) = pages.next().await? {
        for row in &rows {
            let mut line = row.clone();
            if let (Some(row), false) = (line.as_object_mut(), credentials) {
                row.remove("credentials");
            }
            serde_json::to_writer(&mut target.writer, &line)?;
            target.writer.write_all(b"\n")?;
        }
        exported += rows.len();
        progress.tell(|| exported.to_string());
    }
    let told = target.finish()?;
    if told { say(&format!("exported {exported} identities to {}", file.display())) } else { Ok(()) }
}

/// A file that has its name only once it is whole, or standard output.
struct Target {
    writer: BufWriter<Box<dyn Write>>,
    renamed: Option<(PathBuf, PathBuf)>,
}

impl Target {
    fn open(file: &Path) -> anyhow::Result<Self> {
        if file.as_os_str() == "-" {
            return Ok(Self { writer: BufWriter::new(Box::new(io::stdout())), renamed: None });
        }
        let mut part = file.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let opened = private(&part).with_context(|| format!("{} cannot be written", part.display()))?;
        Ok(Self { writer: BufWriter::new(Box::new(opened)), renamed: Some((part, file.to_owned())) })
    }

    /// Whether there is a file, so that standard output is free for words.
    fn finish(mut self) -> anyhow::Result<bool> {
        self.writer.flush()?;
        let Some((part, file)) = self.renamed else { return Ok(false) };
        std::fs::rename(&part, &file).with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(true)
    }
}

/// A new file that only its owner can read, whoever was allowed to read an older one of that name.
fn private(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        Err(_) | Ok(()) => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
