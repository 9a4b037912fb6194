// People who do not exist yet.
import { randomBytes } from "node:crypto";
import { remember } from "./secrets.mjs";

/** A new person: an address nobody uses, and a password that no rule refuses. */
export function newPerson() {
  const id = randomBytes(6).toString("hex");
  const person = { email: `ada-${id}@example.org`, name: "Ada Lovelace", password: `correct ${id} horse` };
  remember(person.email, person.password);
  return person;
}
