// A certified relying party: signing out there, and hearing of it here.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as jose from "jose";
import * as oidc from "openid-client";
import { CALLBACK, GOODBYE } from "../support/client-addresses.mjs";
import { relying } from "../support/environment.mjs";
import { discovered, request, signedIn } from "../support/openid-client.mjs";
import { newAccount, newClient, operator } from "../support/relying.mjs";
import { remember } from "../support/secrets.mjs";
import { newSite } from "../support/site.mjs";
import { Visitor } from "../support/visitor.mjs";

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
const PATIENCE_MILLISECONDS = 20_000;

let person;
let receiver;
before(async () => {
  person = await newAccount();
  receiver = await newReceiver();
});
after(() => receiver?.close());

/** A small application that is told of logouts. */
async function newReceiver() {
  const received = [];
  const waiting = [];
  const site = await newSite(async (incoming, answer) => {
    let body = "";
    for await (const part of incoming) body += part;
    const token = new URLSearchParams(body).get("logout_token");
    remember(token);
    received.push({ path: incoming.url, token });
    for (const resume of waiting.splice(0)) resume();
    answer.writeHead(200, { "cache-control": "no-store" }).end();
  });
  return {
    ...site,
    /** The logout token that came, or comes, to this path. */
    async tokenAt(path) {
      const deadline = Date.now() + PATIENCE_MILLISECONDS;
      for (;;) {
        const found = received.find((message) => message.path === path);
        if (found) return found.token;
        if (Date.now() > deadline) throw new Error(`nobody was told at ${path}`);
        await Promise.race([
          new Promise((resume) => waiting.push(resume)),
          new Promise((resume) => setTimeout(resume, 100)),
        ]);
      }
    },
  };
}

/** Checks a logout token as Back-Channel Logout section 2.6 says. */
async function verified(token, client) {
  const keys = jose.createRemoteJWKSet(new URL(`${relying.publicUrl}/.well-known/jwks.json`));
  const { payload } = await jose.jwtVerify(token, keys, {
    issuer: relying.publicUrl,
    audience: client.client_id,
    typ: "logout+jwt",
    requiredClaims: ["iat", "exp", "jti"],
    algorithms: ["RS256"],
  });
  assert.deepEqual(payload.events, { [EVENT]: {} });
  assert.equal(payload.nonce, undefined);
  return payload;
}

test("signing out at the client's wish ends the session, and every client of it is told", async () => {
  const first = await newClient({
    post_logout_redirect_uris: [GOODBYE],
    backchannel_logout_uri: `${receiver.url}/first`,
    backchannel_logout_session_required: true,
  });
  const second = await newClient({ backchannel_logout_uri: `${receiver.url}/second` });
  const visitor = new Visitor();
  const config = await discovered(first);
  const { tokens } = await signedIn(config, person, { visitor });
  await signedIn(await discovered(second), person, { visitor });

  const address = oidc.buildEndSessionUrl(config, {
    post_logout_redirect_uri: GOODBYE,
    id_token_hint: tokens.id_token,
    state: "a state of some length",
  });
  let place = await visitor.go(address, { until: GOODBYE });
  if (place.url.pathname === "/ui/logout") place = await visitor.submit(place, {}, { until: GOODBYE });
  assert.equal(place.url.href, `${GOODBYE}?state=a+state+of+some+length`);

  for (const [path, client] of [["/first", first], ["/second", second]]) {
    const payload = await verified(await receiver.tokenAt(path), client);
    assert.equal(payload.sub, person.id);
    assert.equal(payload.sid, tokens.claims().sid);
  }

  const { parameters } = await request({ prompt: "none" });
  const again = await visitor.go(oidc.buildAuthorizationUrl(config, parameters), { until: CALLBACK });
  assert.equal(again.url.searchParams.get("error"), "login_required");
});

test("an operator who ends a session tells its clients too", async () => {
  const client = await newClient({ backchannel_logout_uri: `${receiver.url}/ended` });
  const { tokens } = await signedIn(await discovered(client), person);
  await operator("DELETE", `/admin/oauth2/auth/sessions/login?sid=${tokens.claims().sid}`);
  const payload = await verified(await receiver.tokenAt("/ended"), client);
  assert.equal(payload.sid, tokens.claims().sid);
});

test("nobody is sent to an address that the client did not register", async () => {
  const client = await newClient({ post_logout_redirect_uris: [GOODBYE] });
  const config = await discovered(client);
  const { tokens, visitor } = await signedIn(config, person);
  for (const wrong of ["https://evil.example/", `${GOODBYE}/more`, `${GOODBYE}?x`]) {
    const parameters = { post_logout_redirect_uri: wrong, id_token_hint: tokens.id_token };
    const page = await visitor.go(oidc.buildEndSessionUrl(config, parameters), { until: "https://" });
    assert.equal(page.url.origin, relying.publicUrl);
  }
  const { parameters } = await request({ prompt: "none" });
  const still = await visitor.go(oidc.buildAuthorizationUrl(config, parameters), { until: CALLBACK });
  assert.ok(still.url.searchParams.get("code"), "still signed in");
});

test("without a hint the person is asked", async () => {
  const { visitor } = await signedIn(await discovered(await newClient()), person);
  const question = await visitor.go(`${relying.publicUrl}/oauth2/sessions/logout`);
  assert.equal(question.url.pathname, "/ui/logout");
  const done = await visitor.submit(question, {});
  assert.equal(done.url.pathname, "/ui/signed-out");
  assert.equal(done.status, 200);
});
