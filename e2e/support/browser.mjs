// Chromium, with screenshots that are kept and pages that may not misbehave.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { database } from "./environment.mjs";
import { here } from "./paths.mjs";

const TIMEOUT_MILLISECONDS = 15_000;

/** A browser; each page it opens is a person of its own, with its own cookies. */
export async function openBrowser() {
  const executablePath = execFileSync(join(here, "support", "chromium"), { encoding: "utf8" }).trim();
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"],
  });
  const folder = join(here, "artifacts", "screenshots", database);
  mkdirSync(folder, { recursive: true });
  const complaints = [];

  return {
    /** Screenshots are named after `label`. */
    async newPage({ label = "english", ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 1100, height: 850 }, locale: "en-US", ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(TIMEOUT_MILLISECONDS);
      page.on("console", (message) => {
        if (/content security policy/i.test(message.text())) complaints.push(`${page.url()}: ${message.text()}`);
      });
      page.on("response", (response) => {
        if (response.status() >= 500) complaints.push(`${response.url()} answered ${response.status()}`);
      });
      page.shot = (name) => page.screenshot({ path: join(folder, `${label}-${name}.png`), fullPage: true });
      page.fits = () => fits(page);
      page.clickLink = (name) => page.getByRole("link", { name }).first().click();
      return page;
    },
    async close() {
      await browser.close();
      assert.deepEqual(complaints, [], "no page broke its content security policy or met a server error");
    },
  };
}

/** Fails when a page is wider than the screen. */
async function fits(page) {
  const [content, screen] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return [scrollWidth, clientWidth];
  });
  assert.equal(content, screen, `${page.url()} scrolls sideways`);
}
