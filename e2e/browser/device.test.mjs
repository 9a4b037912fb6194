// Approving a device in a real browser: the code is scanned or typed, somebody signs in and allows it, and the device
// gets its tokens.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as oidc from "openid-client";
import { openBrowser } from "../support/browser.mjs";
import { relying } from "../support/environment.mjs";
import { discovered, refusedWith } from "../support/openid-client.mjs";
import { newAccountOn, signIn } from "../support/pages.mjs";
import { keep, newAccount, newClient } from "../support/relying.mjs";
import { remember } from "../support/secrets.mjs";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

const newPage = (look) => browser.newPage({ ignoreHTTPSErrors: true, ...look });

/** A television that shows a code. */
async function television() {
  const client = await newClient({
    client_name: "Living room television",
    token_endpoint_auth_method: "none",
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
  });
  const config = await discovered(client, oidc.None());
  const codes = await oidc.initiateDeviceAuthorization(config, { scope: "openid offline_access profile" });
  remember(codes.device_code, codes.user_code);
  return { codes, ask: async () => keep(await oidc.pollDeviceAuthorizationGrant(config, codes)) };
}

/** Both colour schemes, and a narrow screen. */
async function shots(page, name) {
  await page.shot(name);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.shot(`${name}-dark`);
  await page.emulateMedia({ colorScheme: "light" });
  const size = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  await page.fits();
  await page.shot(`${name}-narrow`);
  await page.setViewportSize(size);
}

test("a code is typed, somebody signs in and allows the device", async () => {
  const [device, person] = [await television(), await newAccount()];
  const page = await newPage({ label: "device", javaScriptEnabled: false });
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
  const tokens = await device.ask();
  assert.ok(tokens.access_token && tokens.refresh_token && tokens.id_token);
  assert.equal(tokens.claims().sub, person.id);
});

test("a scanned code is compared, and a refusal reaches the device", async () => {
  const device = await television();
  const page = await newPage({ label: "device-german", locale: "de-DE" });
  await newAccountOn(page, relying.publicUrl);
  await page.goto(device.codes.verification_uri_complete);
  assert.equal(await page.inputValue('input[name="user_code"]'), device.codes.user_code);
  await shots(page, "scanned");
  await page.click('button[type="submit"]');
  await page.waitForSelector('button[name="decision"]');
  await shots(page, "consent");
  await page.click('button[name="decision"][value="deny"]');
  await page.waitForURL(/device\/denied/);
  await shots(page, "denied");
  await assert.rejects(device.ask(), refusedWith("access_denied", 403));
});
