// The same request many times, by Debian's wrk.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const CONNECTIONS = 32;

/** Ends the program when wrk is not installed. */
export function requireWrk() {
  try {
    execFileSync("sh", ["-c", "command -v wrk"]);
  } catch {
    console.error("wrk is missing. Install it (Debian: apt-get install wrk).");
    process.exit(1);
  }
}

/** Rate and latencies of `seconds` of GETs, or of POSTs of a form. Throws when an answer was not 2xx. */
export async function httpLoad(url, { seconds, headers = {}, form }) {
  if (form === undefined) return load(url, { seconds, headers });
  const folder = mkdtempSync(join(tmpdir(), "orrery-load-"));
  try {
    return await load(url, { seconds, headers, script: ["--script", posting(folder, form)] });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A script that has wrk post a form. */
function posting(folder, form) {
  const script = join(folder, "post.lua");
  const body = new URLSearchParams(form).toString();
  const type = `wrk.headers["content-type"] = "application/x-www-form-urlencoded"`;
  writeFileSync(script, `wrk.method = "POST"\nwrk.body = "${body}"\n${type}\n`);
  return script;
}

async function load(url, { seconds, headers, script = [] }) {
  const lines = Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`]);
  const parameters = ["--threads", "1", "--connections", CONNECTIONS, "--duration", `${seconds}s`, "--latency", ...script];
  const { stdout } = await promisify(execFile)("wrk", [...parameters.map(String), ...lines, url]);
  if (/Non-2xx/.test(stdout)) throw new Error(`${url}: ${stdout}`);
  return {
    rate: Math.round(Number(stdout.match(/Requests\/sec:\s+([\d.]+)/)[1])),
    p50: milliseconds(stdout.match(/^\s+50%\s+(\S+)/m)[1]),
    p99: milliseconds(stdout.match(/^\s+99%\s+(\S+)/m)[1]),
  };
}

function milliseconds(text) {
  const [, number, unit] = text.match(/^([\d.]+)(us|ms|s)$/);
  return Number((Number(number) * { us: 0.001, ms: 1, s: 1000 }[unit]).toFixed(2));
}
