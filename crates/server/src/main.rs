//! The `orrery` program.

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::print_stderr, reason = "the last word of a command that failed")]
fn main() -> ExitCode {
    // Before there are threads. A huge page is resident as a whole as soon as one byte of it is used: with a heap for each
    // thread, an idle server would take twice the memory, and a busy one is no faster for it.
    #[cfg(target_os = "linux")]
    let _: Result<(), _> = rustix::thread::disable_transparent_huge_pages(true);
    match orrery_server::run_command(orrery_server::cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("orrery: {why:#}");
            ExitCode::FAILURE
        }
    }
}
