// Keys of clients.
import * as jose from "jose";

/** A key pair, and the set that makes its public half known. */
export async function newKey(algorithm) {
  const { privateKey, publicKey } = await jose.generateKeyPair(algorithm, { extractable: true });
  const kid = `key-of-${algorithm}`;
  const jwk = { ...(await jose.exportJWK(publicKey)), kid, use: "sig", alg: algorithm };
  return { key: { key: privateKey, kid }, jwks: { keys: [jwk] } };
}
