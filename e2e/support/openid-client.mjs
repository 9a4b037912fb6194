// The certified client library, as strict as it can be made.
import * as oidc from "openid-client";
import { CALLBACK } from "./client-addresses.mjs";
import { relying } from "./environment.mjs";
import "./names.mjs";
import { authorize, keep } from "./relying.mjs";
import { Visitor } from "./visitor.mjs";

/** Reads discovery for a registered client. Signatures of ID tokens are checked, which is not the default. */
export function discovered(client, authentication = oidc.ClientSecretBasic(client.client_secret)) {
  const { id_token_signed_response_alg, userinfo_signed_response_alg: signed } = client;
  const metadata = {
    id_token_signed_response_alg,
    userinfo_signed_response_alg: signed === "none" ? undefined : signed,
  };
  return oidc.discovery(new URL(relying.publicUrl), client.client_id, metadata, authentication, {
    execute: [oidc.enableNonRepudiationChecks],
  });
}

/** What one authorization needs: the parameters that are sent, and the checks of the answer. */
export async function request(changes = {}) {
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
    idTokenExpected: true,
  };
  const parameters = {
    redirect_uri: CALLBACK,
    scope: "openid offline_access email profile photos.read",
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: "S256",
    ...changes,
  };
  return { parameters, checks };
}

/** A whole sign-in: the answer at the client, the checks, and the tokens. */
export async function signedIn(config, person, { changes, options, visitor = new Visitor() } = {}) {
  const { parameters, checks } = await request(changes);
  const callback = await authorize(visitor, person, oidc.buildAuthorizationUrl(config, parameters));
  const tokens = await exchange(config, callback, checks, options);
  return { tokens, callback, checks, visitor };
}

/** The tokens for an answer. */
export async function exchange(config, callback, checks, options) {
  return keep(await oidc.authorizationCodeGrant(config, callback, checks, undefined, options));
}

/** Passes when the server refuses with this error of RFC 6749 (and this status). */
export function refusedWith(error, status = 400) {
  return (thrown) => {
    if (thrown.error === error && thrown.status === status) return true;
    throw new Error(`expected ${error} ${status}, got ${thrown.error} ${thrown.status}: ${thrown.message}`, {
      cause: thrown,
    });
  };
}
