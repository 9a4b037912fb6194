// Codes and links through Ory's current JavaScript client, unchanged.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Configuration, FrontendApi, IdentityApi } from "@ory/client";
import { ajaxClient } from "../support/cookies.mjs";
import { links, publicUrl } from "../support/environment.mjs";
import { codeFor, linkFor } from "../support/mail.mjs";
import { newPerson } from "../support/people.mjs";
import { unfinished } from "../support/refusals.mjs";
import { remember } from "../support/secrets.mjs";

const SIGN_IN = /sign-in code/i;
const frontendOf = (basePath) => new FrontendApi(new Configuration({ basePath }));
const frontend = frontendOf(publicUrl);

async function registerByCode(person) {
  const { data: flow } = await frontend.createNativeRegistrationFlow();
  const traits = { email: person.email, name: person.name };
  const submit = (code) =>
    frontend.updateRegistrationFlow({
      flow: flow.id,
      updateRegistrationFlowBody: { method: "code", traits, ...(code && { code }) },
    });
  const sent = await unfinished(submit());
  assert.equal(sent.state, "sent_email");
  const { data } = await submit(await codeFor(person.email));
  remember(data.session_token);
  return data;
}

test("an account without a password: signed up with a code, signed in with another", async () => {
  const person = newPerson();
  const registered = await registerByCode(person);
  assert.equal(registered.identity.verifiable_addresses[0].verified, true);

  const { data: flow } = await frontend.createNativeLoginFlow();
  const submit = (more) =>
    frontend.updateLoginFlow({
      flow: flow.id,
      updateLoginFlowBody: { method: "code", identifier: person.email, csrf_token: "", ...more },
    });
  const sent = await unfinished(submit());
  assert.deepEqual([sent.state, sent.active], ["sent_email", "code"]);
  const code = await codeFor(person.email, SIGN_IN);
  const wrong = await unfinished(submit({ code: code === "000000" ? "000001" : "000000" }));
  assert.deepEqual(wrong.ui.messages.map((message) => message.id), [4010008]);
  const { data: signedIn } = await submit({ code });
  remember(signedIn.session_token);
  const { data: me } = await frontend.toSession({ xSessionToken: signedIn.session_token });
  assert.equal(me.identity.id, registered.identity.id);
  assert.deepEqual(me.authentication_methods.map((used) => used.method), ["code"]);
});

test("nobody gets a code, and nobody is told", async () => {
  const { data: flow } = await frontend.createNativeLoginFlow();
  const body = { method: "code", identifier: newPerson().email, csrf_token: "" };
  const sent = await unfinished(frontend.updateLoginFlow({ flow: flow.id, updateLoginFlowBody: body }));
  assert.deepEqual([sent.state, sent.ui.messages.map((message) => message.id)], ["sent_email", [1010014]]);
});

test("an account without a password gets one in its settings", async () => {
  const person = newPerson();
  const { session_token: xSessionToken } = await registerByCode(person);
  const { data: settings } = await frontend.createNativeSettingsFlow({ xSessionToken });
  const { data: saved } = await frontend.updateSettingsFlow({
    flow: settings.id,
    xSessionToken,
    updateSettingsFlowBody: { method: "password", password: person.password },
  });
  assert.equal(saved.state, "success");
  const { data: login } = await frontend.createNativeLoginFlow();
  const { data } = await frontend.updateLoginFlow({
    flow: login.id,
    updateLoginFlowBody: { method: "password", identifier: person.email, password: person.password },
  });
  remember(data.session_token);
  assert.equal(data.session.identity.traits.email, person.email);
});

test("a verification that was begun anew proves the address by code", async () => {
  const person = newPerson();
  const { data: registration } = await frontend.createNativeRegistrationFlow();
  const { data: registered } = await frontend.updateRegistrationFlow({
    flow: registration.id,
    updateRegistrationFlowBody: { method: "password", password: person.password, traits: { email: person.email } },
  });
  remember(registered.session_token);
  const old = await codeFor(person.email);
  const { data: flow } = await frontend.createNativeVerificationFlow();
  const submit = (more) =>
    frontend.updateVerificationFlow({ flow: flow.id, updateVerificationFlowBody: { method: "code", ...more } });
  const { data: sent } = await submit({ email: person.email });
  assert.equal(sent.state, "sent_email");
  let code = old;
  while (code === old) code = await codeFor(person.email);
  const { data: verified } = await submit({ code });
  assert.equal(verified.state, "passed_challenge");
});

test("a link proves an address, and another lets its owner back in", async () => {
  const person = newPerson();
  const frontend = frontendOf(links.publicUrl);
  const { data: registration } = await frontend.createNativeRegistrationFlow();
  const { data: registered } = await frontend.updateRegistrationFlow({
    flow: registration.id,
    updateRegistrationFlowBody: { method: "password", password: person.password, traits: { email: person.email } },
  });
  const xSessionToken = registered.session_token;
  remember(xSessionToken);
  const browser = ajaxClient(links.publicUrl);
  await browser.get(await linkFor(person.email));
  const { data: me } = await frontend.toSession({ xSessionToken });
  assert.equal(me.identity.verifiable_addresses[0].verified, true);

  const { data: recovery } = await frontend.createNativeRecoveryFlow();
  const { data: sent } = await frontend.updateRecoveryFlow({
    flow: recovery.id,
    updateRecoveryFlowBody: { method: "link", email: person.email },
  });
  assert.equal(sent.state, "sent_email");
  await browser.get(await linkFor(person.email, /get back into/i));
  assert.equal((await browser.get("/sessions/whoami")).body.identity.id, registered.identity.id);
});

test("an administrator hands over a link", async () => {
  const person = newPerson();
  const identities = new IdentityApi(new Configuration({ basePath: links.adminUrl }));
  const { data: identity } = await identities.createIdentity({
    createIdentityBody: { schema_id: "person", traits: { email: person.email } },
  });
  const { data: made } = await identities.createRecoveryLinkForIdentity({
    createRecoveryLinkForIdentityBody: { identity_id: identity.id },
  });
  remember(new URL(made.recovery_link).searchParams.get("token"));
  const browser = ajaxClient(links.publicUrl);
  await browser.get(made.recovery_link);
  assert.equal((await browser.get("/sessions/whoami")).body.identity.id, identity.id);
});
