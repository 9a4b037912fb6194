// A certificate authority of the tests' own, and what it says about the server under test.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Makes both in `folder`: the paths of the authority's certificate, and of a certificate for `name` and its key. */
export function newCertificates(folder, name) {
  const path = (file) => join(folder, file);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  writeFileSync(
    path("authority.conf"),
    [
      "[req]",
      "distinguished_name = name",
      "x509_extensions = authority",
      "prompt = no",
      "[name]",
      "CN = Tests of Orrery",
      "[authority]",
      "basicConstraints = critical, CA:TRUE",
      "keyUsage = critical, keyCertSign",
      "subjectKeyIdentifier = hash",
      "",
    ].join("\n"),
  );
  writeFileSync(
    path("server.conf"),
    [
      "basicConstraints = critical, CA:FALSE",
      "keyUsage = critical, digitalSignature",
      "extendedKeyUsage = serverAuth",
      `subjectAltName = DNS:${name}`,
      "subjectKeyIdentifier = hash",
      "authorityKeyIdentifier = keyid",
      "",
    ].join("\n"),
  );
  const authority = ["-config", path("authority.conf"), "-keyout", path("authority.key"), "-out", path("authority.pem")];
  openssl("req", "-x509", ...newKey, ...authority, "-days", "2");
  const request = ["-subj", `/CN=${name}`, "-keyout", path("server.key"), "-out", path("server.csr")];
  openssl("req", "-new", "-config", path("authority.conf"), ...newKey, ...request);
  const signed = ["-CA", path("authority.pem"), "-CAkey", path("authority.key"), "-CAcreateserial"];
  const extensions = ["-extfile", path("server.conf"), "-days", "2"];
  openssl("x509", "-req", "-in", path("server.csr"), ...signed, ...extensions, "-out", path("server.pem"));
  return { authority: path("authority.pem"), certificate: path("server.pem"), key: path("server.key") };
}

function openssl(...parameters) {
  try {
    execFileSync("openssl", parameters, { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    if (error.code === "ENOENT") throw new Error("openssl is missing: run e2e/setup");
    throw error;
  }
}
