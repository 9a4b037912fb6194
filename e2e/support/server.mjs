// The server under test.
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newCertificates } from "./certificates.mjs";
import { configuration } from "./config.mjs";
import { newDatabase } from "./databases.mjs";
import { here } from "./paths.mjs";
import { freePorts } from "./ports.mjs";
import { end, launch, newFolder, ready, removeFolder } from "./processes.mjs";

/**
 * A configuration on a new database: a server can be started on it, ended, and started again. It logs as much as
 * anybody would switch on, because tests search the log for secrets. With a `host` it speaks TLS under that name.
 */
export async function newInstallation(options) {
  const { binary, database, smtpPort, name = "server", log: level = "debug", proofs = "code", oauth2, host } = options;
  const folder = newFolder("e2e");
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
      const stdio = ["ignore", "pipe", "pipe"];
      const child = launch(binary, ["serve", "all", "--config", file], { cwd: folder, stdio });
      const output = createWriteStream(log, { flags: "a" });
      child.stdout.pipe(output);
      child.stderr.pipe(output);
      try {
        await ready(`${urls.adminUrl}/health/ready`, child);
      } catch (error) {
        await end(child, "SIGKILL");
        throw new Error(`no server: ${error.message}; its log: ${log}`);
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
      removeFolder(folder);
    },
  };
}
