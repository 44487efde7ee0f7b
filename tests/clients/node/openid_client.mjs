// openid-client, which is certified as a relying party, with the issuer as its only setting.
import { createPrivateKey } from "node:crypto";
import * as oidc from "openid-client";
import { play, visit } from "./talk.mjs";

/** Each way in which a client proves itself. */
const proofs = {
  none: () => oidc.None(),
  basic: ({ secret }) => oidc.ClientSecretBasic(secret),
  post: ({ secret }) => oidc.ClientSecretPost(secret),
  async certificate({ certificate }) {
    const pkcs8 = createPrivateKey(certificate.privateKey).export({ type: "pkcs8", format: "der" });
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
    return oidc.PrivateKeyJwt(key, {
      [oidc.modifyAssertion]: (header) => {
        header["x5t#S256"] = certificate.x5t;
      },
    });
  },
};

const discover = async (world) =>
  oidc.discovery(new URL(`${world.authority}/v2.0`), world.client_id, undefined, await proofs[world.proof](world));

/** The whole way of a person; `change` adds to the request, `checks` to what is checked of the answer. */
async function signIn(config, world, change = {}, checks = {}) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()];
  const arrived = await visit(
    oidc.buildAuthorizationUrl(config, {
      redirect_uri: world.redirect_uri,
      scope: world.scope,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      state: expectedState,
      nonce: expectedNonce,
      ...change,
    }).href,
  );
  const answer = new URL(world.redirect_uri);
  answer.search = new URLSearchParams(arrived);
  return oidc.authorizationCodeGrant(config, answer, {
    pkceCodeVerifier,
    expectedState,
    expectedNonce,
    idTokenExpected: true,
    ...checks,
  });
}

await play({
  metadata: async (world) => (await discover(world)).serverMetadata(),

  async application(world) {
    return oidc.clientCredentialsGrant(await discover(world), { scope: world.scope });
  },

  /** RFC 8693, which it knows as any other grant. */
  async exchange(world) {
    return oidc.genericGrantRequest(await discover(world), "urn:ietf:params:oauth:grant-type:token-exchange", {
      subject_token: world.subject_token,
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
      audience: world.fhir,
      scope: "user_impersonation",
    });
  },

  async person(world) {
    const config = await discover(world);
    oidc.enableNonRepudiationChecks(config); // The signature of the id token is checked too.
    const tokens = await signIn(config, world, { max_age: 3600 }, { maxAge: 3600 });
    const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
    const claims = tokens.claims();
    const userInfo = await oidc.fetchUserInfo(config, renewed.access_token, claims.sub);
    const out = oidc.buildEndSessionUrl(config, {
      post_logout_redirect_uri: world.post_logout_redirect_uri,
      id_token_hint: tokens.id_token,
      state: "left",
    });
    return { tokens, claims, renewed, userInfo, out: await visit(out.href) };
  },

  async refused(world) {
    return signIn(await discover(world), world, { prompt: "none" });
  },
});
