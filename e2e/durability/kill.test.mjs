// A process that is killed while it writes loses nothing that it had acknowledged.
import assert from "node:assert/strict";
import { test } from "node:test";
import { database } from "../support/environment.mjs";
import { binary } from "../support/paths.mjs";
import { newInstallation } from "../support/server.mjs";
import { newPerson } from "../support/people.mjs";

const WRITERS = 16;
const ACKNOWLEDGED_BEFORE_THE_END = 300;

test("after SIGKILL under load, every acknowledged identity is still there", async () => {
  const smtpPort = Number(process.env.ORRERY_E2E_SMTP_PORT);
  const installation = await newInstallation({ binary: binary(), database, smtpPort, name: "killed" });
  const server = await installation.start();
  const acknowledged = [];
  let ended = null;

  const writer = async () => {
    while (!ended) {
      const { email } = newPerson();
      const answer = await create(installation.adminUrl, email).catch(() => null);
      if (answer?.status === 201) acknowledged.push((await answer.json()).id);
      else if (!ended) assert.fail(`creating answered ${answer?.status}`);
      if (acknowledged.length >= ACKNOWLEDGED_BEFORE_THE_END && !ended) ended = server.kill();
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, () => writer().catch((error) => ended ?? Promise.reject(error))));
  await ended;

  const again = await installation.start();
  try {
    for (const id of acknowledged) {
      const answer = await fetch(`${installation.adminUrl}/admin/identities/${id}`);
      assert.equal(answer.status, 200, `identity ${id} was acknowledged and is lost`);
    }
    assert.ok(acknowledged.length >= ACKNOWLEDGED_BEFORE_THE_END);
  } finally {
    await again.stop();
    await installation.remove();
  }
});

function create(adminUrl, email) {
  return fetch(`${adminUrl}/admin/identities`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ schema_id: "person", traits: { email } }),
  });
}
