//! PostgreSQL's own client beside a running server: holds tables, ends connections, counts rows.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Ends the answer to a statement.
const END: &str = "--end of the answer--";

/// One session, ended when dropped.
pub struct Psql {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Psql {
    pub(crate) fn open(url: &str) -> Self {
        let mut child = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql is installed (Debian: apt-get install postgresql-client)");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        Self { child, input, output }
    }

    /// Keeps everybody else from this table until it is released.
    pub fn hold(&mut self, table: &str, hold: Hold) {
        let mode = match hold {
            Hold::Writes => "SHARE",
            Hold::Everything => "ACCESS EXCLUSIVE",
        };
        self.run(&format!("BEGIN; LOCK TABLE {table} IN {mode} MODE"));
    }

    /// Lets go of the table.
    pub fn release(&mut self) {
        self.run("ROLLBACK");
    }

    /// Ends the connections to this database that wait for a held table: in the middle of their work.
    pub fn end_waiting(&mut self) {
        self.run(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'",
        );
    }

    /// How many rows a table has.
    pub fn rows(&mut self, table: &str) -> u64 {
        self.run(&format!("SELECT count(*) FROM {table}")).trim().parse().expect("a number")
    }

    fn run(&mut self, statement: &str) -> String {
        writeln!(self.input, "{statement};\nSELECT '{END}';").expect("psql listens");
        let mut answer = String::new();
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("text");
            assert!(read > 0, "psql ended at: {statement}");
            if line.trim_end() == END {
                return answer;
            }
            answer.push_str(&line);
        }
    }
}

/// From what others are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Writing.
    Writes,
    /// Reading and writing.
    Everything,
}

impl Drop for Psql {
    fn drop(&mut self) {
        // It has ended already, or ends now.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}
