// What `e2e/run` tells the suites.

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start this suite with e2e/run`);
  return value;
}

export const publicUrl = required("ORRERY_E2E_PUBLIC");
export const adminUrl = required("ORRERY_E2E_ADMIN");
/** The same for the server that recovers and verifies with links. */
export const links = {
  publicUrl: required("ORRERY_E2E_LINKS_PUBLIC"),
  adminUrl: required("ORRERY_E2E_LINKS_ADMIN"),
};
export const database = required("ORRERY_E2E_DATABASE");
/** The server of relying parties: https, and dynamic registration. */
export const relying = {
  publicUrl: required("ORRERY_E2E_RELYING_PUBLIC"),
  adminUrl: required("ORRERY_E2E_RELYING_ADMIN"),
  authority: required("ORRERY_E2E_RELYING_AUTHORITY"),
};
/** The server whose login, consent and logout applications are elsewhere. */
export const applications = {
  publicUrl: required("ORRERY_E2E_APPLICATIONS_PUBLIC"),
  adminUrl: required("ORRERY_E2E_APPLICATIONS_ADMIN"),
  url: required("ORRERY_E2E_APPLICATIONS"),
};
