// A television: it shows a code, somebody types it elsewhere, and it gets its tokens (RFC 8628).
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as oauth from "oauth4webapi";
import * as oidc from "openid-client";
import { relying } from "../support/environment.mjs";
import { discovered, refusedWith } from "../support/openid-client.mjs";
import { keep, newAccount, newClient, onward } from "../support/relying.mjs";
import { remember } from "../support/secrets.mjs";
import { Visitor } from "../support/visitor.mjs";

const SCOPE = "openid offline_access email";

let person;
let client;
let config;
before(async () => {
  person = await newAccount();
  client = await newClient({
    client_name: "Television",
    token_endpoint_auth_method: "none",
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
  });
  config = await discovered(client, oidc.None());
});

/** The device asks for codes. */
async function show() {
  const codes = await oidc.initiateDeviceAuthorization(config, { scope: SCOPE });
  remember(codes.device_code, codes.user_code);
  return codes;
}

/** Somebody opens the page, types the code unless it stands there, and decides. */
async function decide(address, typed, decision) {
  const visitor = new Visitor();
  const page = await visitor.go(address);
  assert.equal(page.url.pathname, "/ui/device");
  const next = await visitor.submit(page, typed);
  if (decision === "allow") return onward(visitor, person, next);
  const fields = { identifier: person.email, password: person.password, method: "password" };
  return visitor.submit(await visitor.submit(next, fields), { decision });
}

test("a device is approved and gets its tokens", async () => {
  const codes = await show();
  const done = await decide(codes.verification_uri_complete, {}, "allow");
  assert.equal(done.url.pathname, "/ui/device/done");
  assert.equal(done.status, 200);
  const tokens = keep(await oidc.pollDeviceAuthorizationGrant(config, codes));
  assert.equal(tokens.claims().sub, person.id);
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, person.id);
  assert.equal(userinfo.email, person.email);
  keep(await oidc.refreshTokenGrant(config, tokens.refresh_token));
  await assert.rejects(oidc.pollDeviceAuthorizationGrant(config, codes), refusedWith("invalid_grant"));
});

test("a device whose person refuses is told so", async () => {
  const codes = await show();
  await decide(codes.verification_uri, { user_code: ` ${codes.user_code} ` }, "deny");
  await assert.rejects(oidc.pollDeviceAuthorizationGrant(config, codes), refusedWith("access_denied", 403));
});

test("by hand: a device waits, asks no faster than it may, and its code is its own", async () => {
  const issuer = new URL(relying.publicUrl);
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
  const device = { client_id: client.client_id };
  const asked = await oauth.deviceAuthorizationRequest(server, device, oauth.None(), { scope: SCOPE });
  const codes = await oauth.processDeviceAuthorizationResponse(server, device, asked);
  remember(codes.device_code, codes.user_code);
  const poll = async (code = codes.device_code) => {
    const answer = await oauth.deviceCodeGrantRequest(server, device, oauth.None(), code);
    return oauth.processDeviceCodeResponse(server, device, answer);
  };
  const refusal = async (code) => {
    const thrown = await poll(code).catch((error) => error);
    assert.ok(thrown instanceof oauth.ResponseBodyError, String(thrown));
    return thrown.error;
  };
  assert.equal(await refusal(), "authorization_pending");
  // Whoever is held up until the interval is over has not asked too fast, and asks again.
  let error = "authorization_pending";
  for (let times = 0; error === "authorization_pending" && times < 100; times += 1) error = await refusal();
  assert.equal(error, "slow_down");
  assert.equal(await refusal("ory_dc_never-made"), "invalid_grant");
});
