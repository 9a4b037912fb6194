// What relying parties need: a client that is registered, a person with an account, and that person's consent.
import assert from "node:assert/strict";
import { CALLBACK } from "./client-addresses.mjs";
import { relying } from "./environment.mjs";
import { newPerson } from "./people.mjs";
import { remember } from "./secrets.mjs";

/** Registers a client as an operator does. */
export async function newClient(members = {}) {
  const client = await operator("POST", "/admin/clients", {
    client_name: "Photo printer",
    redirect_uris: [CALLBACK],
    scope: "openid offline_access email profile photos.read photos.write",
    grant_types: ["authorization_code", "refresh_token", "client_credentials"],
    response_types: ["code"],
    ...members,
  });
  if (client.client_secret) remember(client.client_secret);
  return client;
}

/** A person with an account, made by an operator: `id` is the subject. */
export async function newAccount() {
  const person = newPerson();
  const { id } = await operator("POST", "/admin/identities", {
    schema_id: "person",
    traits: { email: person.email, name: person.name },
    credentials: { password: { config: { password: person.password } } },
  });
  return { ...person, id };
}

/** Calls the administrators' API. */
export async function operator(method, path, body) {
  const answer = await fetch(new URL(path, relying.adminUrl), {
    method,
    headers: { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/**
 * Signs in and consents on the built-in pages, as far as they ask, and returns what the client gets: an address
 * that begins with `callback`.
 */
export async function authorize(visitor, person, address, callback = CALLBACK) {
  const { url } = await answered(visitor, person, address, callback);
  assert.ok(url.href.startsWith(callback), `the browser got to the client, and not to ${url}`);
  for (const secret of ["code", "access_token", "id_token"]) {
    for (const parameters of [url.searchParams, new URLSearchParams(url.hash.slice(1))]) {
      if (parameters.has(secret)) remember(parameters.get(secret));
    }
  }
  return url;
}

/** The same, where the answer may be a page. */
export async function answered(visitor, person, address, until) {
  return onward(visitor, person, await visitor.go(address, { until }), until);
}

/** Signs in and consents from a page on, as far as anybody asks. */
export async function onward(visitor, person, place, until) {
  if (place.url.pathname === "/ui/login") {
    const fields = { identifier: person.email, password: person.password, method: "password" };
    place = await visitor.submit(place, fields, { until });
  }
  if (place.url.pathname === "/ui/consent") place = await visitor.submit(place, { decision: "allow" }, { until });
  return place;
}

/** Writes down the tokens of an answer, which no log may show. */
export function keep(tokens) {
  remember(...[tokens.access_token, tokens.refresh_token, tokens.id_token].filter(Boolean));
  return tokens;
}
