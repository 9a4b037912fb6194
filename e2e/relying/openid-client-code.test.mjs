// A certified relying party: codes, tokens, and what becomes of them when somebody uses them twice.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as oidc from "openid-client";
import { CALLBACK } from "../support/client-addresses.mjs";
import { relying } from "../support/environment.mjs";
import { discovered, exchange, refusedWith, request, signedIn } from "../support/openid-client.mjs";
import { authorize, keep, newAccount, newClient } from "../support/relying.mjs";
import { Visitor } from "../support/visitor.mjs";

let person;
let client;
let config;
before(async () => {
  person = await newAccount();
  client = await newClient();
  config = await discovered(client);
});

const refresh = async (token) => keep(await oidc.refreshTokenGrant(config, token));

test("sign in with code and PKCE, and ask who it is", async () => {
  const { tokens, callback } = await signedIn(config, person);
  assert.equal(callback.searchParams.get("iss"), relying.publicUrl);
  assert.equal(tokens.token_type, "bearer");
  assert.equal(tokens.scope, "openid offline_access email profile photos.read");
  const claims = tokens.claims();
  assert.equal(claims.iss, relying.publicUrl);
  assert.equal(claims.sub, person.id);
  assert.deepEqual([claims.aud].flat(), [client.client_id]);
  assert.deepEqual(claims.amr, ["password"]);
  assert.ok(Math.abs(claims.auth_time - Date.now() / 1000) < 60);
  assert.ok(claims.sid);

  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert.equal(userinfo.sub, person.id);
  assert.equal(userinfo.email, person.email);
  assert.equal(userinfo.email_verified, false);
  assert.equal(userinfo.name, person.name);
});

test("claims come with their scopes and no others", async () => {
  const { tokens } = await signedIn(config, person, { changes: { scope: "openid" } });
  assert.equal(tokens.refresh_token, undefined, "nobody asked to stay connected");
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, person.id);
  assert.equal(userinfo.email, undefined);
  assert.equal(userinfo.name, undefined);
});

test("clients of different sectors know a person by different subjects", async () => {
  const subjectAt = async (callback) => {
    const pairwise = await discovered(await newClient({ subject_type: "pairwise", redirect_uris: [callback] }));
    const { parameters, checks } = await request({ redirect_uri: callback });
    const address = oidc.buildAuthorizationUrl(pairwise, parameters);
    const tokens = await exchange(pairwise, await authorize(new Visitor(), person, address, callback), checks);
    const { sub } = tokens.claims();
    return (await oidc.fetchUserInfo(pairwise, tokens.access_token, sub)).sub;
  };
  const subject = await subjectAt(CALLBACK);
  assert.notEqual(subject, person.id);
  assert.equal(await subjectAt("https://app.example/other"), subject, "the same sector");
  assert.notEqual(await subjectAt("https://other.example/callback"), subject);
});

test("a second sign-in asks nobody, and prompt=none is enough", async () => {
  const { visitor } = await signedIn(config, person);
  const { parameters, checks } = await request({ prompt: "none" });
  const place = await visitor.go(oidc.buildAuthorizationUrl(config, parameters), { until: CALLBACK });
  const tokens = await exchange(config, place.url, checks);
  assert.equal(tokens.claims().sub, person.id);

  const stranger = await new Visitor().go(oidc.buildAuthorizationUrl(config, parameters), { until: CALLBACK });
  await assert.rejects(oidc.authorizationCodeGrant(config, stranger.url, checks), (thrown) => {
    return thrown instanceof oidc.AuthorizationResponseError && thrown.error === "login_required";
  });
});

test("max_age makes the token say when, and refuses what is older", async () => {
  const visitor = new Visitor();
  await signedIn(config, person, { visitor });
  const { parameters, checks } = await request({ max_age: "3600" });
  const place = await visitor.go(oidc.buildAuthorizationUrl(config, parameters), { until: CALLBACK });
  const tokens = await exchange(config, place.url, { ...checks, maxAge: 3600 });
  assert.ok(tokens.claims().auth_time);
  const { parameters: again } = await request({ max_age: "0", prompt: "none" });
  const refused = await visitor.go(oidc.buildAuthorizationUrl(config, again), { until: CALLBACK });
  assert.equal(refused.url.searchParams.get("error"), "login_required");
});

test("a refresh token is replaced by its use; the one before it gets the same answer for a moment", async () => {
  const { tokens } = await signedIn(config, person);
  const second = await refresh(tokens.refresh_token);
  assert.notEqual(second.refresh_token, tokens.refresh_token);
  assert.equal(second.claims().sub, person.id);
  assert.equal(second.claims().auth_time, tokens.claims().auth_time);
  const retried = await refresh(tokens.refresh_token);
  assert.equal(retried.refresh_token, second.refresh_token, "a lost answer is given again");
  await oidc.fetchUserInfo(config, second.access_token, person.id);
});

test("a refresh token that was replaced twice ends the whole family", async () => {
  const { tokens } = await signedIn(config, person);
  const second = await refresh(tokens.refresh_token);
  const third = await refresh(second.refresh_token);
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), refusedWith("invalid_grant"));
  await assert.rejects(oidc.refreshTokenGrant(config, third.refresh_token), refusedWith("invalid_grant"));
  assert.equal((await oidc.tokenIntrospection(config, third.access_token)).active, false);
  await assert.rejects(oidc.fetchUserInfo(config, third.access_token, person.id), { status: 401 });
});

test("a code works once; using it again ends what came of it", async () => {
  const { tokens, callback, checks } = await signedIn(config, person);
  assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, true);
  await assert.rejects(oidc.authorizationCodeGrant(config, callback, checks), refusedWith("invalid_grant"));
  assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, false);
  assert.equal((await oidc.tokenIntrospection(config, tokens.refresh_token)).active, false);
});

test("a code is worth nothing without its verifier, at another address, or to another client", async () => {
  const other = await newClient();
  const elsewhere = await discovered(other);
  const wrongs = [
    (url, checks) => exchange(config, url, { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() }),
    (url, checks) => exchange(config, url, { ...checks, pkceCodeVerifier: undefined }),
    (url, checks) => exchange(elsewhere, url, checks),
    (url, checks) => exchange(config, new URL(url.href.replace("/callback", "/other")), checks),
  ];
  for (const wrong of wrongs) {
    const { parameters, checks } = await request();
    const url = await authorize(new Visitor(), person, oidc.buildAuthorizationUrl(config, parameters));
    await assert.rejects(wrong(url, checks), refusedWith("invalid_grant"), String(wrong));
  }
});

test("introspection tells clients that prove who they are, and revocation ends both tokens", async () => {
  const { tokens } = await signedIn(config, person);
  const access = await oidc.tokenIntrospection(config, tokens.access_token);
  assert.equal(access.active, true);
  assert.equal(access.sub, person.id);
  assert.equal(access.client_id, client.client_id);
  assert.equal(access.token_type, "Bearer");
  assert.equal((await oidc.tokenIntrospection(config, tokens.refresh_token)).active, true);

  const stranger = await discovered(await newClient());
  await oidc.tokenRevocation(stranger, tokens.access_token);
  assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, true, "not the stranger's to end");

  await oidc.tokenRevocation(config, tokens.refresh_token);
  for (const token of [tokens.access_token, tokens.refresh_token]) {
    assert.deepEqual(await oidc.tokenIntrospection(config, token), { active: false });
  }
  await oidc.tokenRevocation(config, "never issued");
});

test("a person who does not allow it leaves the client without anything", async () => {
  const asks = await discovered(await newClient());
  const { parameters, checks } = await request();
  const visitor = new Visitor();
  const page = await visitor.go(oidc.buildAuthorizationUrl(asks, parameters));
  const fields = { identifier: person.email, password: person.password, method: "password" };
  const question = await visitor.submit(page, fields);
  const { url } = await visitor.submit(question, { decision: "deny" }, { until: CALLBACK });
  await assert.rejects(oidc.authorizationCodeGrant(asks, url, checks), (thrown) => thrown.error === "access_denied");
});
