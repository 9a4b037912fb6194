// A small site of a client.
import { once } from "node:events";
import { createServer } from "node:http";

/** Serves what `handler` answers, at `url`. */
export async function newSite(handler) {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}
