// Everything that operators do with clients, keys and trusted issuers, through Ory's clients, unchanged.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import * as jose from "jose";
import { METADATA, token } from "../support/applications.mjs";
import { applications } from "../support/environment.mjs";
import { CLIENTS } from "../support/hydra-clients.mjs";
import { newKey } from "../support/keys.mjs";
import { refused } from "../support/refusals.mjs";
import { remember } from "../support/secrets.mjs";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

for (const { name, oauth2, keys, oidc } of CLIENTS) {
  const create = async (members = {}) => {
    const { data } = await oauth2.createOAuth2Client({ oAuth2Client: { ...METADATA, ...members } });
    remember(data.client_secret);
    return data;
  };

  test(`${name}: clients are created, read, listed, replaced, patched, deleted`, async () => {
    const owner = randomUUID();
    const made = await create({ owner, metadata: { shelf: 3 }, contacts: ["printer@example.org"] });
    assert.equal(made.owner, owner);
    const { client_secret: secret, registration_access_token, registration_client_uri, ...rest } = made;
    assert.ok(secret && registration_access_token && registration_client_uri);
    const { data: read } = await oauth2.getOAuth2Client({ id: made.client_id });
    assert.deepEqual(read, rest);

    const more = await Promise.all([create({ owner }), create({ owner })]);
    const ids = [made, ...more].map((client) => client.client_id).sort();
    const first = await oauth2.listOAuth2Clients({ owner, pageSize: 2 });
    const next = first.headers.link.match(/page_token=([^&>]+)[^>]*>; ?rel="next"/)[1];
    const second = await oauth2.listOAuth2Clients({ owner, pageSize: 2, pageToken: decodeURIComponent(next) });
    assert.deepEqual([...first.data, ...second.data].map((client) => client.client_id), ids);
    assert.ok(!/rel="next"/.test(second.headers.link ?? ""));

    const replaced = await oauth2.setOAuth2Client({ id: made.client_id, oAuth2Client: { ...read, client_name: "New" } });
    assert.equal(replaced.data.client_name, "New");
    assert.equal(replaced.data.client_secret, undefined, "the secret stays");
    assert.equal((await token({ ...made }, { grant_type: "client_credentials" })).token_type, "bearer");

    const patch = [
      { op: "replace", path: "/client_name", value: "Newer" },
      { op: "add", path: "/redirect_uris/-", value: "https://app.example/other" },
    ];
    const { data: patched } = await oauth2.patchOAuth2Client({ id: made.client_id, jsonPatch: patch });
    assert.equal(patched.client_name, "Newer");
    assert.deepEqual(patched.redirect_uris, [...METADATA.redirect_uris, "https://app.example/other"]);
    const wrong = [{ op: "replace", path: "/client_id", value: "another" }];
    await assert.rejects(oauth2.patchOAuth2Client({ id: made.client_id, jsonPatch: wrong }), refused(400));

    for (const id of ids) assert.equal((await oauth2.deleteOAuth2Client({ id })).status, 204);
    await assert.rejects(oauth2.getOAuth2Client({ id: made.client_id }), refused(404));
    assert.deepEqual((await oauth2.listOAuth2Clients({ owner })).data, []);
  });

  test(`${name}: a client's own lifetimes count`, async () => {
    const made = await create();
    const lifespans = { client_credentials_grant_access_token_lifespan: "2m0s" };
    const { data } = await oauth2.setOAuth2ClientLifespans({
      id: made.client_id,
      oAuth2ClientTokenLifespans: lifespans,
    });
    assert.match(data.client_credentials_grant_access_token_lifespan, /^2m/);
    const { expires_in } = await token(made, { grant_type: "client_credentials" });
    assert.ok(expires_in > 110 && expires_in <= 120, String(expires_in));
  });

  test(`${name}: introspection, and an end to all tokens of a client`, async () => {
    const made = await create();
    const { access_token } = await token(made, { grant_type: "client_credentials", scope: "photos.read" });
    const { data: told } = await oauth2.introspectOAuth2Token({ token: access_token });
    assert.deepEqual([told.active, told.client_id, told.scope], [true, made.client_id, "photos.read"]);
    assert.equal(told.token_use, "access_token");
    const { data: narrower } = await oauth2.introspectOAuth2Token({ token: access_token, scope: "photos.write" });
    assert.deepEqual(narrower, { active: false });
    assert.equal((await oauth2.deleteOAuth2Token({ clientId: made.client_id })).status, 204);
    assert.deepEqual((await oauth2.introspectOAuth2Token({ token: access_token })).data, { active: false });
  });

  test(`${name}: key sets are made, read, replaced, and keys deleted`, async () => {
    const set = `printers-${randomUUID()}`;
    const { data: made } = await keys.createJsonWebKeySet({
      set,
      createJsonWebKeySet: { alg: "ES256", use: "sig", kid: "first" },
    });
    assert.equal(made.keys[0].kid, "first");
    const { data: read } = await keys.getJsonWebKeySet({ set });
    assert.deepEqual(read, made);
    const { privateKey } = await jose.generateKeyPair("RS256", { extractable: true });
    const own = { ...(await jose.exportJWK(privateKey)), kid: "own", alg: "RS256", use: "sig" };
    const { data: replaced } = await keys.setJsonWebKeySet({ set, jsonWebKeySet: { keys: [...made.keys, own] } });
    assert.deepEqual(replaced.keys.map((key) => key.kid).sort(), ["first", "own"]);
    const { data: one } = await keys.getJsonWebKey({ set, kid: "own" });
    assert.equal(one.keys[0].n, own.n);
    const other = { ...own, use: "enc", alg: "RSA-OAEP" };
    await keys.setJsonWebKey({ set, kid: "own", jsonWebKey: own });
    await assert.rejects(keys.setJsonWebKey({ set, kid: "another", jsonWebKey: other }), refused(400));
    assert.equal((await keys.deleteJsonWebKey({ set, kid: "own" })).status, 204);
    assert.equal((await keys.deleteJsonWebKeySet({ set })).status, 204);
    await assert.rejects(keys.getJsonWebKeySet({ set }), refused(404));
  });

  test(`${name}: trusted issuers vouch for people until they are no longer trusted`, async () => {
    const issuer = `https://${randomUUID()}.example`;
    const { key, jwks } = await newKey("ES256");
    const { data: trusted } = await oauth2.trustOAuth2JwtGrantIssuer({
      trustOAuth2JwtGrantIssuer: {
        issuer,
        subject: "ada",
        scope: ["photos.read"],
        expires_at: new Date(Date.now() + 3_600_000).toISOString(),
        jwk: jwks.keys[0],
      },
    });
    assert.equal(trusted.public_key.kid, key.kid);
    assert.deepEqual((await oauth2.getTrustedOAuth2JwtGrantIssuer({ id: trusted.id })).data, trusted);
    const { data: listed } = await oauth2.listTrustedOAuth2JwtGrantIssuers({ issuer });
    assert.deepEqual(listed, [trusted]);

    const made = await create({ grant_types: [JWT_BEARER] });
    const vouch = () =>
      new jose.SignJWT()
        .setProtectedHeader({ alg: "ES256", kid: key.kid })
        .setIssuer(issuer)
        .setSubject("ada")
        .setAudience(`${applications.publicUrl}/oauth2/token`)
        .setIssuedAt()
        .setExpirationTime("5m")
        .setJti(randomUUID())
        .sign(key.key);
    const parameters = { grant_type: JWT_BEARER, scope: "photos.read" };
    const { access_token } = await token(made, { ...parameters, assertion: await vouch() });
    assert.equal((await oauth2.introspectOAuth2Token({ token: access_token })).data.sub, "ada");

    assert.equal((await oauth2.deleteTrustedOAuth2JwtGrantIssuer({ id: trusted.id })).status, 204);
    await assert.rejects(token(made, { ...parameters, assertion: await vouch() }), /invalid_grant/);
  });

  test(`${name}: discovery`, async () => {
    const { data } = await oidc.discoverOidcConfiguration();
    assert.equal(data.issuer, applications.publicUrl);
  });
}

test("@ory/client: secrets are rotated, and the one before works until it is forgotten", async () => {
  const [{ oauth2 }] = CLIENTS;
  const { data: made } = await oauth2.createOAuth2Client({ oAuth2Client: METADATA });
  const { data: rotated } = await oauth2.rotateOAuth2ClientSecret({ id: made.client_id });
  remember(made.client_secret, rotated.client_secret);
  assert.notEqual(rotated.client_secret, made.client_secret);
  for (const client of [made, rotated]) await token(client, { grant_type: "client_credentials" });
  await oauth2.deleteRotatedOAuth2ClientSecrets({ id: made.client_id });
  await token(rotated, { grant_type: "client_credentials" });
  await assert.rejects(token(made, { grant_type: "client_credentials" }), /invalid_client/);
});
