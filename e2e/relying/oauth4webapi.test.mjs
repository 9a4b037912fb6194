// Every step of the protocols by hand, judged by a strict library: what it lets pass is what the specifications allow.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as oauth from "oauth4webapi";
import { CALLBACK } from "../support/client-addresses.mjs";
import { relying } from "../support/environment.mjs";
import { answered, authorize, keep, newAccount, newClient } from "../support/relying.mjs";
import { formOf, Visitor } from "../support/visitor.mjs";

const issuer = new URL(relying.publicUrl);

let person;
let server;
before(async () => {
  person = await newAccount();
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
});

/** A registered client as the library knows it, and how it proves itself. */
async function clientWith(members) {
  const { client_id, client_secret } = await newClient(members);
  return { client: { client_id }, proof: client_secret ? oauth.ClientSecretBasic(client_secret) : oauth.None() };
}

/** The address of a request, and what its answer has to fit. */
async function begin({ client_id }, changes = {}) {
  const kept = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  };
  const parameters = {
    client_id,
    response_type: "code",
    redirect_uri: CALLBACK,
    scope: "openid offline_access email",
    state: kept.state,
    nonce: kept.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(kept.verifier),
    code_challenge_method: "S256",
    ...changes,
  };
  const address = new URL(server.authorization_endpoint);
  for (const [name, value] of Object.entries(parameters)) if (value) address.searchParams.set(name, value);
  return { address, ...kept };
}

/** Exchanges an answer that was already checked. */
async function exchanged(client, proof, parameters, { verifier, nonce }, options) {
  const request = oauth.authorizationCodeGrantRequest;
  const answer = await request(server, client, proof, parameters, CALLBACK, verifier, options);
  const checks = { expectedNonce: nonce, requireIdToken: true };
  const tokens = keep(await oauth.processAuthorizationCodeResponse(server, client, answer, checks));
  await oauth.validateApplicationLevelSignature(server, answer);
  return tokens;
}

async function signedIn(client, proof, { changes, options, visitor = new Visitor() } = {}) {
  const begun = await begin(client, changes);
  const url = await authorize(visitor, person, begun.address);
  const parameters = oauth.validateAuthResponse(server, client, url, begun.state);
  return exchanged(client, proof, parameters, begun, options);
}

test("both discovery documents are those of this issuer", async () => {
  const other = await oauth.discoveryRequest(issuer, { algorithm: "oauth2" });
  assert.deepEqual(await oauth.processDiscoveryResponse(issuer, other), server);
  assert.equal(server.authorization_response_iss_parameter_supported, true);
  for (const scope of ["openid", "offline_access", "email", "profile", "photos.read", "photos.write"]) {
    assert.ok(server.scopes_supported.includes(scope), scope);
  }
});

test("code: answer, tokens, signature, userinfo, refresh", async () => {
  const { client, proof } = await clientWith();
  const tokens = await signedIn(client, proof);
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  assert.equal(claims.sub, person.id);
  const userinfo = await oauth.userInfoRequest(server, client, tokens.access_token);
  const about = await oauth.processUserInfoResponse(server, client, claims.sub, userinfo);
  assert.equal(about.email, person.email);
  const answer = await oauth.refreshTokenGrantRequest(server, client, proof, tokens.refresh_token);
  const fresh = keep(await oauth.processRefreshTokenResponse(server, client, answer));
  await oauth.validateApplicationLevelSignature(server, answer);
  assert.equal(oauth.getValidatedIdTokenClaims(fresh).sub, person.id);
});

test("an answer of another issuer, or to another request, is noticed", async () => {
  const { client } = await clientWith();
  const begun = await begin(client);
  const url = await authorize(new Visitor(), person, begun.address);
  const judge = (address, state = begun.state) => oauth.validateAuthResponse(server, client, address, state);
  assert.equal(judge(url).get("iss"), relying.publicUrl);
  const other = new URL(url);
  other.searchParams.set("iss", "https://evil.example");
  assert.throws(() => judge(other));
  other.searchParams.delete("iss");
  assert.throws(() => judge(other));
  assert.throws(() => judge(url, "another state"));
});

test("errors name their issuer too", async () => {
  const { client } = await clientWith();
  const { address, state } = await begin(client, { scope: "openid admin" });
  const { url } = await new Visitor().go(address, { until: CALLBACK });
  assert.throws(
    () => oauth.validateAuthResponse(server, client, url, state),
    (thrown) => thrown instanceof oauth.AuthorizationResponseError && thrown.error === "invalid_scope",
  );
});

test("form_post: the answer comes as a form of the client's page", async () => {
  const { client, proof } = await clientWith();
  const begun = await begin(client, { response_mode: "form_post" });
  const page = await answered(new Visitor(), person, begun.address);
  assert.equal(page.status, 200);
  const { action, preset } = formOf(page.text);
  assert.equal(action, CALLBACK);
  const posted = new Request(CALLBACK, { method: "POST", body: new URLSearchParams(preset) });
  const answer = new URLSearchParams(await oauth.formPostResponse(posted));
  const parameters = oauth.validateAuthResponse(server, client, answer, begun.state);
  keep(await exchanged(client, proof, parameters, begun));
});

test("code id_token: everything that the front channel says is checked against the code", async () => {
  const { client, proof } = await clientWith({
    response_types: ["code id_token"],
    grant_types: ["authorization_code", "implicit"],
  });
  const begun = await begin(client, { response_type: "code id_token", scope: "openid" });
  const url = await authorize(new Visitor(), person, begun.address);
  const parameters = await oauth.validateCodeIdTokenResponse(server, client, url, begun.nonce, begun.state);
  await exchanged(client, proof, parameters, begun);
  const forged = new URL(url);
  const fragment = new URLSearchParams(forged.hash.slice(1));
  fragment.set("code", "another code");
  forged.hash = fragment;
  await assert.rejects(oauth.validateCodeIdTokenResponse(server, client, forged, begun.nonce, begun.state));
});

test("what is not supported is not advertised, and refused when it is asked for all the same", async () => {
  const { client } = await clientWith();
  assert.ok(!server.response_modes_supported.includes("jwt"));
  const { address } = await begin(client, { response_mode: "jwt" });
  const page = await new Visitor().go(address, { until: CALLBACK });
  assert.equal(page.url.origin, issuer.origin, "nobody knows how the client would like to hear of it");
  assert.equal(page.status, 400);
});

test("pushed requests", async () => {
  const { client, proof } = await clientWith();
  const begun = await begin(client);
  const body = begun.address.searchParams;
  const answer = await oauth.pushedAuthorizationRequest(server, client, proof, body);
  assert.equal(answer.status, 201);
  const pushed = await oauth.processPushedAuthorizationResponse(server, client, answer);
  assert.ok(pushed.expires_in > 0);
  const address = new URL(server.authorization_endpoint);
  address.searchParams.set("client_id", client.client_id);
  address.searchParams.set("request_uri", pushed.request_uri);
  const url = await authorize(new Visitor(), person, address);
  const parameters = oauth.validateAuthResponse(server, client, url, begun.state);
  await exchanged(client, proof, parameters, begun);
});

test("DPoP: tokens, userinfo and refresh are worth nothing without the key", async () => {
  const { client, proof } = await clientWith({ dpop_bound_access_tokens: true });
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
  const thief = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
  const tokens = await signedIn(client, proof, {
    changes: { dpop_jkt: await DPoP.calculateThumbprint() },
    options: { DPoP },
  });
  assert.equal(tokens.token_type, "dpop");
  const userinfo = await oauth.userInfoRequest(server, client, tokens.access_token, { DPoP });
  await oauth.processUserInfoResponse(server, client, person.id, userinfo);
  for (const options of [{ DPoP: thief }, {}]) {
    const refused = await oauth.userInfoRequest(server, client, tokens.access_token, options);
    assert.equal(refused.status, 401);
    await assert.rejects(
      oauth.processUserInfoResponse(server, client, person.id, refused),
      (thrown) => thrown instanceof oauth.WWWAuthenticateChallengeError,
    );
  }
  const answer = await oauth.refreshTokenGrantRequest(server, client, proof, tokens.refresh_token, { DPoP });
  const fresh = keep(await oauth.processRefreshTokenResponse(server, client, answer));
  assert.equal(fresh.token_type, "dpop");
});

test("a token for a resource server that checks it by itself (RFC 9068)", async () => {
  const audience = "https://api.example";
  const { client, proof } = await clientWith({ access_token_strategy: "jwt", audience: [audience] });
  const parameters = new URLSearchParams({ scope: "photos.read", audience });
  const answer = await oauth.clientCredentialsGrantRequest(server, client, proof, parameters);
  const tokens = keep(await oauth.processClientCredentialsResponse(server, client, answer));
  const asked = (token) => new Request("https://api.example/photos", { headers: { authorization: `Bearer ${token}` } });
  const claims = await oauth.validateJwtAccessToken(server, asked(tokens.access_token), audience);
  assert.equal(claims.client_id, client.client_id);
  assert.equal(claims.scope, "photos.read");
  await assert.rejects(oauth.validateJwtAccessToken(server, asked(tokens.access_token), "https://other.example"));
});

test("introspection and revocation", async () => {
  const { client, proof } = await clientWith();
  const tokens = await signedIn(client, proof);
  const told = async () =>
    oauth.processIntrospectionResponse(
      server,
      client,
      await oauth.introspectionRequest(server, client, proof, tokens.access_token),
    );
  assert.equal((await told()).active, true);
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, proof, tokens.access_token));
  assert.equal((await told()).active, false);
});

test("a refusal is one that RFC 6749 describes", async () => {
  const { client } = await clientWith();
  const wrong = oauth.ClientSecretBasic("wrong");
  const answer = await oauth.clientCredentialsGrantRequest(server, client, wrong, {});
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get("www-authenticate"), /^Basic /);
  assert.equal((await answer.clone().json()).error, "invalid_client");
  await assert.rejects(oauth.processClientCredentialsResponse(server, client, answer), (thrown) => {
    return thrown instanceof oauth.WWWAuthenticateChallengeError && thrown.cause[0].scheme === "basic";
  });
});

test("dynamic registration", async () => {
  const metadata = { client_name: "Printer", redirect_uris: [CALLBACK], token_endpoint_auth_method: "none" };
  const answer = await oauth.dynamicClientRegistrationRequest(server, metadata);
  assert.equal(answer.status, 201);
  const client = await oauth.processDynamicClientRegistrationResponse(answer);
  assert.equal(client.client_secret, undefined);
  assert.deepEqual(client.redirect_uris, [CALLBACK]);
});
