// A cookie jar for one site: what a page's `fetch` has without anybody noticing.
import { remember } from "./secrets.mjs";

/** The cookies of one site, by name. */
export class CookieJar extends Map {
  /** The `Cookie` header. */
  header() {
    return this.size > 0 ? { cookie: [...this].map(([name, value]) => `${name}=${value}`).join("; ") } : {};
  }

  /** Takes what an answer sets and removes. */
  take(answer) {
    for (const line of answer.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(";");
      const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
      const gone = attributes.some((attribute) => /^\s*max-age=(0|-\d+)$/i.test(attribute)) || value === "";
      if (gone) this.delete(name);
      else this.set(name, value);
      remember(value);
    }
  }
}

/** A `fetch` that behaves like a page's own: JSON in and out, cookies kept, redirects not followed. */
export function ajaxClient(base) {
  const jar = new CookieJar();
  return {
    cookies: jar,
    async request(method, target, body) {
      const headers = { accept: "application/json", ...jar.header() };
      if (body !== undefined) headers["content-type"] = "application/json";
      const answer = await fetch(new URL(target, base), {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: "manual",
      });
      jar.take(answer);
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : undefined };
    },
    get(target) {
      return this.request("GET", target);
    },
    post(target, body) {
      return this.request("POST", target, body);
    },
  };
}

/** The value of the flow's node with this name. */
export function nodeValue(flow, name) {
  return flow.ui.nodes.find((node) => node.attributes.name === name)?.attributes.value;
}
