// The server under test.
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newCertificates } from "./certificates.mjs";
import { configuration } from "./config.mjs";
import { newDatabase } from "./databases.mjs";
import { here } from "./paths.mjs";
import { freePorts } from "./ports.mjs";

const READY_MILLISECONDS = 30_000;
const STOP_MILLISECONDS = 40_000;

/**
 * A configuration on a new database: a server can be started on it, ended, and started again. It logs as much as
 * anybody would switch on, because tests search the log for secrets. With a `host` it speaks TLS under that name.
 */
export async function newInstallation(options) {
  const { binary, database, smtpPort, name = "server", log: level = "debug", proofs = "code", oauth2, host } = options;
  const folder = mkdtempSync(join(tmpdir(), "orrery-e2e-"));
  const { url: databaseUrl, remove } = await newDatabase(database, folder);
  const [publicPort, adminPort] = await freePorts(2);
  const file = join(folder, "orrery.yaml");
  const certificates = host && newCertificates(folder, host);
  const publicUrl = host ? `https://${host}:${publicPort}` : `http://127.0.0.1:${publicPort}`;
  const tls = certificates && { cert: { path: certificates.certificate }, key: { path: certificates.key } };
  const secure = { tls, baseUrl: publicUrl };
  const config = configuration({ publicPort, adminPort, databaseUrl, smtpPort, level, proofs, oauth2, ...secure });
  writeFileSync(file, JSON.stringify(config, null, 2));
  const artifacts = join(here, "artifacts");
  mkdirSync(artifacts, { recursive: true });
  const log = join(artifacts, `${name}-${database}.log`);
  writeFileSync(log, "");
  const urls = { publicUrl, adminUrl: `http://127.0.0.1:${adminPort}` };

  return {
    ...urls,
    log,
    authority: certificates?.authority,
    secrets: config.secrets.default,
    /** Starts the server and waits until it is ready. */
    async start() {
      const child = spawn(binary, ["serve", "all", "--config", file], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
      const output = createWriteStream(log, { flags: "a" });
      child.stdout.pipe(output);
      child.stderr.pipe(output);
      try {
        await ready(urls.adminUrl, child);
      } catch (error) {
        child.kill("SIGKILL");
        throw new Error(`${error.message}; its log: ${log}`);
      }
      return {
        pid: child.pid,
        /** Asks the server to stop; false when it did not end by itself with success. */
        async stop() {
          const code = await end(child, "SIGTERM");
          if (code !== 0) console.error(`the server ended with ${code ?? "a signal"}; its log: ${log}`);
          return code === 0;
        },
        /** Ends the server as a power cut would. */
        kill: () => end(child, "SIGKILL"),
      };
    },
    /** Removes the database and the configuration. */
    async remove() {
      await remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Ends a process and says with which code; by force when it takes too long. */
export async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, "exit");
  child.kill(signal);
  const force = setTimeout(() => child.kill("SIGKILL"), STOP_MILLISECONDS);
  const [code] = await ended;
  clearTimeout(force);
  return code;
}

/** Waits until a server answers at one of its addresses that it is ready. */
export async function ready(address, child) {
  const deadline = Date.now() + READY_MILLISECONDS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode} before it was ready`);
    const answer = await fetch(`${address}/health/ready`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resume) => setTimeout(resume, 5));
  }
  throw new Error(`the server was not ready within ${READY_MILLISECONDS} ms`);
}
