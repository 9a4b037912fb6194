// Many GETs of one URL, by Debian's wrk.
import { execFile, execFileSync } from "node:child_process";
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

/** Rate and latencies of `seconds` of GETs. Throws when an answer was not 2xx. */
export async function getLoad(url, { seconds, headers = {} }) {
  const lines = Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`]);
  const parameters = ["--threads", "1", "--connections", CONNECTIONS, "--duration", `${seconds}s`, "--latency"];
  const { stdout } = await promisify(execFile)("wrk", [...parameters.map(String), ...lines, url]);
  if (/Non-2xx/.test(stdout)) throw new Error(`${url}: ${stdout}`);
  return {
    rate: Math.round(Number(stdout.match(/Requests\/sec:\s+([\d.]+)/)[1])),
    p50: milliseconds(stdout.match(/50%\s+(\S+)/)[1]),
    p99: milliseconds(stdout.match(/99%\s+(\S+)/)[1]),
  };
}

function milliseconds(text) {
  const [, number, unit] = text.match(/^([\d.]+)(us|ms|s)$/);
  return Number((Number(number) * { us: 0.001, ms: 1, s: 1000 }[unit]).toFixed(2));
}
