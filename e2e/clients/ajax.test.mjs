// A single-page application: the browser flows, asked for with `Accept: application/json`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ajaxClient, nodeValue } from "../support/cookies.mjs";
import { publicUrl } from "../support/environment.mjs";
import { codeFor } from "../support/mail.mjs";
import { newPerson } from "../support/people.mjs";

async function begin(client, name) {
  const { status, body: flow } = await client.get(`${publicUrl}/self-service/${name}/browser`);
  assert.equal(status, 200);
  assert.equal(flow.type, "browser");
  return { flow, csrf_token: nodeValue(flow, "csrf_token") };
}

async function register(client, person) {
  const { flow, csrf_token } = await begin(client, "registration");
  const answer = await client.post(flow.ui.action, {
    method: "password",
    csrf_token,
    password: person.password,
    traits: { email: person.email, name: person.name },
  });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

test("register, verify, ask who I am, sign out, sign in again", async () => {
  const person = newPerson();
  const client = ajaxClient(publicUrl);
  const registered = await register(client, person);
  assert.equal(registered.continue_with[0].action, "redirect_browser_to");
  const show = registered.continue_with.find((item) => item.action === "show_verification_ui");
  assert.ok(show.flow.url.includes(show.flow.id));
  assert.equal(registered.session_token, undefined, "a browser keeps its session in a cookie alone");

  const { body: verification } = await client.get(`/self-service/verification/flows?id=${show.flow.id}`);
  const verified = await client.post(verification.ui.action, {
    method: "code",
    code: await codeFor(person.email),
    csrf_token: nodeValue(verification, "csrf_token"),
  });
  assert.equal(verified.body.state, "passed_challenge");

  const me = await client.get("/sessions/whoami");
  assert.equal(me.status, 200);
  assert.equal(me.headers.get("x-kratos-authenticated-identity-id"), registered.identity.id);

  const { body: logout } = await client.get("/self-service/logout/browser");
  assert.equal((await client.get(logout.logout_url)).status, 204);
  assert.equal((await client.get("/sessions/whoami")).status, 401);

  const { flow, csrf_token } = await begin(client, "login");
  const signedIn = await client.post(flow.ui.action, {
    method: "password",
    csrf_token,
    identifier: person.email,
    password: person.password,
  });
  assert.equal(signedIn.status, 200);
  assert.equal((await client.get("/sessions/whoami")).status, 200);
  assert.equal((await client.get("/self-service/login/browser")).body.error.id, "session_already_available");
});

test("the cookies cannot be read by scripts and do not travel to other sites", async () => {
  const answer = await fetch(`${publicUrl}/self-service/login/browser`, { headers: { accept: "application/json" } });
  const cookies = answer.headers.getSetCookie();
  assert.ok(cookies.length > 0);
  for (const cookie of cookies) {
    assert.match(cookie, /; ?HttpOnly/i);
    assert.match(cookie, /; ?SameSite=(Lax|Strict)/i);
  }
});

test("a submit without the anti-CSRF token, or with another browser's, is refused", async () => {
  const client = ajaxClient(publicUrl);
  const { flow } = await begin(client, "login");
  const stranger = await begin(ajaxClient(publicUrl), "login");
  for (const csrf_token of [undefined, "", stranger.csrf_token]) {
    const body = { method: "password", csrf_token, identifier: "a@example.org", password: "something" };
    const answer = await client.post(flow.ui.action, body);
    assert.equal(answer.status, 403, String(csrf_token));
    assert.equal(answer.body.error.id, "security_csrf_violation");
  }
});

test("another browser cannot read the flow", async () => {
  const { flow } = await begin(ajaxClient(publicUrl), "login");
  const answer = await ajaxClient(publicUrl).get(`/self-service/login/flows?id=${flow.id}`);
  assert.equal(answer.status, 403);
  assert.equal(answer.body.error.id, "security_csrf_violation");
});

test("return_to outside the allow-list is refused", async () => {
  for (const target of ["https://evil.example/", "//evil.example/", `${publicUrl}@evil.example/`]) {
    const client = ajaxClient(publicUrl);
    const answer = await client.get(`/self-service/login/browser?return_to=${encodeURIComponent(target)}`);
    assert.equal(answer.status, 400, target);
    assert.equal(answer.body.error.id, "self_service_flow_return_to_forbidden");
  }
});
