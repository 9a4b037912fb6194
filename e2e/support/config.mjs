// The configuration that the tests run with: what an operator would write, plus free ports.
import { randomBytes } from "node:crypto";

const SCHEMA = {
  $id: "https://example.org/person.schema.json",
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Person",
  type: "object",
  properties: {
    traits: {
      type: "object",
      properties: {
        email: {
          type: "string",
          format: "email",
          title: "E-mail",
          "ory.sh/kratos": {
            credentials: { password: { identifier: true }, code: { identifier: true, via: "email" } },
            verification: { via: "email" },
            recovery: { via: "email" },
          },
        },
        name: { type: "string", title: "Name", minLength: 1, maxLength: 100 },
      },
      required: ["email"],
      additionalProperties: false,
    },
  },
};

/**
 * A configuration as an object; JSON is YAML, so it can be written as it is. Recovery and verification send what
 * `proofs` says: codes, or links. With `tls`, browsers and clients reach the server at `baseUrl`.
 */
export function configuration(options) {
  const { publicPort, adminPort, databaseUrl, smtpPort, level, proofs, oauth2 = {}, tls, baseUrl } = options;
  const schema = Buffer.from(JSON.stringify(SCHEMA)).toString("base64");
  return {
    serve: {
      public: { host: "127.0.0.1", port: publicPort, ...(tls && { base_url: baseUrl, tls }) },
      admin: { host: "127.0.0.1", port: adminPort },
    },
    database: { url: databaseUrl, migrate: true },
    secrets: { default: [randomBytes(32).toString("hex")] },
    log: { level, format: "json" },
    // Every test comes from one address.
    limits: {
      submits_per_minute: 0,
      flows_per_minute: 0,
      registrations_per_minute: 0,
      failed_client_authentications_per_minute: 0,
    },
    // Applications of the tests are told of logouts, and publish their keys.
    outbound: { allowed_networks: ["127.0.0.0/8"] },
    oauth2,
    identity: {
      default_schema_id: "person",
      schemas: [{ id: "person", url: `base64://${schema}` }],
      selfservice: {
        flows: {
          registration: { after: { hooks: [{ hook: "session" }, { hook: "show_verification_ui" }] } },
          verification: { enabled: true, use: proofs },
          recovery: { enabled: true, use: proofs },
        },
        methods: {
          // Tests need no network.
          password: { config: { haveibeenpwned_enabled: false } },
          code: { passwordless_enabled: true },
          link: { enabled: proofs === "link" },
        },
      },
      courier: {
        smtp: {
          connection_uri: `smtp://127.0.0.1:${smtpPort}/?disable_starttls=true`,
          from_address: "no-reply@example.org",
        },
      },
    },
  };
}
