// People who do not exist yet.
import { randomBytes } from "node:crypto";

/** A new person: an address nobody uses, and a password that no rule refuses. */
export function newPerson() {
  const id = randomBytes(6).toString("hex");
  return { email: `ada-${id}@example.org`, name: "Ada Lovelace", password: `correct ${id} horse` };
}
