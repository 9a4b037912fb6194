// The `oauth2` sections of the tests' servers.

/** For relying parties: what an operator who wants to serve any of them switches on. */
export const RELYING = {
  oidc: {
    dynamic_client_registration: { enabled: true },
    subject_identifiers: { supported_types: ["public", "pairwise"], pairwise: { salt: "of these tests alone" } },
  },
  device_authorization: { token_polling_interval: "1s" },
  webfinger: { oidc_discovery: { supported_scope: ["email", "profile", "photos.read", "photos.write"] } },
};

/** With applications of somebody's own for login, consent, logout and devices, at `address`. */
export function elsewhere(address) {
  return {
    urls: {
      login: `${address}/login`,
      consent: `${address}/consent`,
      logout: `${address}/logout`,
      device: { verification: `${address}/device/verify`, success: `${address}/device/success` },
    },
  };
}
