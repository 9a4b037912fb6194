// Finding test files without a package for it.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { here } from "./paths.mjs";

/** Paths, from the test folder, of the files in `folder` whose names end with `ending`. */
export function globSync(folder, ending) {
  const names = readdirSync(join(here, folder)).filter((name) => name.endsWith(ending));
  return names.sort().map((name) => join(folder, name));
}
