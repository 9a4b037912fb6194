// Links in a real browser: one proves an address, one lets somebody back in, and each works once.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "../support/browser.mjs";
import { links } from "../support/environment.mjs";
import { linkFor } from "../support/mail.mjs";
import { register, signIn } from "../support/pages.mjs";
import { newPerson } from "../support/people.mjs";
import { remember } from "../support/secrets.mjs";

const RECOVERY = /get back into/i;

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

test("the link in the mail proves the address, and then no more", async () => {
  const person = newPerson();
  const page = await browser.newPage({ label: "links" });
  await page.goto(`${links.publicUrl}/self-service/registration/browser`);
  await register(page, person);
  await page.waitForLoadState();
  await page.shot("verification");
  const link = await linkFor(person.email);
  const elsewhere = await browser.newPage({ label: "links" });
  await elsewhere.goto(link);
  await elsewhere.waitForSelector(".notice.success");
  await elsewhere.shot("verified");
  await page.goto(`${links.publicUrl}/ui/account`);
  assert.equal(await page.locator(".badge.good").count(), 1);
  await elsewhere.goto(link);
  await elsewhere.waitForSelector(".notice.error");
  await elsewhere.shot("verified-twice");
});

test("the link in the mail lets somebody back in, once", async () => {
  const person = newPerson();
  const page = await browser.newPage();
  await page.goto(`${links.publicUrl}/self-service/registration/browser`);
  await register(page, person);
  await page.waitForLoadState();

  const forgetful = await browser.newPage({ label: "links" });
  await forgetful.goto(`${links.publicUrl}/self-service/recovery/browser`);
  await forgetful.fill('input[name="email"]', person.email);
  await forgetful.click('button[name="method"][value="link"]');
  await forgetful.waitForSelector(".notice.info");
  await forgetful.shot("recovery-sent");
  const link = await linkFor(person.email, RECOVERY);
  await forgetful.goto(link);
  await forgetful.waitForSelector('input[name="password"]');
  assert.match(forgetful.url(), /settings/);
  await forgetful.shot("recovered");
  const password = `${person.password} and more`;
  remember(password);
  await forgetful.fill('input[name="password"]', password);
  await forgetful.click('button[name="method"][value="password"]');
  await forgetful.waitForSelector(".notice.success");

  const thief = await browser.newPage({ label: "links" });
  await thief.goto(link);
  await thief.waitForSelector(".notice.error");
  await thief.shot("recovered-twice");
  await thief.goto(`${links.publicUrl}/self-service/login/browser`);
  await signIn(thief, { ...person, password });
  await thief.goto(`${links.publicUrl}/ui/account`);
  assert.match(await thief.textContent("main"), new RegExp(person.email));
});
