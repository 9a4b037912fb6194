// What a process uses, as Linux tells it.
import { readFileSync, writeFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;

/** Resident and peak memory in megabytes. */
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (name) => Math.round(Number(status.match(new RegExp(`${name}:\\s+(\\d+) kB`))[1]) / 1024);
  return { resident: megabytes("VmRSS"), peak: megabytes("VmHWM") };
}

/** Runs `work`; says how many processors the process kept busy meanwhile. Peak memory counts from here. */
export async function measured(pid, work) {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const [before, begin] = [processorSeconds(pid), performance.now()];
  const result = await work();
  const elapsed = (performance.now() - begin) / 1000;
  return { result, processors: Number(((processorSeconds(pid) - before) / elapsed).toFixed(2)) };
}

function processorSeconds(pid) {
  // The second field is a name in parentheses that may hold spaces; user and system time are the 14th and 15th field.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
