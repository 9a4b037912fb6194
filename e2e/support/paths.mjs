// Where things are.
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the black-box tests. */
export const here = dirname(dirname(fileURLToPath(import.meta.url)));

/** The root of the repository. */
export const root = dirname(here);

/** The binary under test: $ORRERY_BINARY, else the debug build. */
export function binary() {
  const target = resolve(root, process.env.CARGO_TARGET_DIR ?? "target");
  const path = process.env.ORRERY_BINARY ?? join(target, "debug", "orrery");
  if (!existsSync(path)) {
    console.error(`${path} does not exist. Build it first: cargo build --package orrery-server (or: make e2e).`);
    process.exit(1);
  }
  return path;
}
