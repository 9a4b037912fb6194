// Free ports.
import { createServer } from "node:net";
import { once } from "node:events";

/** As many free ports on the loopback address as asked for, all different. */
export async function freePorts(count) {
  const servers = [];
  for (let index = 0; index < count; index += 1) {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
  }
  const ports = servers.map((server) => server.address().port);
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return ports;
}
