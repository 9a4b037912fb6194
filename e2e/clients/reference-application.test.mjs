// Ory's reference application for login, consent, logout and devices, unchanged, in front of this server.
import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as jose from "jose";
import { Journey, METADATA, token } from "../support/applications.mjs";
import { CALLBACK, GOODBYE } from "../support/client-addresses.mjs";
import { applications, database } from "../support/environment.mjs";
import { CLIENTS } from "../support/hydra-clients.mjs";
import { here } from "../support/paths.mjs";
import { end, launch, ready } from "../support/processes.mjs";
import { remember } from "../support/secrets.mjs";

// The one account that it knows.
const ACCOUNT = { email: "foo@bar.com", password: "foobar" };
const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

let application;
let client;
before(async () => {
  application = await start();
  const metadata = { ...METADATA, grant_types: [...METADATA.grant_types, DEVICE_GRANT] };
  const body = { ...metadata, post_logout_redirect_uris: [GOODBYE] };
  ({ data: client } = await CLIENTS[0].oauth2.createOAuth2Client({ oAuth2Client: body }));
  remember(client.client_secret);
});
after(() => application && end(application, "SIGTERM"));

async function start() {
  const program = join(here, "node_modules", "hydra-login-consent-logout", "lib", "app.js");
  const env = { PATH: process.env.PATH, PORT: new URL(applications.url).port, HYDRA_ADMIN_URL: applications.adminUrl };
  const child = launch(process.execPath, [program], { env, stdio: ["ignore", "pipe", "pipe"] });
  const log = createWriteStream(join(here, "artifacts", `reference-application-${database}.log`));
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  try {
    await ready(applications.url, child);
  } catch (error) {
    await end(child, "SIGKILL");
    throw new Error(`no reference application: ${error.message}; its log: ${log.path}`);
  }
  return child;
}

/** Somebody fills the pages of the application, as far as it shows any. */
async function onward(visitor, place, { submit = "Allow access", until } = {}) {
  const at = (path) => place.url.href.startsWith(`${applications.url}${path}`);
  if (at("/login")) place = await visitor.submit(place, { ...ACCOUNT, remember: "1", submit: "Log in" }, { until });
  if (at("/consent")) {
    const grant_scope = ["openid", "offline"];
    place = await visitor.submit(place, { grant_scope, remember: "1", submit }, { until });
  }
  return place;
}

/** A journey up to the client's answer. */
async function arrive(journey, options) {
  const place = await journey.visitor.go(journey.address(), { until: CALLBACK });
  const { url } = await onward(journey.visitor, place, { ...options, until: CALLBACK });
  assert.ok(url.href.startsWith(CALLBACK), `the browser got to the client, and not to ${url}`);
  return url.searchParams;
}

test("sign in, allow, come back unasked, sign out", async () => {
  const journey = new Journey(client);
  const tokens = await journey.tokens(await arrive(journey));
  assert.equal(tokens.scope, "openid offline");
  assert.equal(jose.decodeJwt(tokens.id_token).sub, ACCOUNT.email);
  await token(client, { grant_type: "refresh_token", refresh_token: tokens.refresh_token });

  const logout = new URL("/oauth2/sessions/logout", applications.publicUrl);
  logout.searchParams.set("id_token_hint", tokens.id_token);
  logout.searchParams.set("post_logout_redirect_uri", GOODBYE);
  const page = await journey.visitor.go(logout);
  assert.ok(page.url.href.startsWith(`${applications.url}/logout`));
  const { url } = await journey.visitor.submit(page, {}, { until: GOODBYE });
  assert.equal(url.href, GOODBYE);
  const again = await journey.visitor.go(journey.address());
  assert.ok(again.url.href.startsWith(`${applications.url}/login`), "signed out");
});

test("what was remembered is not asked again", async () => {
  const journey = new Journey(client);
  await arrive(journey, {});
  const { url } = await journey.visitor.go(journey.address({ scope: "openid offline" }), { until: CALLBACK });
  assert.ok(url.searchParams.get("code"), `without a page in between, and not ${url}`);
});

test("a refusal is what the client hears", async () => {
  const answer = await arrive(new Journey(client), { submit: "Deny access" });
  assert.equal(answer.get("error"), "access_denied");
});

test("a device is approved", async () => {
  const { client_id, client_secret } = client;
  const asked = await fetch(new URL("/oauth2/device/auth", applications.publicUrl), {
    method: "POST",
    body: new URLSearchParams({ client_id, client_secret, scope: "openid offline" }),
  });
  const codes = await asked.json();
  remember(codes.device_code, codes.user_code);
  const { visitor } = new Journey(client);
  const page = await visitor.go(codes.verification_uri_complete);
  assert.ok(page.url.href.startsWith(`${applications.url}/device/verify`));
  const done = await onward(visitor, await visitor.submit(page, {}));
  assert.equal(done.url.href, `${applications.url}/device/success?client_id=${client_id}`);
  const tokens = await token(client, { grant_type: DEVICE_GRANT, device_code: codes.device_code });
  assert.equal(jose.decodeJwt(tokens.id_token).sub, ACCOUNT.email);
});
