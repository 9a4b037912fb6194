// What the suites used and no log may show: they write it down, and after the run the server's log is searched for it.
import { appendFileSync, readFileSync } from "node:fs";

/** Writes down values that must not appear in a log. */
export function remember(...values) {
  const file = process.env.ORRERY_E2E_SECRETS;
  if (file) appendFileSync(file, values.map((value) => `${value}\n`).join(""));
}

/** How many values were written down, and those of them that the log shows. */
export function leaked(secretsFile, logFile) {
  const log = readFileSync(logFile, "utf8");
  const values = [...new Set(readFileSync(secretsFile, "utf8").split("\n"))].filter((value) => value !== "");
  const shown = values.filter((value) => {
    // A code has only six digits: a part of a longer number, or a fraction of a second, is not one.
    if (/^\d{6}$/.test(value)) return new RegExp(`(?<![\\w.:-])${value}(?![\\w-])`).test(log);
    return log.includes(value);
  });
  return { searched: values.length, shown };
}
