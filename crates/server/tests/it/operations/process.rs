//! The program itself, as an operator starts it.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// `orrery` with a private working directory and nothing of our own environment that it would read.
pub(super) fn orrery(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orrery"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a command to its end.
pub(super) async fn output(folder: &Path, arguments: &[&str]) -> Output {
    orrery(folder, arguments).output().await.expect("it runs")
}

/// A program that serves, in development mode on free ports.
pub(super) struct Running {
    pub(super) public: String,
    pub(super) admin: String,
    pub(super) folder: TempDir,
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    log: Vec<String>,
}

impl Running {
    pub(super) async fn start(folder: TempDir, arguments: &[&str], level: &str) -> Self {
        let mut command = orrery(folder.path(), arguments);
        command
            .env("ORRERY__SERVE__PUBLIC__PORT", "0")
            .env("ORRERY__SERVE__ADMIN__PORT", "0")
            .env("ORRERY__LOG__FORMAT", "json")
            .env("ORRERY__LOG__LEVEL", level)
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let lines = BufReader::new(child.stderr.take().expect("its log")).lines();
        let mut running = Self { public: String::new(), admin: String::new(), folder, child, lines, log: Vec::new() };
        let ready = running.wait_for("ready").await;
        let address = |name: &str| ready[name].as_str().expect("an address").trim_end_matches('/').to_owned();
        (running.public, running.admin) = (address("public"), address("admin"));
        running
    }

    /// The next line with this message.
    pub(super) async fn wait_for(&mut self, message: &str) -> Value {
        while let Some(line) = self.lines.next_line().await.expect("readable") {
            let parsed: Value = serde_json::from_str(&line).unwrap_or_default();
            self.log.push(line);
            if parsed["message"].as_str().is_some_and(|said| said.starts_with(message)) {
                return parsed;
            }
        }
        panic!("it ended without saying {message:?}:\n{}", self.log.join("\n"));
    }

    pub(super) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().await.expect("kill runs");
        assert!(sent.success());
    }

    /// Stops it gracefully; its folder, for the next one.
    pub(super) async fn ended(mut self) -> TempDir {
        self.signal("TERM").await;
        assert!(self.child.wait().await.expect("it ends").success());
        self.folder
    }

    /// Stops it gracefully; everything that it has said.
    pub(super) async fn stop(mut self) -> (bool, String) {
        self.signal("TERM").await;
        while let Some(line) = self.lines.next_line().await.expect("readable") {
            self.log.push(line);
        }
        let status = self.child.wait().await.expect("it ends");
        (status.success(), self.log.join("\n"))
    }
}
