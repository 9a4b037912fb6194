// A web server as client and as resource server: Apache with mod_auth_openidc and mod_oauth2.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { startApache } from "../support/apache.mjs";
import { relying } from "../support/environment.mjs";
import { answered, keep, newAccount, newClient, operator } from "../support/relying.mjs";
import { remember } from "../support/secrets.mjs";
import { Visitor } from "../support/visitor.mjs";

const SCOPE = "photos.read";

let apache;
let person;
let api;
before(async () => {
  person = await newAccount();
  const site = await newClient();
  api = await newClient();
  apache = await startApache((server) => [...signsPeopleIn(server, site), ...asksForTokens(api)]);
  const back = `${apache.url}/private/callback`;
  await operator("PATCH", `/admin/clients/${site.client_id}`, [
    { op: "replace", path: "/redirect_uris", value: [back] },
    { op: "replace", path: "/post_logout_redirect_uris", value: [`${apache.url}/`] },
    { op: "replace", path: "/backchannel_logout_uri", value: `${back}?logout=backchannel` },
  ]);
});
after(() => apache?.stop());

function signsPeopleIn({ url, authority }, { client_id, client_secret }) {
  return [
    `OIDCProviderMetadataURL ${relying.publicUrl}/.well-known/openid-configuration`,
    `OIDCCABundlePath ${authority}`,
    `OIDCClientID ${client_id}`,
    `OIDCClientSecret ${client_secret}`,
    `OIDCRedirectURI ${url}/private/callback`,
    `OIDCCryptoPassphrase ${randomBytes(32).toString("hex")}`,
    'OIDCScope "openid email"',
    "OIDCPKCEMethod S256",
    "OIDCRemoteUserClaim sub",
    "<Location /private>",
    "  AuthType openid-connect",
    "  Require valid-user",
    '  Header set X-Person "expr=%{REMOTE_USER}"',
    '  Header set X-Address "%{OIDC_CLAIM_email}e"',
    '  Header set X-Session "%{OIDC_CLAIM_sid}e"',
    "</Location>",
  ];
}

/** `api` asks us about every token; `stateless` reads our keys once. */
function asksForTokens({ client_id, client_secret }) {
  const protectedBy = (path, verify) => [
    `<Location ${path}>`,
    "  AuthType oauth2",
    "  Require valid-user",
    // This module can be given no authority to trust besides the system's.
    `  OAuth2TokenVerify ${verify}`,
    '  Header set X-Person "expr=%{REMOTE_USER}"',
    "</Location>",
  ];
  const credentials = `introspect.auth=client_secret_basic&client_id=${client_id}&client_secret=${client_secret}`;
  const introspect = `introspect ${relying.publicUrl}/oauth2/introspect introspect.ssl_verify=false&${credentials}`;
  const keys = `jwks_uri ${relying.publicUrl}/.well-known/jwks.json jwks_uri.ssl_verify=false`;
  return [...protectedBy("/api", introspect), ...protectedBy("/stateless", keys)];
}

async function tokenOf({ client_id, client_secret }) {
  const answer = await fetch(`${relying.publicUrl}/oauth2/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: SCOPE }),
  });
  assert.equal(answer.status, 200);
  return keep(await answer.json()).access_token;
}

const ask = (path, token) =>
  fetch(`${apache.url}${path}/`, { headers: token ? { authorization: `Bearer ${token}` } : {} });

test("a person signs in to the web server, and out of it", async () => {
  const visitor = new Visitor();
  const page = await answered(visitor, person, `${apache.url}/private/`);
  assert.equal(page.url.href, `${apache.url}/private/`);
  assert.equal(page.status, 200, apache.log());
  assert.match(page.text, /<h1>private<\/h1>/);
  assert.equal(page.headers.get("x-person"), person.id);
  assert.equal(page.headers.get("x-address"), person.email);

  const leaving = `${apache.url}/private/callback?logout=${encodeURIComponent(`${apache.url}/`)}`;
  let place = await visitor.go(leaving, { until: `${apache.url}/?` });
  if (place.url.pathname === "/ui/logout") place = await visitor.submit(place, {});
  assert.equal(place.url.origin, apache.url);
  const again = await visitor.go(`${apache.url}/private/`);
  assert.equal(again.url.pathname, "/ui/login", "signed out at both");
});

test("whoever signs out elsewhere is signed out of the web server", async () => {
  const visitor = new Visitor();
  const page = await answered(visitor, person, `${apache.url}/private/`);
  assert.equal(page.status, 200);
  await operator("DELETE", `/admin/oauth2/auth/sessions/login?sid=${page.headers.get("x-session")}`);
  const deadline = Date.now() + 15_000;
  for (;;) {
    const { url } = await visitor.go(`${apache.url}/private/`);
    if (url.pathname === "/ui/login") break;
    assert.ok(Date.now() < deadline, `still signed in:\n${apache.log()}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
});

test("the web server asks about tokens", async () => {
  const token = await tokenOf(api);
  const answer = await ask("/api", token);
  assert.equal(answer.status, 200, apache.log());
  assert.equal(answer.headers.get("x-person"), api.client_id);
  for (const wrong of [undefined, "garbage", `${token}x`]) {
    assert.equal((await ask("/api", wrong)).status, 401, String(wrong));
  }
});

test("the web server checks tokens by itself", async () => {
  const client = await newClient({ access_token_strategy: "stateless_jwt" });
  const token = await tokenOf(client);
  const answer = await ask("/stateless", token);
  assert.equal(answer.status, 200, apache.log());
  assert.equal(answer.headers.get("x-person"), client.client_id);
  const [header, claims, signature] = token.split(".");
  const forged = JSON.parse(Buffer.from(claims, "base64url"));
  forged.sub = "somebody else";
  const other = [header, Buffer.from(JSON.stringify(forged)).toString("base64url"), signature].join(".");
  remember(other);
  assert.equal((await ask("/stateless", other)).status, 401);
});
