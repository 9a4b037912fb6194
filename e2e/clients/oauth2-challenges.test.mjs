// Login, consent and logout applications through Ory's clients, unchanged, and what operators see of the sessions.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, describe, test } from "node:test";
import * as jose from "jose";
import { Journey, METADATA, token } from "../support/applications.mjs";
import { GOODBYE } from "../support/client-addresses.mjs";
import { applications } from "../support/environment.mjs";
import { CLIENTS } from "../support/hydra-clients.mjs";
import { refused } from "../support/refusals.mjs";
import { remember } from "../support/secrets.mjs";

for (const { name, oauth2 } of CLIENTS) {
  describe(name, () => {
    let client;
    before(async () => {
      const metadata = { ...METADATA, post_logout_redirect_uris: [GOODBYE] };
      ({ data: client } = await oauth2.createOAuth2Client({ oAuth2Client: metadata }));
      remember(client.client_secret);
    });

    const acceptLogin = async (loginChallenge, body) => {
      const answer = await oauth2.acceptOAuth2LoginRequest({ loginChallenge, acceptOAuth2LoginRequest: body });
      return answer.data.redirect_to;
    };
    const acceptConsent = async (consentChallenge, body) => {
      const answer = await oauth2.acceptOAuth2ConsentRequest({ consentChallenge, acceptOAuth2ConsentRequest: body });
      return answer.data.redirect_to;
    };
    /** All the way, remembered: the journey and the tokens. */
    const signedIn = async (subject) => {
      const journey = new Journey(client);
      const next = await acceptLogin(await journey.begin(), { subject, remember: true });
      const consent = await journey.follow(next, "consent");
      const grant_scope = ["openid", "offline", "photos.read"];
      const answer = await journey.finish(await acceptConsent(consent, { grant_scope, remember: true }));
      return { journey, tokens: await journey.tokens(answer) };
    };

    test("what applications are asked, and what becomes of their answers", async () => {
      const subject = randomUUID();
      const journey = new Journey(client);
      const loginChallenge = await journey.begin({ login_hint: "ada", ui_locales: "de en", acr_values: "aal1" });
      const { data: login } = await oauth2.getOAuth2LoginRequest({ loginChallenge });
      assert.equal(login.challenge, loginChallenge);
      assert.equal(login.skip, false);
      assert.equal(login.client.client_id, client.client_id);
      assert.deepEqual(login.requested_scope, ["openid", "offline", "photos.read"]);
      const { login_hint, ui_locales, acr_values } = login.oidc_context;
      assert.deepEqual({ login_hint, ui_locales, acr_values }, {
        login_hint: "ada",
        ui_locales: ["de", "en"],
        acr_values: ["aal1"],
      });
      const accepted = { subject, acr: "aal1", amr: ["pwd"], context: { floor: 2 } };
      const consentChallenge = await journey.follow(await acceptLogin(loginChallenge, accepted), "consent");

      const { data: consent } = await oauth2.getOAuth2ConsentRequest({ consentChallenge });
      assert.deepEqual([consent.subject, consent.skip, consent.acr], [subject, false, "aal1"]);
      assert.deepEqual([consent.amr, consent.context], [["pwd"], { floor: 2 }]);
      assert.equal(consent.login_session_id, login.session_id);
      const granted = {
        grant_scope: ["openid", "photos.read"],
        grant_access_token_audience: [],
        session: { access_token: { plan: "pro" }, id_token: { nickname: "Ada" } },
      };
      const answer = await journey.finish(await acceptConsent(consentChallenge, granted));
      assert.equal(answer.get("scope"), "openid photos.read");
      const tokens = await journey.tokens(answer);
      assert.equal(tokens.refresh_token, undefined, "offline was not granted");
      const claims = jose.decodeJwt(tokens.id_token);
      assert.deepEqual([claims.sub, claims.nickname, claims.acr, claims.amr], [subject, "Ada", "aal1", ["pwd"]]);
      const { data: told } = await oauth2.introspectOAuth2Token({ token: tokens.access_token });
      assert.deepEqual([told.sub, told.ext], [subject, { plan: "pro" }]);

      await assert.rejects(oauth2.getOAuth2LoginRequest({ loginChallenge }), (error) => {
        return refused(410)(error) && Boolean(error.response.data.redirect_to);
      });
      await assert.rejects(oauth2.getOAuth2ConsentRequest({ consentChallenge }), refused(410));
      await assert.rejects(oauth2.getOAuth2LoginRequest({ loginChallenge: "never made" }), refused(404));
    });

    test("a refusal at either step is what the client hears", async () => {
      const rejectOAuth2Request = { error: "access_denied", error_description: "Not today.", status_code: 403 };
      const first = new Journey(client);
      const loginChallenge = await first.begin();
      const rejected = await oauth2.rejectOAuth2LoginRequest({ loginChallenge, rejectOAuth2Request });
      const heard = await first.finish(rejected.data.redirect_to);
      assert.deepEqual([heard.get("error"), heard.get("error_description")], ["access_denied", "Not today."]);

      const second = new Journey(client);
      const next = await acceptLogin(await second.begin(), { subject: randomUUID() });
      const consentChallenge = await second.follow(next, "consent");
      const refusal = await oauth2.rejectOAuth2ConsentRequest({ consentChallenge, rejectOAuth2Request });
      assert.equal((await second.finish(refusal.data.redirect_to)).get("error"), "access_denied");
    });

    test("a remembered person is skipped, until an operator ends the session", async () => {
      const subject = randomUUID();
      const { journey } = await signedIn(subject);
      const again = await journey.begin();
      const { data: login } = await oauth2.getOAuth2LoginRequest({ loginChallenge: again });
      assert.deepEqual([login.skip, login.subject], [true, subject]);
      const consentChallenge = await journey.follow(await acceptLogin(again, { subject }), "consent");
      assert.equal((await oauth2.getOAuth2ConsentRequest({ consentChallenge })).data.skip, true);

      assert.equal((await oauth2.revokeOAuth2LoginSessions({ subject })).status, 204);
      const loginChallenge = await journey.begin();
      assert.equal((await oauth2.getOAuth2LoginRequest({ loginChallenge })).data.skip, false);
    });

    test("consents are listed, and revoking them ends their tokens", async () => {
      const subject = randomUUID();
      const { tokens } = await signedIn(subject);
      const { data: listed } = await oauth2.listOAuth2ConsentSessions({ subject });
      assert.equal(listed.length, 1);
      assert.equal(listed[0].consent_request.client.client_id, client.client_id);
      assert.deepEqual(listed[0].grant_scope, ["openid", "offline", "photos.read"]);
      const fresh = await token(client, { grant_type: "refresh_token", refresh_token: tokens.refresh_token });
      const revoked = await oauth2.revokeOAuth2ConsentSessions({ subject, client: client.client_id });
      assert.equal(revoked.status, 204);
      assert.deepEqual((await oauth2.listOAuth2ConsentSessions({ subject })).data, []);
      for (const ended of [fresh.access_token, fresh.refresh_token]) {
        assert.deepEqual((await oauth2.introspectOAuth2Token({ token: ended })).data, { active: false });
      }
    });

    test("a logout is confirmed or refused by the logout application", async () => {
      const subject = randomUUID();
      const { journey, tokens } = await signedIn(subject);
      const address = new URL("/oauth2/sessions/logout", applications.publicUrl);
      address.searchParams.set("id_token_hint", tokens.id_token);
      address.searchParams.set("post_logout_redirect_uri", GOODBYE);
      const stay = await journey.follow(address, "logout");
      assert.equal((await oauth2.rejectOAuth2LogoutRequest({ logoutChallenge: stay })).status, 204);
      assert.equal((await oauth2.getOAuth2LoginRequest({ loginChallenge: await journey.begin() })).data.skip, true);

      const logoutChallenge = await journey.follow(address, "logout");
      const { data: logout } = await oauth2.getOAuth2LogoutRequest({ logoutChallenge });
      assert.deepEqual([logout.subject, logout.rp_initiated], [subject, true]);
      assert.equal(logout.sid, jose.decodeJwt(tokens.id_token).sid);
      const { data } = await oauth2.acceptOAuth2LogoutRequest({ logoutChallenge });
      const { url } = await journey.visitor.go(data.redirect_to, { until: GOODBYE });
      assert.equal(url.href, GOODBYE);
      assert.equal((await oauth2.getOAuth2LoginRequest({ loginChallenge: await journey.begin() })).data.skip, false);
    });
  });
}
