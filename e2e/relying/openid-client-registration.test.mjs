// A certified relying party that registers itself, looks after itself, and leaves.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as oidc from "openid-client";
import { CALLBACK } from "../support/client-addresses.mjs";
import { relying } from "../support/environment.mjs";
import { refusedWith, signedIn } from "../support/openid-client.mjs";
import { newAccount } from "../support/relying.mjs";
import { remember } from "../support/secrets.mjs";

let person;
before(async () => {
  person = await newAccount();
});

const METADATA = {
  client_name: "Photo printer",
  redirect_uris: [CALLBACK],
  scope: "openid offline_access email profile photos.read",
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  contacts: ["printer@example.org"],
};

async function register(metadata = {}, authentication = undefined) {
  const server = new URL(relying.publicUrl);
  const options = { execute: [oidc.enableNonRepudiationChecks] };
  const config = await oidc.dynamicClientRegistration(server, { ...METADATA, ...metadata }, authentication, options);
  const { client_secret, registration_access_token } = config.clientMetadata();
  remember(...[client_secret, registration_access_token].filter(Boolean));
  return config;
}

/** A request for a client's own registration (RFC 7592). */
async function manage(method, { registration_client_uri, registration_access_token }, body) {
  const answer = await fetch(registration_client_uri, {
    method,
    headers: { authorization: `Bearer ${registration_access_token}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  const document = text ? JSON.parse(text) : undefined;
  if (document?.registration_access_token) remember(document.registration_access_token);
  return { status: answer.status, document };
}

test("a client that registers itself can sign people in at once", async () => {
  const config = await register({ token_endpoint_auth_method: "client_secret_post" });
  const metadata = config.clientMetadata();
  assert.equal(metadata.client_secret_expires_at, 0);
  assert.deepEqual(metadata.redirect_uris, METADATA.redirect_uris);
  assert.deepEqual(metadata.contacts, METADATA.contacts);
  const { tokens } = await signedIn(config, person);
  assert.equal(tokens.claims().sub, person.id);
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, person.id);
  assert.equal(userinfo.email, person.email);
});

test("a public client gets no secret", async () => {
  const config = await register({ token_endpoint_auth_method: "none" }, oidc.None());
  assert.equal(config.clientMetadata().client_secret, undefined);
  const { tokens } = await signedIn(config, person);
  assert.equal(tokens.claims().sub, person.id);
});

test("a client reads, replaces and deletes its registration with a token that changes", async () => {
  const config = await register({ token_endpoint_auth_method: "client_secret_post" });
  const first = config.clientMetadata();
  const read = await manage("GET", first);
  assert.equal(read.status, 200);
  assert.equal(read.document.client_id, first.client_id);
  assert.equal(read.document.client_secret, undefined, "what is hashed cannot be told again");

  const changed = { ...METADATA, client_id: first.client_id, client_name: "Poster printer" };
  const replaced = await manage("PUT", first, { ...changed, token_endpoint_auth_method: "client_secret_post" });
  assert.equal(replaced.status, 200, JSON.stringify(replaced.document));
  assert.equal(replaced.document.client_name, "Poster printer");
  assert.notEqual(replaced.document.registration_access_token, first.registration_access_token);
  assert.equal((await manage("GET", first)).status, 401, "the token before is worth nothing");
  const { tokens } = await signedIn(config, person);
  assert.ok(tokens.access_token, "the secret stays");

  const second = { ...first, registration_access_token: replaced.document.registration_access_token };
  assert.equal((await manage("DELETE", second)).status, 204);
  assert.equal((await manage("GET", second)).status, 401);
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), refusedWith("invalid_client", 401));
});

test("what a client may not say about itself is refused by name", async () => {
  for (const member of [{ skip_consent: true }, { owner: "me" }, { redirect_uris: ["https://app.example/#here"] }]) {
    const [name] = Object.keys(member);
    await assert.rejects(register(member), ({ error, error_description }) => {
      return ["invalid_client_metadata", "invalid_redirect_uri"].includes(error) && error_description.includes(name);
    });
  }
});
