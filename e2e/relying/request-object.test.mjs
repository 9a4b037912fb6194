// Signed authorization requests (RFC 9101): in the address, pushed, and from an address of the client.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as oauth from "oauth4webapi";
import * as oidc from "openid-client";
import { CALLBACK } from "../support/client-addresses.mjs";
import { relying } from "../support/environment.mjs";
import { newKey } from "../support/keys.mjs";
import { discovered, exchange, request } from "../support/openid-client.mjs";
import { authorize, newAccount, newClient } from "../support/relying.mjs";
import { newSite } from "../support/site.mjs";
import { Visitor } from "../support/visitor.mjs";

let person;
let key;
let client;
let config;
let site;
// What the site of the client shows.
let shown = "";
before(async () => {
  person = await newAccount();
  site = await newSite((incoming, answer) => {
    incoming.resume();
    answer.writeHead(200, { "content-type": "application/oauth-authz-req+jwt" }).end(shown);
  });
  const made = await newKey("ES256");
  ({ key } = made);
  const request_uris = [`${site.url}/request`];
  client = await newClient({ jwks: made.jwks, request_object_signing_alg: "ES256", request_uris });
  config = await discovered(client);
});
after(() => site?.close());

/** Only what is signed counts: these are the parameters beside it, which try to say something else. */
const BESIDE = { scope: "openid", nonce: "a nonce of somebody else", state: "a state of somebody else" };

async function arrive(address, checks) {
  const callback = await authorize(new Visitor(), person, address);
  const tokens = await exchange(config, callback, checks);
  assert.equal(tokens.claims().sub, person.id);
  assert.equal(tokens.scope, "openid offline_access email profile photos.read");
}

test("in the address, and nothing beside it counts", async () => {
  const { parameters, checks } = await request();
  const address = await oidc.buildAuthorizationUrlWithJAR(config, parameters, key);
  assert.ok(address.searchParams.get("request"));
  for (const [name, value] of Object.entries(BESIDE)) address.searchParams.set(name, value);
  await arrive(address, checks);
});

test("pushed", async () => {
  const { parameters, checks } = await request();
  const signed = await oidc.buildAuthorizationUrlWithJAR(config, parameters, key);
  await arrive(await oidc.buildAuthorizationUrlWithPAR(config, signed.searchParams), checks);
});

test("from an address that the client has registered, and from no other", async () => {
  const { parameters, checks } = await request();
  const signed = await oidc.buildAuthorizationUrlWithJAR(config, parameters, key);
  shown = signed.searchParams.get("request");
  const address = new URL(config.serverMetadata().authorization_endpoint);
  address.searchParams.set("client_id", client.client_id);
  address.searchParams.set("request_uri", `${site.url}/request`);
  await arrive(address, checks);
  address.searchParams.set("request_uri", `${site.url}/other`);
  const refused = await new Visitor().go(address, { until: CALLBACK });
  assert.ok(refused.status >= 400 && refused.url.origin === relying.publicUrl);
});

test("an object of somebody else, for somebody else, or without a signature is refused on a page of ours", async () => {
  const { parameters } = await request();
  const stranger = await newKey("ES256");
  const server = config.serverMetadata();
  const forged = await oidc.buildAuthorizationUrlWithJAR(config, parameters, stranger.key);
  const body = new URLSearchParams({ ...parameters, client_id: client.client_id, response_type: "code" });
  const other = await oauth.issueRequestObject(server, { client_id: client.client_id }, body, key, {
    [oauth.modifyAssertion]: (_, claims) => {
      claims.aud = "https://other.example";
    },
  });
  const [, claims] = forged.searchParams.get("request").split(".");
  const header = Buffer.from(JSON.stringify({ alg: "none", typ: "oauth-authz-req+jwt" })).toString("base64url");
  for (const object of [forged.searchParams.get("request"), other, `${header}.${claims}.`]) {
    const address = new URL(server.authorization_endpoint);
    address.searchParams.set("client_id", client.client_id);
    address.searchParams.set("request", object);
    const page = await new Visitor().go(address, { until: CALLBACK });
    assert.ok(page.status >= 400 && page.url.origin === relying.publicUrl, `${page.url}`);
  }
});
