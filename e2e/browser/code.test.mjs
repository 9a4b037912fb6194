// A person without a password in a real browser: a code from the mail signs up, signs in, and stands beside a password.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "../support/browser.mjs";
import { publicUrl } from "../support/environment.mjs";
import { codeFor } from "../support/mail.mjs";
import { enterCode, newAccountOn, registerByCode, signInByCode } from "../support/pages.mjs";
import { newPerson } from "../support/people.mjs";

const SIGN_IN = /sign-in code|anmeldecode/i;

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

async function isSignedIn(page, person) {
  await page.goto(`${publicUrl}/ui/account`);
  assert.match(await page.textContent("main"), new RegExp(person.email));
}

async function pressEnter(page) {
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}

test("a person signs up with a code, signs out, and signs in with another", async () => {
  const person = newPerson();
  const page = await browser.newPage();
  await page.goto(`${publicUrl}/self-service/registration/browser`);
  await registerByCode(page, person);
  await page.shot("registration-code");
  await enterCode(page, await codeFor(person.email));
  await isSignedIn(page, person);
  assert.equal(await page.locator(".badge.good").count(), 1, "the code has proven the address");

  await page.click("#sign-out");
  await page.goto(`${publicUrl}/self-service/login/browser`);
  await signInByCode(page, person);
  await page.shot("sign-in-code");
  const field = page.locator('input[name="code"]');
  assert.equal(await field.getAttribute("autocomplete"), "one-time-code");
  assert.equal(await field.getAttribute("inputmode"), "numeric");
  assert.equal(await field.evaluate((element) => element === document.activeElement), true, "it has the focus");
  const code = await codeFor(person.email, SIGN_IN);
  await enterCode(page, code === "000000" ? "000001" : "000000");
  await page.waitForSelector(".notice.error");
  await page.shot("sign-in-code-wrong");
  await enterCode(page, code);
  await isSignedIn(page, person);
  await page.shot("account-by-code");
});

test("whoever has a password may ask for a code instead, and Enter still means the password", async () => {
  const person = await newAccountOn(await browser.newPage());

  const elsewhere = await browser.newPage();
  await elsewhere.goto(`${publicUrl}/self-service/login/browser`);
  await signInByCode(elsewhere, person);
  await elsewhere.fill('input[name="code"]', await codeFor(person.email, SIGN_IN));
  await pressEnter(elsewhere);
  await isSignedIn(elsewhere, person);

  const third = await browser.newPage();
  await third.goto(`${publicUrl}/self-service/login/browser`);
  await third.fill('input[name="identifier"]', person.email);
  await third.fill('input[name="password"]', person.password);
  await pressEnter(third);
  await isSignedIn(third, person);
});

test("codes work in German, in the dark, on a narrow screen, without JavaScript", async () => {
  const page = await browser.newPage({
    label: "german",
    locale: "de-DE",
    colorScheme: "dark",
    javaScriptEnabled: false,
    viewport: { width: 360, height: 740 },
  });
  const person = newPerson();
  await page.goto(`${publicUrl}/self-service/registration/browser`);
  await registerByCode(page, person);
  await page.shot("registration-code");
  await enterCode(page, await codeFor(person.email));
  await isSignedIn(page, person);
  await page.shot("account");
  await page.click("#sign-out");
  await page.goto(`${publicUrl}/self-service/login/browser`);
  await page.shot("sign-in");
  await signInByCode(page, person);
  await page.shot("sign-in-code");
  await enterCode(page, await codeFor(person.email, SIGN_IN));
  await isSignedIn(page, person);
});
