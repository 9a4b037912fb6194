// The first minutes with the platform: `--dev` needs no file and no other program.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openBrowser } from "../support/browser.mjs";
import { register, signIn } from "../support/pages.mjs";
import { binary } from "../support/paths.mjs";
import { newPerson } from "../support/people.mjs";
import { freePorts } from "../support/ports.mjs";
import { end, ready } from "../support/server.mjs";

test("register, find the code in the inbox page, verify, sign out, sign in", async () => {
  const folder = mkdtempSync(join(tmpdir(), "orrery-dev-"));
  const [publicPort, adminPort] = await freePorts(2);
  const child = spawn(binary(), ["serve", "all", "--dev"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      PATH: process.env.PATH,
      ORRERY__SERVE__PUBLIC__PORT: String(publicPort),
      ORRERY__SERVE__ADMIN__PORT: String(adminPort),
    },
  });
  let greeting = "";
  child.stderr.on("data", (text) => {
    greeting += text;
  });
  const base = `http://127.0.0.1:${publicPort}`;
  const browser = await openBrowser();
  try {
    await ready(base, child);
    const person = newPerson();
    const page = await browser.newPage({ label: "dev" });
    await page.goto(base);
    await page.shot("home");
    await page.clickLink(/register|create/i);
    await register(page, person);

    const inbox = await browser.newPage({ label: "dev" });
    await inbox.goto(`${base}/ui/inbox`);
    await inbox.shot("inbox");
    await inbox.locator("main li a").first().click();
    await inbox.shot("message");
    const code = (await inbox.textContent("#mail-text")).match(/\b\d{6}\b/)[0];

    await page.fill('input[name="code"]', code);
    await page.click('button[name="method"][value="code"]');
    await page.waitForSelector(".notice.success");
    await page.goto(`${base}/ui/account`);
    assert.equal(await page.locator(".badge.good").count(), 1);
    await page.click("#sign-out");
    await page.goto(`${base}/self-service/login/browser`);
    await signIn(page, person);
    await page.goto(`${base}/ui/account`);
    assert.match(await page.textContent("main"), new RegExp(person.email));

    const address = greeting.match(/http:\/\/\S+\/ui\S*/)?.[0];
    assert.ok(address, `the greeting names no page:\n${greeting}`);
    const visitor = await browser.newPage({ label: "dev" });
    assert.equal((await visitor.goto(address)).status(), 200, address);
    assert.equal(statSync(join(folder, "data", "secret")).mode & 0o077, 0, "the secret is for its owner alone");
    assert.equal(await end(child, "SIGTERM"), 0);
  } finally {
    await browser.close();
    await end(child, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});
