// A person in a real browser signs in to an application: sign-in, consent, the application, sign-out; on the built-in pages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as oidc from "openid-client";
import { openBrowser } from "../support/browser.mjs";
import { relying } from "../support/environment.mjs";
import { codeFor } from "../support/mail.mjs";
import { discovered, exchange, request } from "../support/openid-client.mjs";
import { register, signIn } from "../support/pages.mjs";
import { newPerson } from "../support/people.mjs";
import { newAccount, newClient } from "../support/relying.mjs";
import { newSite } from "../support/site.mjs";

const WIDE = { width: 1100, height: 850 };
const NARROW = { width: 360, height: 740 };
const LOOKS = [
  { label: "oauth2-wide-light", viewport: WIDE },
  { label: "oauth2-wide-dark", viewport: WIDE, colorScheme: "dark" },
  { label: "oauth2-narrow-light", viewport: NARROW, locale: "de-DE", javaScriptEnabled: false },
  { label: "oauth2-narrow-dark", viewport: NARROW, colorScheme: "dark", locale: "de-DE", javaScriptEnabled: false },
];

let browser;
let application;
before(async () => {
  browser = await openBrowser();
  // It shows a word at every address, so that the browser has somewhere to arrive.
  application = await newSite((incoming, answer) => {
    incoming.resume();
    answer.writeHead(200, { "content-type": "text/html" }).end("<h1>Photo printer</h1>");
  });
});
after(async () => {
  application?.close();
  await browser?.close();
});

/** The client of the application, and the request that begins a sign-in there. */
async function begin() {
  const callback = `${application.url}/callback`;
  const goodbye = `${application.url}/goodbye`;
  const client = await newClient({
    client_uri: `${application.url}/`,
    policy_uri: `${application.url}/privacy`,
    tos_uri: `${application.url}/terms`,
    redirect_uris: [callback],
    post_logout_redirect_uris: [goodbye],
    audience: ["https://api.example"],
  });
  const config = await discovered(client);
  const { parameters, checks } = await request({ redirect_uri: callback, audience: "https://api.example" });
  return { config, checks, callback, goodbye, address: oidc.buildAuthorizationUrl(config, parameters).href };
}

const newPage = (look) => browser.newPage({ ignoreHTTPSErrors: true, ...look });

for (const look of LOOKS) {
  test(`${look.label}: sign in, allow, arrive, sign out, and meet an error`, async () => {
    const person = await newAccount();
    const { config, checks, callback, goodbye, address } = await begin();
    const page = await newPage(look);
    await page.goto(address);
    await page.fits();
    await signIn(page, person);
    await page.waitForSelector('button[name="decision"][value="allow"]');
    await page.fits();
    await page.shot("consent");
    assert.match(await page.textContent("main"), new RegExp(`Photo printer.*${person.email}`, "s"));
    await page.click('button[value="allow"]');
    await page.waitForURL(`${callback}?*`);
    const tokens = await exchange(config, new URL(page.url()), checks);
    assert.equal(tokens.claims().sub, person.id);

    await page.goto(address);
    await page.waitForURL(`${callback}?*`);

    const leave = { post_logout_redirect_uri: goodbye, client_id: config.clientMetadata().client_id };
    await page.goto(oidc.buildEndSessionUrl(config, leave).href);
    await page.waitForSelector('form[action$="/ui/logout"] button');
    await page.fits();
    await page.shot("logout");
    await page.click('form[action$="/ui/logout"] button');
    await page.waitForURL(`${goodbye}*`);
    await page.goto(address);
    await page.waitForSelector('input[name="identifier"]');

    // An application that asks wrongly is named on a page of ours, and nobody is sent there.
    const wrong = new URL(address);
    wrong.searchParams.set("redirect_uri", "https://evil.example/callback");
    await page.goto(wrong.href);
    assert.equal(new URL(page.url()).origin, relying.publicUrl);
    await page.waitForSelector(".notice.error");
    assert.match(await page.textContent('p[lang="en"]'), /redirect_uri/, "what developers are told is in English");
    await page.fits();
    await page.shot("error");
  });
}

test("whoever does not allow it arrives without anything", async () => {
  const person = await newAccount();
  const { callback, address } = await begin();
  const page = await newPage({ label: "oauth2-refused" });
  await page.goto(address);
  await signIn(page, person);
  await page.click('button[value="deny"]');
  await page.waitForURL(`${callback}?*`);
  const answer = new URL(page.url()).searchParams;
  assert.deepEqual([answer.get("error"), answer.get("code")], ["access_denied", null]);
});

test("whoever has no account yet makes one on the way", async () => {
  const person = newPerson();
  const { config, checks, callback, address } = await begin();
  const page = await newPage({ label: "oauth2" });
  await page.goto(address);
  await page.clickLink(/register|create|sign up/i);
  await register(page, person);
  await page.waitForSelector('input[name="code"]');
  await page.shot("verification-on-the-way");
  await page.fill('input[name="code"]', await codeFor(person.email));
  await page.click('button[name="method"][value="code"]');
  await page.waitForSelector(".notice.success");
  await page.shot("verified-on-the-way");
  await page.clickLink(/continue/i);
  await page.waitForSelector('button[value="allow"]');
  await page.click('button[value="allow"]');
  await page.waitForURL(`${callback}?*`);
  const tokens = await exchange(config, new URL(page.url()), checks);
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.deepEqual([userinfo.email, userinfo.email_verified], [person.email, true]);
});
