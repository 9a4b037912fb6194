// Apache with its OpenID Connect and OAuth2 modules: a web server that signs people in and asks for tokens.
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { relying } from "./environment.mjs";
import { freePorts } from "./ports.mjs";
import { end } from "./server.mjs";

const PROGRAM = "/usr/sbin/apache2";
const MODULES = "/usr/lib/apache2/modules";
const NAMES = ["mpm_event", "authn_core", "authz_core", "authz_user", "headers", "dir", "auth_openidc", "oauth2"];
const READY_MILLISECONDS = 15_000;

/** Starts it with what `directives` returns for its `url` and its copy of our authority's certificate. */
export async function startApache(directives) {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run e2e/setup`);
  const folder = mkdtempSync(join(tmpdir(), "orrery-apache-"));
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  for (const name of ["private", "api", "stateless"]) {
    mkdirSync(join(folder, "pages", name), { recursive: true });
    writeFileSync(join(folder, "pages", name, "index.html"), `<h1>${name}</h1>\n`);
  }
  // Started by root, it serves as somebody who may read no more than anybody.
  chmodSync(folder, 0o755);
  const authority = join(folder, "authority.pem");
  copyFileSync(relying.authority, authority);
  const log = join(folder, "error.log");
  const lines = [
    ...NAMES.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`),
    `ServerRoot ${folder}`,
    `DefaultRuntimeDir ${folder}`,
    `PidFile ${folder}/pid`,
    `ErrorLog ${log}`,
    "User www-data",
    "Group www-data",
    "ServerName 127.0.0.1",
    `Listen 127.0.0.1:${port}`,
    "StartServers 1",
    "ServerLimit 2",
    "ThreadsPerChild 8",
    "MaxRequestWorkers 16",
    "MinSpareThreads 4",
    "MaxSpareThreads 16",
    `DocumentRoot ${folder}/pages`,
    "DirectoryIndex index.html",
    ...directives({ url, authority }),
    "",
  ];
  const file = join(folder, "apache.conf");
  writeFileSync(file, lines.join("\n"), { mode: 0o600 });
  const child = spawn(PROGRAM, ["-f", file, "-DFOREGROUND"], { stdio: "inherit" });
  const stop = async () => {
    await end(child, "SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + READY_MILLISECONDS;
  while (!(await fetch(url).catch(() => null))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      const said = existsSync(log) ? readFileSync(log, "utf8") : "";
      await stop();
      throw new Error(`Apache did not start:\n${said}`);
    }
    await new Promise((resume) => setTimeout(resume, 50));
  }
  return { url, log: () => readFileSync(log, "utf8"), stop };
}
