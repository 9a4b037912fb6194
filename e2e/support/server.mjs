// The server under test.
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configuration } from "./config.mjs";
import { newDatabase } from "./databases.mjs";
import { here } from "./paths.mjs";
import { freePorts } from "./ports.mjs";

const READY_MILLISECONDS = 30_000;
const STOP_MILLISECONDS = 40_000;

/** Starts the binary on a new database and waits until it is ready. Its log is kept in `artifacts/`. */
export async function startServer({ binary, database, smtpPort, adjust = (config) => config }) {
  const folder = mkdtempSync(join(tmpdir(), "orrery-e2e-"));
  const { url: databaseUrl, remove } = await newDatabase(database, folder);
  const [publicPort, adminPort] = await freePorts(2);
  const config = adjust(configuration({ publicPort, adminPort, databaseUrl, smtpPort }));
  const file = join(folder, "orrery.yaml");
  writeFileSync(file, JSON.stringify(config, null, 2));

  const artifacts = join(here, "artifacts");
  mkdirSync(artifacts, { recursive: true });
  const logFile = join(artifacts, `server-${database}.log`);
  const log = createWriteStream(logFile);
  const child = spawn(binary, ["serve", "all", "--config", file], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.pipe(log);
  child.stderr.pipe(log);

  const server = {
    pid: child.pid,
    publicUrl: `http://127.0.0.1:${publicPort}`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    /** Asks the server to stop; false when it did not end by itself with success. */
    async stop() {
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), STOP_MILLISECONDS);
      const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
      clearTimeout(force);
      await remove();
      rmSync(folder, { recursive: true, force: true });
      if (code !== 0) console.error(`the server ended with ${code ?? "a signal"}; its log: ${logFile}`);
      return code === 0;
    },
  };
  try {
    await ready(server, child);
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`${error.message}; its log: ${logFile}`);
  }
  return server;
}

async function ready(server, child) {
  const deadline = Date.now() + READY_MILLISECONDS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode} before it was ready`);
    const answer = await fetch(`${server.publicUrl}/health/ready`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resume) => setTimeout(resume, 5));
  }
  throw new Error(`the server was not ready within ${READY_MILLISECONDS} ms`);
}
