// Bringing many identities in, and reading them all again.

const BATCH = 500;
const CALLERS = 2;
const PAGE = 250;
// Hashed already, as in a move from elsewhere.
const HASH = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";

/** Creates so many identities in batches; how many a second. */
export async function importMany(adminUrl, count) {
  let next = 0;
  const begin = performance.now();
  const caller = async () => {
    while (next < count) {
      const numbers = Array.from({ length: Math.min(BATCH, count - next) }, (_, index) => next + index);
      next += numbers.length;
      const identities = numbers.map((number) => ({
        create: {
          schema_id: "person",
          traits: { email: `many-${number}@example.org`, name: "Many" },
          credentials: { password: { config: { hashed_password: HASH } } },
        },
      }));
      const answer = await fetch(`${adminUrl}/admin/identities`, {
        method: "PATCH",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ identities }),
      });
      const { identities: outcomes } = await answer.json();
      const refused = outcomes.find(({ action }) => action !== "create");
      if (refused) throw new Error(`an identity was refused: ${JSON.stringify(refused)}`);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return Math.round(count / ((performance.now() - begin) / 1000));
}

/** Walks the whole list; how many identities it has, and how long its pages took. */
export async function walk(adminUrl) {
  let [rows, latencies] = [0, []];
  for (let path = `/admin/identities?page_size=${PAGE}`; path; ) {
    const start = performance.now();
    const answer = await fetch(new URL(path, adminUrl));
    rows += (await answer.json()).length;
    latencies.push(performance.now() - start);
    const next = answer.headers.get("link")?.match(/<([^>]*)>; rel="next"/);
    path = next?.[1];
  }
  return { rows, ...summary(latencies) };
}

/** Finds people by their exact name, one after the other; how long it took. */
export async function find(adminUrl, count, { lookups = 500 } = {}) {
  const latencies = [];
  for (let index = 0; index < lookups; index += 1) {
    const email = encodeURIComponent(`many-${Math.floor((index * count) / lookups)}@example.org`);
    const start = performance.now();
    const found = await (await fetch(`${adminUrl}/admin/identities?credentials_identifier=${email}`)).json();
    latencies.push(performance.now() - start);
    if (found.length !== 1) throw new Error(`${email}: ${found.length} found`);
  }
  return summary(latencies);
}

function summary(latencies) {
  latencies.sort((left, right) => left - right);
  const at = (share) => Number(latencies[Math.floor(share * (latencies.length - 1))].toFixed(1));
  return { pages: latencies.length, p50: at(0.5), p99: at(0.99) };
}
