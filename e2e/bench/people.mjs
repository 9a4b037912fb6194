// Registration and sign-in, as an application does them.
import { ajaxClient, nodeValue } from "../support/cookies.mjs";

/** Registers through a native flow. */
export function nativeRegistration(base, { email, name, password }) {
  return native(base, "registration", { method: "password", password, traits: { email, name } });
}

/** Signs in through a native flow. */
export function nativeSignIn(base, { email, password }) {
  return native(base, "login", { method: "password", identifier: email, password });
}

/** Registers through a browser flow; the cookies of the session. */
export async function ajaxRegistration(base, { email, name, password }) {
  const client = ajaxClient(base);
  const { body: flow } = await client.get("/self-service/registration/browser");
  const csrf_token = nodeValue(flow, "csrf_token");
  const answer = await client.post(flow.ui.action, { method: "password", csrf_token, password, traits: { email, name } });
  if (answer.status !== 200) throw new Error(`registration answered ${answer.status}`);
  return { cookies: [...client.cookies].map(([cookie, value]) => `${cookie}=${value}`).join("; ") };
}

async function native(base, flow, submission) {
  const { id } = await (await fetch(`${base}/self-service/${flow}/api`)).json();
  const answer = await fetch(`${base}/self-service/${flow}?flow=${id}`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(submission),
  });
  if (!answer.ok) throw new Error(`${flow} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}
