// What a person does on the built-in pages.
import { publicUrl } from "./environment.mjs";
import { newPerson } from "./people.mjs";

/** Somebody who makes an account on `page`, and is signed in there. */
export async function newAccountOn(page, server = publicUrl) {
  const person = newPerson();
  await page.goto(`${server}/self-service/registration/browser`);
  await register(page, person);
  await page.waitForSelector('input[name="code"]');
  return person;
}

/** Fills the registration form, whichever of the two layouts it has. */
export async function register(page, person) {
  await introduce(page, person);
  await page.fill('input[name="password"]', person.password);
  await page.click('button[name="method"][value="password"]');
}

/** The same without a password: the code that was sent has to be entered. */
export async function registerByCode(page, person) {
  await introduce(page, person);
  await page.click('button[name="method"][value="code"]');
  await page.waitForSelector('input[name="code"]');
}

/** Says who it is, up to the choice of the method. */
async function introduce(page, person) {
  await page.waitForSelector('input[name="traits.email"]');
  await page.shot("registration");
  await page.fill('input[name="traits.email"]', person.email);
  const name = page.locator('input[name="traits.name"]');
  if (await name.count()) await name.fill(person.name);
  if (!(await page.locator('input[name="password"]').count())) {
    await page.click('button[name="method"][value="profile"]');
    await page.waitForSelector('input[name="password"]');
    await page.shot("registration-method");
  }
}

/** Asks for a sign-in code and leaves the password empty. */
export async function signInByCode(page, person) {
  await page.fill('input[name="identifier"]', person.email);
  await page.click('button[name="method"][value="code"]');
  await page.waitForSelector('input[name="code"]');
}

/** Enters the code. */
export async function enterCode(page, code) {
  await page.fill('input[name="code"]', code);
  await page.click('button[name="method"][value="code"]');
  await page.waitForLoadState();
}

/** Fills the sign-in form. */
export async function signIn(page, person) {
  await page.waitForSelector('input[name="identifier"]');
  await page.shot("sign-in");
  await page.fill('input[name="identifier"]', person.email);
  await page.fill('input[name="password"]', person.password);
  await page.click('button[name="method"][value="password"]');
  await page.waitForLoadState();
}
