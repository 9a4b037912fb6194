// Login, consent and logout applications, played by the tests; and the client that sends people there.
import assert from "node:assert/strict";
import { CALLBACK } from "./client-addresses.mjs";
import { applications } from "./environment.mjs";
import { keep } from "./relying.mjs";
import { remember } from "./secrets.mjs";
import { Visitor } from "./visitor.mjs";

const STATE = "a state of some length";
const SCOPE = "openid offline photos.read";

/** What such a client is registered with. */
export const METADATA = {
  client_name: "Photo printer",
  redirect_uris: [CALLBACK],
  scope: `${SCOPE} photos.write`,
  grant_types: ["authorization_code", "refresh_token", "client_credentials"],
  response_types: ["code"],
  token_endpoint_auth_method: "client_secret_post",
  audience: ["https://api.example"],
};

/** A browser that a client sends to be signed in. */
export class Journey {
  visitor = new Visitor();

  constructor(client) {
    this.client = client;
  }

  /** Where it begins. */
  address(changes = {}) {
    const address = new URL("/oauth2/auth", applications.publicUrl);
    const parameters = {
      client_id: this.client.client_id,
      response_type: "code",
      redirect_uri: CALLBACK,
      scope: SCOPE,
      state: STATE,
      nonce: "a nonce of some length",
      ...changes,
    };
    for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
    return address;
  }

  /** Begins: the login challenge. */
  begin(changes) {
    return this.follow(this.address(changes), "login");
  }

  /** Follows an application's decision to the next challenge (`consent`, `logout`). */
  async follow(address, next) {
    const { url } = await this.visitor.go(address, { until: `${applications.url}/${next}` });
    const challenge = url.searchParams.get(`${next}_challenge`);
    assert.ok(challenge, `the browser is sent to the ${next} application, and not to ${url}`);
    return challenge;
  }

  /** Follows the last decision to the client, whose answer is checked for `state`. */
  async finish(address) {
    const { url } = await this.visitor.go(address, { until: CALLBACK });
    assert.equal(url.searchParams.get("state"), STATE);
    return url.searchParams;
  }

  /** The tokens for the client's answer. */
  tokens(answer) {
    const code = answer.get("code");
    remember(code);
    return token(this.client, { grant_type: "authorization_code", code, redirect_uri: CALLBACK });
  }
}

/** A call of the token endpoint that has to succeed. */
export async function token({ client_id, client_secret }, parameters) {
  const answer = await fetch(new URL("/oauth2/token", applications.publicUrl), {
    method: "POST",
    body: new URLSearchParams({ client_id, client_secret, ...parameters }),
  });
  const tokens = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(tokens));
  return keep(tokens);
}
