// Processes and folders that the tests make. None of them outlives the program that made it, however that ends.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const READY_MILLISECONDS = 30_000;
const STOP_MILLISECONDS = 40_000;

const running = new Map();
const folders = new Set();
process.once("exit", () => {
  for (const [child, signal] of running) child.kill(signal);
  for (const folder of folders) removeFolder(folder);
});
// Whom a signal ends, that one does not get there by itself.
for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]]) process.once(signal, () => process.exit(code));

/** A new folder of one's own. */
export function newFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `orrery-${name}-`));
  folders.add(folder);
  return folder;
}

/** Removes it before the end. */
export function removeFolder(folder) {
  // A process that was ended just now may still have been writing.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  folders.delete(folder);
}

/** Starts a process. Whoever leaves it running has it ended by the signal `last`. */
export function launch(program, parameters, options, last = "SIGKILL") {
  const child = spawn(program, parameters, options);
  running.set(child, last);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Ends a process and says with which code; by force when it takes too long. */
export async function end(child, signal) {
  if (gone(child)) return child.exitCode;
  const ended = once(child, "exit");
  child.kill(signal);
  const force = setTimeout(() => child.kill("SIGKILL"), STOP_MILLISECONDS);
  const [code] = await ended;
  clearTimeout(force);
  return code;
}

/** Waits until a process answers at an address with success. */
export async function ready(address, child) {
  const deadline = AbortSignal.timeout(READY_MILLISECONDS);
  while (!deadline.aborted) {
    if (gone(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode} before it was ready`);
    const answer = await fetch(address, { signal: deadline }).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resume) => setTimeout(resume, 5));
  }
  throw new Error(`it was not ready at ${address} within ${READY_MILLISECONDS} ms`);
}

function gone({ exitCode, signalCode }) {
  return exitCode !== null || signalCode !== null;
}
