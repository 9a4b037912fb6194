// A person changes their account and gets back into it, in a real browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "../support/browser.mjs";
import { publicUrl } from "../support/environment.mjs";
import { codeFor } from "../support/mail.mjs";
import { newAccountOn, signIn } from "../support/pages.mjs";
import { remember } from "../support/secrets.mjs";

const RECOVERY = /recovery|wiederherstell/i;

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

/** A password that nobody has used. */
function another(person) {
  const password = `${person.password} and more`;
  remember(password);
  return password;
}

test("a person changes their name and their password, and signs in with the new one", async () => {
  const page = await browser.newPage();
  const person = await newAccountOn(page);
  await page.goto(`${publicUrl}/ui/account`);
  await page.shot("account-with-settings");
  await page.click("#settings");
  await page.waitForSelector('input[name="traits.name"]');
  await page.shot("settings-profile");
  await page.fill('input[name="traits.name"]', "Grace");
  await page.click('button[name="method"][value="profile"]');
  await page.waitForSelector(".notice.success");
  await page.shot("settings-saved");
  assert.equal(await page.inputValue('input[name="traits.name"]'), "Grace");

  await page.clickLink("Password");
  await page.waitForSelector('input[name="password"]');
  assert.equal(await page.locator('input[name="traits.name"]').count(), 0, "one tab at a time");
  await page.fill('input[name="password"]', "short");
  await page.click('button[name="method"][value="password"]');
  await page.waitForSelector('input[name="password"][aria-invalid="true"]');
  await page.shot("settings-password-wrong");
  const password = another(person);
  await page.fill('input[name="password"]', password);
  await page.click('button[name="method"][value="password"]');
  await page.waitForSelector(".notice.success");

  const elsewhere = await browser.newPage();
  await elsewhere.goto(`${publicUrl}/self-service/login/browser`);
  await signIn(elsewhere, { ...person, password });
  await elsewhere.goto(`${publicUrl}/ui/account`);
  assert.match(await elsewhere.textContent("main"), /Grace/);
});

test("a person who forgot the password gets back in with the code from the mail", async () => {
  const page = await browser.newPage();
  const person = await newAccountOn(page);
  const forgetful = await browser.newPage();
  await forgetful.goto(`${publicUrl}/self-service/login/browser`);
  await forgetful.shot("login-with-recovery");
  await forgetful.clickLink(/recover/i);
  await forgetful.waitForSelector('input[name="email"]');
  await forgetful.shot("recovery");
  await forgetful.fill('input[name="email"]', person.email);
  await forgetful.click('button[name="method"][value="code"]');
  await forgetful.waitForSelector('input[name="code"]');
  await forgetful.shot("recovery-code");
  const field = forgetful.locator('input[name="code"]');
  assert.equal(await field.getAttribute("autocomplete"), "one-time-code");
  assert.equal(await field.getAttribute("inputmode"), "numeric");
  const code = await codeFor(person.email, RECOVERY);
  await field.fill(code === "000000" ? "000001" : "000000");
  await forgetful.click('button[name="method"][value="code"]');
  await forgetful.waitForSelector(".notice.error");
  await forgetful.shot("recovery-code-wrong");
  await field.fill(code);
  await forgetful.click('button[name="method"][value="code"]');
  await forgetful.waitForSelector('input[name="password"]');
  assert.match(forgetful.url(), /settings/);
  await forgetful.shot("recovered");
  const password = another(person);
  await forgetful.fill('input[name="password"]', password);
  await forgetful.click('button[name="method"][value="password"]');
  await forgetful.waitForSelector(".notice.success");

  const elsewhere = await browser.newPage();
  await elsewhere.goto(`${publicUrl}/self-service/login/browser`);
  await signIn(elsewhere, { ...person, password });
  await elsewhere.goto(`${publicUrl}/ui/account`);
  assert.match(await elsewhere.textContent("main"), new RegExp(person.email));
});

test("settings and recovery work in German, in the dark, on a narrow screen, without JavaScript", async () => {
  const look = {
    label: "german",
    locale: "de-DE",
    colorScheme: "dark",
    javaScriptEnabled: false,
    viewport: { width: 360, height: 740 },
  };
  const page = await browser.newPage(look);
  const person = await newAccountOn(page);
  await page.goto(`${publicUrl}/ui/settings`);
  assert.equal(await page.getAttribute("html", "lang"), "de");
  await page.shot("settings");
  await page.clickLink("Passwort");
  await page.waitForSelector('input[name="password"]');
  await page.shot("settings-password");

  const forgetful = await browser.newPage(look);
  await forgetful.goto(`${publicUrl}/self-service/recovery/browser`);
  await forgetful.waitForSelector('input[name="email"]');
  await forgetful.shot("recovery");
  await forgetful.fill('input[name="email"]', person.email);
  await forgetful.click('button[name="method"][value="code"]');
  await forgetful.waitForSelector('input[name="code"]');
  await forgetful.shot("recovery-code");
  await forgetful.fill('input[name="code"]', await codeFor(person.email, RECOVERY));
  await forgetful.click('button[name="method"][value="code"]');
  await forgetful.waitForSelector('input[name="password"]');
  await forgetful.shot("recovered");
});
