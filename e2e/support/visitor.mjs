// A person with a browser, without the browser: cookies for each site, redirects step by step, forms filled.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import { CookieJar } from "./cookies.mjs";
import "./names.mjs";

const MOST_REDIRECTS = 12;

export class Visitor {
  #jars = new Map();

  /**
   * Goes to an address, or sends a form there, and follows. Ends at a page (`url`, `status`, `headers`, `text`), or where a
   * redirect leads to an address that begins with `until` (`url` alone), which is not visited.
   */
  async go(address, { form, until } = {}) {
    let url = new URL(address);
    for (let step = 0; step < MOST_REDIRECTS; step += 1) {
      const answer = await this.#send(url, form);
      form = undefined;
      const location = answer.headers.get("location");
      if (answer.status < 300 || answer.status > 399 || !location) {
        return { url, ...answer };
      }
      url = new URL(location, url);
      if (until && url.href.startsWith(until)) return { url };
    }
    throw new Error(`still being redirected after ${MOST_REDIRECTS} steps: ${url}`);
  }

  /** Fills the form of a page and sends it. */
  submit(page, fields, options = {}) {
    const { action, preset } = formOf(page.text);
    return this.go(new URL(action ?? "", page.url), { ...options, form: { ...preset, ...fields } });
  }

  async #send(url, form) {
    const jar = this.#jars.get(url.host) ?? new CookieJar();
    this.#jars.set(url.host, jar);
    const answer = await visit(url, jar.header(), form);
    jar.take(answer);
    return answer;
  }
}

/** What a browser sends when somebody follows a link: `fetch` would say that a script asks. */
async function visit(url, cookies, form) {
  const { request } = url.protocol === "https:" ? https : http;
  const fields = Object.entries(form ?? {}).flatMap(([name, values]) => [values].flat().map((value) => [name, value]));
  const body = form && new URLSearchParams(fields).toString();
  const headers = { accept: "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate", ...cookies };
  if (body) headers["content-type"] = "application/x-www-form-urlencoded";
  const outgoing = request(url, { method: body ? "POST" : "GET", headers });
  outgoing.end(body);
  const [answer] = await once(outgoing, "response");
  answer.setEncoding("utf8");
  let text = "";
  for await (const part of answer) text += part;
  const received = Object.entries(answer.headersDistinct).flatMap(([name, values]) => values.map((one) => [name, one]));
  return { status: answer.statusCode, headers: new Headers(received), text };
}

/** The first form of a page: where it goes and what it sends when nobody touches it. */
export function formOf(html) {
  const form = html.match(/<form\b([^>]*)>([\s\S]*?)<\/form>/);
  assert.ok(form, `a page with a form:\n${html}`);
  const inputs = [...form[2].matchAll(/<input\b([^>]*)>/g)].map(([, text]) => attributes(text));
  const sent = inputs.filter(({ type, checked }) => checked || !["checkbox", "radio", "submit"].includes(type));
  const preset = Object.fromEntries(sent.map(({ name, value }) => [name, value ?? ""]));
  return { action: attributes(form[1]).action, preset };
}

function attributes(text) {
  const pairs = [...text.matchAll(/([\w-]+)(?:="([^"]*)")?/g)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name, value === undefined ? true : plain(value)]));
}

function plain(text) {
  const named = { amp: "&", lt: "<", gt: ">", quot: '"' };
  return text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (_, hexadecimal, decimal, name) =>
    name ? named[name] : String.fromCodePoint(hexadecimal ? Number.parseInt(hexadecimal, 16) : Number(decimal)),
  );
}
