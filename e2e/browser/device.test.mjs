// Approving a device in a real browser: the code is scanned or typed, somebody signs in and allows it, and the device
// gets its tokens.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "../support/browser.mjs";
import { adminUrl, publicUrl } from "../support/environment.mjs";
import { register, signIn } from "../support/pages.mjs";
import { newPerson } from "../support/people.mjs";
import { remember } from "../support/secrets.mjs";

const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

async function post(url, body, type = "application/x-www-form-urlencoded") {
  const answer = await fetch(url, { method: "POST", headers: { "content-type": type }, body });
  return { status: answer.status, body: await answer.json() };
}

/** A television that shows a code. */
async function television() {
  const client = {
    client_name: "Living room television",
    grant_types: [GRANT, "refresh_token"],
    scope: "openid offline_access profile",
    token_endpoint_auth_method: "none",
  };
  const made = await post(`${adminUrl}/admin/clients`, JSON.stringify(client), "application/json");
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const id = made.body.client_id;
  const asked = new URLSearchParams({ client_id: id, scope: client.scope });
  const { body: codes } = await post(`${publicUrl}/oauth2/device/auth`, asked);
  remember(codes.device_code);
  return {
    codes,
    ask: () => post(`${publicUrl}/oauth2/token`, new URLSearchParams({ grant_type: GRANT, client_id: id, device_code: codes.device_code })),
  };
}

/** Somebody has an account, and is signed in in this page. */
async function registered(page, person) {
  await page.goto(`${publicUrl}/self-service/registration/browser`);
  await register(page, person);
  await page.waitForLoadState();
}

/** Both colour schemes, and a narrow screen. */
async function shots(page, name) {
  await page.shot(name);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.shot(`${name}-dark`);
  await page.emulateMedia({ colorScheme: "light" });
  const size = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(overflow, 0, `${name} scrolls sideways on a telephone`);
  await page.shot(`${name}-narrow`);
  await page.setViewportSize(size);
}

test("a code is typed, somebody signs in and allows the device", async () => {
  const [device, person] = [await television(), newPerson()];
  await registered(await browser.newPage({ label: "device-before" }), person);
  const page = await browser.newPage({ label: "device", javaScriptEnabled: false });
  await page.goto(device.codes.verification_uri);
  await shots(page, "type");
  await page.fill('input[name="user_code"]', "wrong");
  await page.click('button[type="submit"]');
  await page.waitForSelector(".notice.error");
  await shots(page, "wrong");
  await page.fill('input[name="user_code"]', device.codes.user_code);
  await page.click('button[type="submit"]');
  await signIn(page, person);
  await page.waitForSelector('button[name="decision"]');
  await shots(page, "consent");
  await page.click('button[name="decision"][value="allow"]');
  await page.waitForSelector(".notice.success");
  await shots(page, "done");
  const { status, body } = await device.ask();
  assert.equal(status, 200, JSON.stringify(body));
  assert.ok(body.access_token && body.refresh_token && body.id_token);
});

test("a scanned code is compared, and a refusal reaches the device", async () => {
  const device = await television();
  const page = await browser.newPage({ label: "device-german", locale: "de-DE" });
  await registered(page, newPerson());
  await page.goto(device.codes.verification_uri_complete);
  assert.equal(await page.inputValue('input[name="user_code"]'), device.codes.user_code);
  await shots(page, "scanned");
  await page.click('button[type="submit"]');
  await page.waitForSelector('button[name="decision"]');
  await shots(page, "consent");
  await page.click('button[name="decision"][value="deny"]');
  await page.waitForURL(/device\/denied/);
  await shots(page, "denied");
  assert.equal((await device.ask()).body.error, "access_denied");
});
