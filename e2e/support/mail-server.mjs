// A real SMTP server that keeps what it receives and shows it over HTTP.
import maildev from "maildev";
import { freePorts } from "./ports.mjs";
import { newFolder, removeFolder } from "./processes.mjs";

/** Starts it; `url` answers `GET /email` with every message. */
export async function startMail() {
  const [smtpPort, webPort] = await freePorts(2);
  const mailDirectory = newFolder("mail");
  const server = maildev({ smtp: smtpPort, web: webPort, ip: "127.0.0.1", mailDirectory, silent: true });
  await server.listen();
  const stop = () => {
    server.close(() => {});
    removeFolder(mailDirectory);
  };
  return { smtpPort, url: `http://127.0.0.1:${webPort}`, stop };
}
