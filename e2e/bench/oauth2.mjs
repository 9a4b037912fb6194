// What clients ask of the OAuth2 server, all day long.
import { createHash, randomBytes } from "node:crypto";
import { CALLBACK } from "../support/client-addresses.mjs";
import { closedLoop } from "./closed-loop.mjs";
import { httpLoad } from "./http-load.mjs";

const REFRESHING = 16;
const SIGNING_IN = 16;

/** The scenarios, by name. `cookies` are those of a browser that somebody is signed in at. */
export async function oauth2Scenarios({ publicUrl, adminUrl, cookies, seconds }) {
  const token = (form) => post(`${publicUrl}/oauth2/token`, form);
  const machine = async (strategy) => {
    const { client_id, client_secret } = await register(adminUrl, {
      grant_types: ["client_credentials"],
      access_token_strategy: strategy,
    });
    const form = { grant_type: "client_credentials", client_id, client_secret };
    return () => httpLoad(`${publicUrl}/oauth2/token`, { seconds, form });
  };
  const application = await register(adminUrl, {
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    redirect_uris: [CALLBACK],
    scope: "openid offline",
    skip_consent: true,
  });
  const credentials = { client_id: application.client_id, client_secret: application.client_secret };
  const signIn = async () => {
    const verifier = randomBytes(32).toString("base64url");
    const code = await authorize(publicUrl, cookies, credentials.client_id, verifier);
    const form = { grant_type: "authorization_code", code, redirect_uri: CALLBACK, code_verifier: verifier };
    return token({ ...credentials, ...form });
  };
  const person = await signIn();
  const chains = await Promise.all(Array.from({ length: REFRESHING }, signIn));
  const refresh = async (chain) => {
    const { refresh_token } = chains[chain];
    chains[chain] = await token({ ...credentials, grant_type: "refresh_token", refresh_token });
  };
  const bearer = { authorization: `Bearer ${person.access_token}` };
  return {
    "client credentials, opaque": await machine("opaque"),
    "client credentials, JWT": await machine("jwt"),
    "client credentials, stateless JWT": await machine("stateless_jwt"),
    "authorize and redeem the code": () => closedLoop(signIn, { seconds, callers: SIGNING_IN }),
    refresh: () => closedLoop(refresh, { seconds, callers: REFRESHING }),
    introspection: () =>
      httpLoad(`${adminUrl}/admin/oauth2/introspect`, { seconds, form: { token: person.access_token } }),
    userinfo: () => httpLoad(`${publicUrl}/userinfo`, { seconds, headers: bearer }),
    discovery: () => httpLoad(`${publicUrl}/.well-known/openid-configuration`, { seconds }),
  };
}

async function register(adminUrl, members) {
  const body = JSON.stringify({ token_endpoint_auth_method: "client_secret_post", ...members });
  const headers = { "content-type": "application/json" };
  return answered(await fetch(`${adminUrl}/admin/clients`, { method: "POST", headers, body }));
}

async function post(url, form) {
  return answered(await fetch(url, { method: "POST", body: new URLSearchParams(form) }));
}

async function answered(response) {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** A browser in which somebody is signed in asks for a code, for a client that needs no consent. */
async function authorize(publicUrl, cookies, clientId, verifier) {
  const url = new URL(`${publicUrl}/oauth2/auth`);
  url.search = new URLSearchParams({
    client_id: clientId,
    response_type: "code",
    redirect_uri: CALLBACK,
    scope: "openid offline",
    state: randomBytes(16).toString("base64url"),
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const response = await fetch(url, { headers: { cookie: cookies }, redirect: "manual" });
  const code = new URL(response.headers.get("location")).searchParams.get("code");
  if (code === null) throw new Error(`no code: ${response.headers.get("location")}`);
  return code;
}
