// A certified relying party: the other ways to prove who a client is, and to ask.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as jose from "jose";
import * as oidc from "openid-client";
import { CALLBACK } from "../support/client-addresses.mjs";
import { relying } from "../support/environment.mjs";
import { newKey } from "../support/keys.mjs";
import { discovered, exchange, refusedWith, request, signedIn } from "../support/openid-client.mjs";
import { authorize, keep, newAccount, newClient } from "../support/relying.mjs";
import { Visitor } from "../support/visitor.mjs";

let person;
before(async () => {
  person = await newAccount();
});

test("client_credentials: a token for the client itself", async () => {
  const client = await newClient({ audience: ["https://api.example"] });
  const config = await discovered(client);
  const tokens = keep(
    await oidc.clientCredentialsGrant(config, { scope: "photos.read", audience: "https://api.example" }),
  );
  assert.equal(tokens.scope, "photos.read");
  assert.equal(tokens.refresh_token, undefined);
  const told = await oidc.tokenIntrospection(config, tokens.access_token);
  assert.equal(told.sub, client.client_id);
  assert.deepEqual(told.aud, ["https://api.example"]);
  await assert.rejects(oidc.clientCredentialsGrant(config, { scope: "admin" }), refusedWith("invalid_scope"));
});

test("each client proves itself in the one way that it is registered for", async () => {
  const basic = await newClient();
  const post = await newClient({ token_endpoint_auth_method: "client_secret_post" });
  const open = await newClient({ token_endpoint_auth_method: "none", grant_types: ["authorization_code"] });
  await oidc.clientCredentialsGrant(await discovered(post, oidc.ClientSecretPost(post.client_secret)));
  await signedIn(await discovered(open, oidc.None()), person);
  const wrongs = [
    discovered(basic, oidc.ClientSecretPost(basic.client_secret)),
    discovered(basic, oidc.ClientSecretBasic("wrong")),
    discovered(post, oidc.ClientSecretBasic(post.client_secret)),
    discovered(basic, oidc.None()),
  ];
  for (const config of await Promise.all(wrongs)) {
    await assert.rejects(oidc.clientCredentialsGrant(config), (thrown) => thrown.status === 401);
  }
});

test("private_key_jwt with every kind of key", async () => {
  for (const algorithm of ["RS256", "PS256", "ES256", "Ed25519"]) {
    const { key, jwks } = await newKey(algorithm);
    const client = await newClient({
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: algorithm,
      jwks,
    });
    const config = await discovered(client, oidc.PrivateKeyJwt(key));
    const { tokens } = await signedIn(config, person);
    assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, true, algorithm);
    const stranger = await newKey(algorithm);
    const forged = await discovered(client, oidc.PrivateKeyJwt(stranger.key));
    await assert.rejects(oidc.clientCredentialsGrant(forged), (thrown) => thrown.status === 401);
  }
});

test("an assertion works once, and only at this server", async () => {
  const { key, jwks } = await newKey("ES256");
  const client = await newClient({
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "ES256",
    jwks,
  });
  const changed = (change) => discovered(client, oidc.PrivateKeyJwt(key, { [oidc.modifyAssertion]: change }));
  const again = await changed((_, claims) => {
    claims.jti = "the same each time";
  });
  await oidc.clientCredentialsGrant(again);
  await assert.rejects(oidc.clientCredentialsGrant(again), refusedWith("jti_known"));
  for (const change of [
    (_, claims) => {
      claims.aud = "https://other.example";
    },
    (_, claims) => {
      claims.exp = claims.iat - 600;
    },
    (_, claims) => {
      claims.iss = "somebody else";
    },
  ]) {
    await assert.rejects(oidc.clientCredentialsGrant(await changed(change)), (thrown) => thrown.status === 401);
  }
});

test("client_secret_jwt", async () => {
  const client = await newClient({
    token_endpoint_auth_method: "client_secret_jwt",
    token_endpoint_auth_signing_alg: "HS256",
  });
  const config = await discovered(client, oidc.ClientSecretJwt(client.client_secret));
  assert.ok(keep(await oidc.clientCredentialsGrant(config)).access_token);
  const forged = await discovered(client, oidc.ClientSecretJwt("not the secret, but of some length"));
  await assert.rejects(oidc.clientCredentialsGrant(forged), (thrown) => thrown.status === 401);
});

test("a pushed request is used instead of what stands in the address, and works once", async () => {
  const client = await newClient({ require_pushed_authorization_requests: true });
  const config = await discovered(client);
  const { parameters, checks } = await request();
  const address = await oidc.buildAuthorizationUrlWithPAR(config, parameters);
  assert.deepEqual([...address.searchParams.keys()].sort(), ["client_id", "request_uri"]);
  const visitor = new Visitor();
  const callback = await authorize(visitor, person, address);
  const tokens = await exchange(config, callback, checks);
  assert.equal(tokens.claims().nonce, checks.expectedNonce);

  const replayed = await visitor.go(address);
  assert.equal(replayed.url.origin, relying.publicUrl, "nobody is sent to the client");
  assert.ok(replayed.status >= 400);
  const direct = await visitor.go(oidc.buildAuthorizationUrl(config, parameters), { until: CALLBACK });
  const error = direct.url.searchParams.get("error");
  assert.equal(error, "invalid_request", "what is not pushed is refused");
});

test("tokens that are bound to a key are worth nothing without it", async () => {
  const config = await discovered(await newClient());
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("Ed25519"));
  const { tokens } = await signedIn(config, person, { options: { DPoP } });
  assert.equal(tokens.token_type, "dpop");
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, person.id, { DPoP });
  assert.equal(userinfo.email, person.email);
  const told = await oidc.tokenIntrospection(config, tokens.access_token);
  assert.equal(told.token_type, "DPoP");
  assert.equal(told.cnf.jkt, await DPoP.calculateThumbprint());

  const thief = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair());
  await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, person.id), { status: 401 });
  await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, person.id, { DPoP: thief }), { status: 401 });
  const refreshed = keep(await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP }));
  await oidc.fetchUserInfo(config, refreshed.access_token, person.id, { DPoP });
});

test("the refresh token of a public client is bound to its key", async () => {
  const client = await newClient({
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
  });
  const config = await discovered(client, oidc.None());
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair());
  const changes = { dpop_jkt: await DPoP.calculateThumbprint() };
  const { tokens } = await signedIn(config, person, { options: { DPoP }, changes });
  const thief = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair());
  for (const options of [undefined, { DPoP: thief }]) {
    const stolen = oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, options);
    await assert.rejects(stolen, refusedWith("invalid_grant"));
  }
  keep(await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP }));
});

test("an ID token is signed as its client likes", async () => {
  const { id_token_signing_alg_values_supported: known } = (await discovered(await newClient())).serverMetadata();
  assert.ok(known.length > 1);
  for (const algorithm of known) {
    const config = await discovered(await newClient({ id_token_signed_response_alg: algorithm }));
    const { tokens } = await signedIn(config, person);
    assert.equal(jose.decodeProtectedHeader(tokens.id_token).alg, algorithm);
  }
});

test("signed userinfo", async () => {
  const config = await discovered(await newClient({ userinfo_signed_response_alg: "ES256" }));
  const { tokens } = await signedIn(config, person);
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, person.id);
  assert.equal(userinfo.email, person.email);
});

test("code id_token: the ID token of the front channel vouches for the code", async () => {
  const client = await newClient({ response_types: ["code id_token"], grant_types: ["authorization_code", "implicit"] });
  const config = await discovered(client);
  oidc.useCodeIdTokenResponseType(config);
  const { parameters, checks } = await request();
  const address = oidc.buildAuthorizationUrl(config, parameters);
  const callback = await authorize(new Visitor(), person, address);
  assert.ok(new URLSearchParams(callback.hash.slice(1)).get("id_token"));
  const tokens = await exchange(config, callback, checks);
  assert.equal(tokens.claims().sub, person.id);
});
