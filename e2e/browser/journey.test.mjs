// A person in a real browser: registration, verification with the code from the mail, sign-in, sessions, sign-out.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "../support/browser.mjs";
import { newAccountOn, register, signIn } from "../support/pages.mjs";
import { publicUrl } from "../support/environment.mjs";
import { codeFor } from "../support/mail.mjs";
import { newPerson } from "../support/people.mjs";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

test("a person registers, verifies the address, signs out, signs in, and sees both sessions", async () => {
  const person = newPerson();
  const page = await browser.newPage();

  await page.goto(`${publicUrl}/`);
  await page.shot("home");
  await page.clickLink(/register|create/i);
  await register(page, person);

  await page.waitForSelector('input[name="code"]');
  await page.shot("verification");
  await page.fill('input[name="code"]', await codeFor(person.email));
  await page.click('button[name="method"][value="code"]');
  await page.waitForSelector(".notice.success");
  await page.shot("verified");

  await page.goto(`${publicUrl}/ui/account`);
  await page.shot("account");
  assert.match(await page.textContent("main"), new RegExp(person.email));
  assert.equal(await page.locator(".badge.good").count(), 1, "the address is shown as verified");

  await page.click("#sign-out");
  await page.goto(`${publicUrl}/ui/account`);
  assert.match(page.url(), /login/, "signed out, the account page asks to sign in");

  await signIn(page, person);
  await page.goto(`${publicUrl}/ui/account`);
  assert.match(await page.textContent("main"), new RegExp(person.email));

  const elsewhere = await browser.newPage();
  await elsewhere.goto(`${publicUrl}/self-service/login/browser`);
  await signIn(elsewhere, person);
  await page.reload();
  await page.shot("sessions");
  const others = page.locator('form[action$="/ui/account/sessions/revoke"]');
  assert.equal(await others.count(), 1, "the other browser's session is listed");

  await others.locator("button").click();
  await elsewhere.goto(`${publicUrl}/ui/account`);
  assert.match(elsewhere.url(), /login/, "the ended session no longer opens the account");
});

test("a wrong password is refused in words, and the form stays usable", async () => {
  const person = await newAccountOn(await browser.newPage());

  const elsewhere = await browser.newPage();
  await elsewhere.goto(`${publicUrl}/self-service/login/browser`);
  await signIn(elsewhere, { ...person, password: "something else" });
  await elsewhere.waitForSelector(".notice.error");
  await elsewhere.shot("wrong-password");
  assert.equal(await elsewhere.inputValue('input[name="identifier"]'), person.email);
  assert.equal(await elsewhere.inputValue('input[name="password"]'), "");

  await elsewhere.fill('input[name="password"]', person.password);
  await elsewhere.click('button[name="method"][value="password"]');
  await elsewhere.goto(`${publicUrl}/ui/account`);
  assert.match(await elsewhere.textContent("main"), new RegExp(person.email));
});

test("every step works in German, in the dark, on a narrow screen, without JavaScript", async () => {
  const page = await browser.newPage({
    label: "german",
    locale: "de-DE",
    colorScheme: "dark",
    javaScriptEnabled: false,
    viewport: { width: 360, height: 740 },
  });
  const person = newPerson();
  await page.goto(`${publicUrl}/self-service/registration/browser`);
  assert.equal(await page.getAttribute("html", "lang"), "de");
  await page.shot("registration");
  await register(page, person);
  await page.waitForSelector('input[name="code"]');
  await page.shot("verification");
});
