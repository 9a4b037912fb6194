// Names below `.localhost` are this machine (RFC 6761 section 6.3). Browsers and curl know that; not every resolver does.
import dns from "node:dns";

const lookup = dns.lookup;

dns.lookup = (name, options, callback) => {
  const [wanted, answer] = typeof options === "function" ? [{}, options] : [options, callback];
  if (!name.endsWith(".localhost")) return lookup(name, wanted, answer);
  const address = { address: "127.0.0.1", family: 4 };
  if (wanted.all) return answer(null, [address]);
  return answer(null, address.address, address.family);
};
