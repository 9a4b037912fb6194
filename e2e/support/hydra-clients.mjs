// Ory's JavaScript clients of the OAuth2 server: the one of the whole platform, and Hydra's own.
import * as platform from "@ory/client";
import * as hydra from "@ory/hydra-client";
import { applications } from "./environment.mjs";

function apis(name, sdk) {
  const admin = new sdk.Configuration({ basePath: applications.adminUrl });
  const everybody = new sdk.Configuration({ basePath: applications.publicUrl });
  return { name, oauth2: new sdk.OAuth2Api(admin), keys: new sdk.JwkApi(admin), oidc: new sdk.OidcApi(everybody) };
}

export const CLIENTS = [apis("@ory/client", platform), apis("@ory/hydra-client", hydra)];
