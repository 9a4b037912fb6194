// A real SMTP server that keeps what it receives and shows it over HTTP.
import maildev from "maildev";
import { freePorts } from "./ports.mjs";

/** Starts it; `url` answers `GET /email` with every message. */
export async function startMail() {
  const [smtpPort, webPort] = await freePorts(2);
  const server = maildev({ smtp: smtpPort, web: webPort, ip: "127.0.0.1", silent: true });
  await server.listen();
  return { smtpPort, url: `http://127.0.0.1:${webPort}`, stop: () => server.close(() => {}) };
}
