// Apache with its OpenID Connect and OAuth2 modules: a web server that signs people in and asks for tokens.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { relying } from "./environment.mjs";
import { freePorts } from "./ports.mjs";
import { end, launch, newFolder, ready, removeFolder } from "./processes.mjs";

const PROGRAM = "/usr/sbin/apache2";
const MODULES = ["mpm_event", "authn_core", "authz_core", "authz_user", "headers", "dir", "auth_openidc", "oauth2"];
const moduleFile = (name) => `/usr/lib/apache2/modules/mod_${name}.so`;

/** Starts it with what `directives` returns for its `url` and its copy of our authority's certificate. */
export async function startApache(directives) {
  for (const file of [PROGRAM, ...MODULES.map(moduleFile)]) {
    if (!existsSync(file)) throw new Error(`${file} is missing: run e2e/setup`);
  }
  const folder = newFolder("apache");
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  for (const name of ["open", "private", "api", "stateless"]) {
    mkdirSync(join(folder, "pages", name), { recursive: true });
    writeFileSync(join(folder, "pages", name, "index.html"), `<h1>${name}</h1>\n`);
  }
  // Started by root, it serves as somebody who may read no more than anybody.
  chmodSync(folder, 0o755);
  const authority = join(folder, "authority.pem");
  copyFileSync(relying.authority, authority);
  const log = join(folder, "error.log");
  const lines = [
    ...MODULES.map((name) => `LoadModule ${name}_module ${moduleFile(name)}`),
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
  // It ends its own processes when it is asked to end, and leaves them behind when it is killed.
  const child = launch(PROGRAM, ["-f", file, "-DFOREGROUND"], { stdio: "inherit" }, "SIGTERM");
  const stop = async () => {
    await end(child, "SIGTERM");
    removeFolder(folder);
  };
  try {
    await ready(`${url}/open/`, child);
  } catch (error) {
    const said = existsSync(log) ? readFileSync(log, "utf8") : "";
    await stop();
    throw new Error(`no Apache: ${error.message}\n${said}`);
  }
  return { url, log: () => readFileSync(log, "utf8"), stop };
}
