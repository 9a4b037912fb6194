// Ory's current JavaScript clients, unchanged: native flows, sessions, identities.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Configuration, CourierApi, FrontendApi, IdentityApi, MetadataApi } from "@ory/client";
import * as kratos from "@ory/kratos-client";
import { adminUrl, publicUrl } from "../support/environment.mjs";
import { codeFor } from "../support/mail.mjs";
import { newPerson } from "../support/people.mjs";
import { refused, unfinished } from "../support/refusals.mjs";
import { remember } from "../support/secrets.mjs";

const frontend = new FrontendApi(new Configuration({ basePath: publicUrl }));
const identities = new IdentityApi(new Configuration({ basePath: adminUrl }));
const metadata = new MetadataApi(new Configuration({ basePath: adminUrl }));
const courier = new CourierApi(new Configuration({ basePath: adminUrl }));

async function register(person) {
  const { data: flow } = await frontend.createNativeRegistrationFlow();
  const { data } = await frontend.updateRegistrationFlow({
    flow: flow.id,
    updateRegistrationFlowBody: {
      method: "password",
      password: person.password,
      traits: { email: person.email, name: person.name },
    },
  });
  remember(data.session_token);
  return data;
}

async function signIn(person) {
  const { data: flow } = await frontend.createNativeLoginFlow();
  const { data } = await frontend.updateLoginFlow({
    flow: flow.id,
    updateLoginFlowBody: { method: "password", identifier: person.email, password: person.password },
  });
  remember(data.session_token);
  return data;
}

test("register, verify by the code from the mail, sign in, list and revoke sessions, sign out", async () => {
  const person = newPerson();
  const registered = await register(person);
  assert.match(registered.session_token, /^ory_st_/);
  assert.equal(registered.identity.traits.email, person.email);
  const show = registered.continue_with.find((item) => item.action === "show_verification_ui");
  assert.equal(show.flow.verifiable_address, person.email);

  const { data: verified } = await frontend.updateVerificationFlow({
    flow: show.flow.id,
    updateVerificationFlowBody: { method: "code", code: await codeFor(person.email) },
  });
  assert.equal(verified.state, "passed_challenge");

  const first = registered.session_token;
  const second = await signIn(person);
  const { data: me } = await frontend.toSession({ xSessionToken: second.session_token });
  assert.equal(me.identity.verifiable_addresses[0].verified, true);
  assert.equal(me.authenticator_assurance_level, "aal1");

  const { data: others } = await frontend.listMySessions({ xSessionToken: second.session_token });
  assert.deepEqual(others.map((session) => session.id), [registered.session.id]);
  await frontend.disableMySession({ id: others[0].id, xSessionToken: second.session_token });
  await assert.rejects(frontend.toSession({ xSessionToken: first }), refused(401));

  await frontend.performNativeLogout({ performNativeLogoutBody: { session_token: second.session_token } });
  await assert.rejects(frontend.toSession({ xSessionToken: second.session_token }), refused(401));
});

test("a wrong password and an unknown account get the same answer", async () => {
  const person = newPerson();
  await register(person);
  const answers = [];
  for (const attempt of [{ ...person, password: "something else" }, newPerson()]) {
    const { ui } = await unfinished(signIn(attempt));
    answers.push(ui.messages.map((message) => message.id));
  }
  assert.deepEqual(answers[0], [4000006]);
  assert.deepEqual(answers[0], answers[1]);
});

test("an address that is taken is refused with message 4000007", async () => {
  const person = newPerson();
  await register(person);
  const { ui } = await unfinished(register(person));
  assert.ok(ui.messages.some((message) => message.id === 4000007));
});

test("change the name and the password, and come back with a recovery code", async () => {
  const person = newPerson();
  const { session_token: xSessionToken } = await register(person);
  const { data: settings } = await frontend.createNativeSettingsFlow({ xSessionToken });
  const { data: saved } = await frontend.updateSettingsFlow({
    flow: settings.id,
    xSessionToken,
    updateSettingsFlowBody: { method: "profile", traits: { email: person.email, name: "Grace" } },
  });
  assert.equal(saved.state, "success");
  assert.equal(saved.identity.traits.name, "Grace");

  const { data: recovery } = await frontend.createNativeRecoveryFlow();
  const { data: sent } = await frontend.updateRecoveryFlow({
    flow: recovery.id,
    updateRecoveryFlowBody: { method: "code", email: person.email },
  });
  assert.equal(sent.state, "sent_email");
  const { data: recovered } = await frontend.updateRecoveryFlow({
    flow: recovery.id,
    updateRecoveryFlowBody: { method: "code", code: await codeFor(person.email, /recovery/i) },
  });
  const step = (action) => recovered.continue_with.find((item) => item.action === action);
  const token = step("set_ory_session_token").ory_session_token;
  remember(token);
  const password = `${person.password} and more`;
  remember(password);
  await frontend.updateSettingsFlow({
    flow: step("show_settings_ui").flow.id,
    xSessionToken: token,
    updateSettingsFlowBody: { method: "password", password },
  });
  await signIn({ ...person, password });
  await assert.rejects(signIn(person), refused(400));
});

test("an administrator hands over a recovery code", async () => {
  const person = newPerson();
  const { identity } = await register(person);
  const { data: made, status } = await identities.createRecoveryCodeForIdentity({
    createRecoveryCodeForIdentityBody: { identity_id: identity.id, flow_type: "api" },
  });
  assert.equal(status, 201);
  remember(made.recovery_code);
  const flow = new URL(made.recovery_link).searchParams.get("flow");
  const { data: recovered } = await frontend.updateRecoveryFlow({
    flow,
    updateRecoveryFlowBody: { method: "code", code: made.recovery_code },
  });
  const [{ ory_session_token: token }] = recovered.continue_with;
  remember(token);
  const { data: me } = await frontend.toSession({ xSessionToken: token });
  assert.equal(me.identity.id, identity.id);
});

test("identities through the admin API: create, get, list, update, patch, deactivate, delete", async () => {
  const person = newPerson();
  const { data: created, status } = await identities.createIdentity({
    createIdentityBody: {
      schema_id: "person",
      traits: { email: person.email },
      credentials: { password: { config: { password: person.password } } },
      metadata_admin: { plan: "gold" },
    },
  });
  assert.equal(status, 201);
  const { session_token: token } = await signIn(person);

  const { data: listed } = await identities.listIdentities({ credentialsIdentifier: person.email });
  assert.deepEqual(listed.map((identity) => identity.id), [created.id]);
  const { data: updated } = await identities.updateIdentity({
    id: created.id,
    updateIdentityBody: { schema_id: "person", state: "active", traits: { email: person.email, name: "Grace" } },
  });
  assert.equal(updated.traits.name, "Grace");
  const { data: sessions } = await identities.listIdentitySessions({ id: created.id });
  assert.equal(sessions.length, 1);

  await identities.patchIdentity({ id: created.id, jsonPatch: [{ op: "replace", path: "/state", value: "inactive" }] });
  await assert.rejects(frontend.toSession({ xSessionToken: token }), refused(401));
  await identities.deleteIdentity({ id: created.id });
  await assert.rejects(identities.getIdentity({ id: created.id }), refused(404));
});

test("a hash from another system signs in", async () => {
  const person = newPerson();
  await identities.createIdentity({
    createIdentityBody: {
      schema_id: "person",
      traits: { email: person.email },
      // bcrypt of "correct horse battery staple"
      credentials: {
        password: {
          config: { hashed_password: "$2b$10$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W" },
        },
      },
    },
  });
  const { session } = await signIn({ ...person, password: "correct horse battery staple" });
  assert.equal(session.identity.traits.email, person.email);
});

test("schemas, version, health and the courier's messages", async () => {
  const person = newPerson();
  await register(person);
  await codeFor(person.email);
  const { data: schemas } = await identities.listIdentitySchemas();
  assert.ok(schemas.some((schema) => schema.id === "person"));
  assert.equal(typeof (await metadata.getVersion()).data.version, "string");
  const { data: messages } = await courier.listCourierMessages({ recipient: person.email });
  assert.equal(messages.length, 1);
  assert.equal(messages[0].recipient, person.email);
  assert.ok(!JSON.stringify(messages).match(/\b\d{6}\b/), "the code is not shown to operators");
});

test("the Kratos client sees the same server", async () => {
  const person = newPerson();
  const { session_token: token } = await register(person);
  const api = new kratos.FrontendApi(new kratos.Configuration({ basePath: publicUrl }));
  const { data: me } = await api.toSession({ xSessionToken: token });
  assert.equal(me.identity.traits.email, person.email);
});
