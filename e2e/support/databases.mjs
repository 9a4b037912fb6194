// A database of one's own.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import pg from "pg";

/** The URL of a new, empty database, and how to remove it. */
export async function newDatabase(kind, folder) {
  if (kind === "sqlite") {
    return { url: `sqlite://${join(folder, "orrery.db")}`, remove: async () => {} };
  }
  const server = process.env.ORRERY_TEST_POSTGRES;
  if (!server) throw new Error("ORRERY_TEST_POSTGRES is not set. Run this under e2e/postgres/with-postgres.");
  const name = `orrery_e2e_${randomBytes(6).toString("hex")}`;
  await execute(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.toString(), remove: () => execute(server, `DROP DATABASE ${name} WITH (FORCE)`) };
}

async function execute(server, statement) {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
