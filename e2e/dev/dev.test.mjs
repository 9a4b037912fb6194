// The first minutes with the platform: `--dev` needs no file and no other program.
import assert from "node:assert/strict";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { openBrowser } from "../support/browser.mjs";
import { register, signIn } from "../support/pages.mjs";
import { binary } from "../support/paths.mjs";
import { newPerson } from "../support/people.mjs";
import { freePorts } from "../support/ports.mjs";
import { end, launch, newFolder, ready, removeFolder } from "../support/processes.mjs";

const GREETING_MILLISECONDS = 30_000;

test("register, find the code in the inbox page, verify, sign out, sign in", async () => {
  const server = await startDev();
  const browser = await openBrowser();
  try {
    const person = newPerson();
    const page = await browser.newPage({ label: "dev" });
    await page.goto(server.base);
    await page.shot("home");
    await page.clickLink(/register|create/i);
    await register(page, person);

    const inbox = await browser.newPage({ label: "dev" });
    await inbox.goto(`${server.base}/ui/inbox`);
    await inbox.shot("inbox");
    await inbox.locator("main li a").first().click();
    await inbox.shot("message");
    const code = (await inbox.textContent("#mail-text")).match(/\b\d{6}\b/)[0];

    await page.fill('input[name="code"]', code);
    await page.click('button[name="method"][value="code"]');
    await page.waitForSelector(".notice.success");
    await page.goto(`${server.base}/ui/account`);
    assert.equal(await page.locator(".badge.good").count(), 1);
    await page.click("#sign-out");
    await page.goto(`${server.base}/self-service/login/browser`);
    await signIn(page, person);
    await page.goto(`${server.base}/ui/account`);
    assert.match(await page.textContent("main"), new RegExp(person.email));

    const address = server.greeting().match(/http:\/\/\S+\/ui\S*/)?.[0];
    assert.ok(address, `the greeting names no page:\n${server.greeting()}`);
    const visitor = await browser.newPage({ label: "dev" });
    assert.equal((await visitor.goto(address)).status(), 200, address);
    assert.equal(statSync(join(server.folder, "data", "secret")).mode & 0o077, 0, "the secret is for its owner alone");
    assert.equal(await server.stop(), 0);
  } finally {
    await browser.close();
    await server.remove();
  }
});

test("the command that is printed signs somebody in to an application", async () => {
  const server = await startDev();
  const browser = await openBrowser();
  let command;
  try {
    const printed = server.greeting().match(/^ +(\S.* oauth2 code .*)$/m)?.[1];
    assert.ok(printed, `the greeting names no command:\n${server.greeting()}`);
    // As a person's shell does it, but with no window to open and on a port that is surely free.
    command = launch("sh", ["-c", `exec ${printed} --no-open --port 0 --format json`], {
      cwd: server.folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH },
    });
    let tokens = "";
    command.stdout.on("data", (text) => {
      tokens += text;
    });
    const address = await firstAddress(command.stderr);
    const person = newPerson();
    const page = await browser.newPage({ label: "dev-oauth2" });
    await page.goto(address);
    await page.waitForSelector('input[name="identifier"]');
    await page.clickLink(/register|create/i);
    await register(page, person);
    await page.goto(address);
    await page.shot("consent");
    const ended = once(command, "close");
    await page.click('button[name="decision"][value="allow"]');
    await page.getByRole("heading", { name: "You are signed in" }).waitFor();
    await page.shot("callback");
    const [status] = await ended;
    assert.equal(status, 0);
    const { access_token, refresh_token, id_token, claims } = JSON.parse(tokens);
    assert.ok(access_token && refresh_token && id_token);
    const answer = await fetch(`${server.base}/userinfo`, { headers: { authorization: `Bearer ${access_token}` } });
    assert.equal((await answer.json()).sub, claims.sub);
    assert.equal(await server.stop(), 0);
  } finally {
    command?.kill("SIGKILL");
    await browser.close();
    await server.remove();
  }
});

/** `orrery serve all --dev` in a folder of its own. */
async function startDev() {
  const folder = newFolder("dev");
  const [publicPort, adminPort] = await freePorts(2);
  const child = launch(binary(), ["serve", "all", "--dev"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      PATH: process.env.PATH,
      ORRERY__SERVE__PUBLIC__PORT: String(publicPort),
      ORRERY__SERVE__ADMIN__PORT: String(adminPort),
    },
  });
  let greeting = "";
  const greeted = new Promise((resolve, reject) => {
    child.stderr.on("data", (text) => {
      greeting += text;
      if (greeting.includes("Ctrl-C stops")) resolve();
    });
    child.once("close", () => reject(new Error("it ended before it had greeted")));
    const late = new Error(`it had not greeted within ${GREETING_MILLISECONDS} ms`);
    setTimeout(() => reject(late), GREETING_MILLISECONDS).unref();
  });
  const base = `http://127.0.0.1:${publicPort}`;
  const remove = async () => {
    await end(child, "SIGKILL");
    removeFolder(folder);
  };
  try {
    await Promise.all([ready(`${base}/health/ready`, child), greeted]);
  } catch (error) {
    await remove();
    throw new Error(`no server: ${error.message}; it said:\n${greeting}`);
  }
  return { base, folder, greeting: () => greeting, stop: () => end(child, "SIGTERM"), remove };
}

/** The first line that is an address. */
async function firstAddress(stream) {
  const said = [];
  for await (const line of createInterface({ input: stream })) {
    if (line.trim().startsWith("http://")) return line.trim();
    said.push(line);
  }
  throw new Error(`no address was printed:\n${said.join("\n")}`);
}
