// Reading the mail that the server sent.
import { remember } from "./secrets.mjs";

const DEADLINE_MILLISECONDS = 30_000;
const PAUSE_MILLISECONDS = 100;

/** The newest message to `address` whose subject matches, waiting for it to arrive. */
export async function messageTo(address, subject = /./) {
  const deadline = Date.now() + DEADLINE_MILLISECONDS;
  for (;;) {
    const messages = await (await fetch(`${process.env.ORRERY_E2E_MAIL}/email`)).json();
    const ours = messages.filter(
      (message) => message.to.some((to) => to.address === address) && subject.test(message.subject),
    );
    if (ours.length > 0) return ours.at(-1);
    if (Date.now() > deadline) throw new Error(`no mail to ${address} within ${DEADLINE_MILLISECONDS} ms`);
    await new Promise((resume) => setTimeout(resume, PAUSE_MILLISECONDS));
  }
}

/** The link into a flow in the newest message to `address` whose subject matches. */
export async function linkFor(address, subject) {
  const { text } = await messageTo(address, subject);
  const link = text.match(/http\S+token=\S+/);
  if (!link) throw new Error(`the mail to ${address} has no link:\n${text}`);
  remember(new URL(link[0]).searchParams.get("token"));
  return link[0];
}

/** The six digits of the code in the newest message to `address` whose subject matches. */
export async function codeFor(address, subject) {
  const { text } = await messageTo(address, subject);
  const code = text.match(/\b\d{6}\b/);
  if (!code) throw new Error(`the mail to ${address} has no code:\n${text}`);
  remember(code[0]);
  return code[0];
}
