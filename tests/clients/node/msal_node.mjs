// @azure/msal-node with its authority and `knownAuthorities` as its only settings.
import { ConfidentialClientApplication, CryptoProvider, ProtocolMode, PublicClientApplication, ResponseMode } from "@azure/msal-node";
import { play, visit } from "./talk.mjs";

const auth = ({ login, authority, client_id }) => ({
  clientId: client_id,
  authority,
  knownAuthorities: [new URL(login).host],
});

const confidential = (world) =>
  new ConfidentialClientApplication({
    auth: { ...auth(world), clientSecret: world.secret, clientCertificate: world.certificate },
  });

const interactive = (app, scopes) =>
  app.acquireTokenInteractive({ scopes, openBrowser: visit, successTemplate: "You may close this page." });

const told = ({ accessToken, fromCache, account, scopes, tokenType, expiresOn, idTokenClaims }) => ({
  accessToken,
  fromCache,
  account,
  scopes,
  tokenType,
  expiresIn: (expiresOn - Date.now()) / 1000,
  idTokenClaims,
});

await play({
  async application(world) {
    const app = confidential(world);
    const first = await app.acquireTokenByClientCredential({ scopes: [world.scope] });
    const second = await app.acquireTokenByClientCredential({ scopes: [world.scope] });
    const third = await app.acquireTokenByClientCredential({ scopes: [world.scope], skipCache: true });
    return [first, second, third].map(told);
  },

  // A provider like any other: the authority as it is, and its metadata below.
  async generic(world) {
    const authority = `${world.authority}/v2.0`;
    const app = new ConfidentialClientApplication({
      auth: { ...auth(world), authority, clientSecret: world.secret, protocolMode: ProtocolMode.OIDC },
      system: { protocolMode: ProtocolMode.OIDC },
    });
    return told(await app.acquireTokenByClientCredential({ scopes: [world.scope] }));
  },

  async person(world) {
    const app = new PublicClientApplication({ auth: auth(world) });
    const first = await interactive(app, [world.scope]);
    const silent = (app, change) => app.acquireTokenSilent({ account: first.account, scopes: [world.scope], ...change });
    const kept = await silent(app, {});
    const renewed = await silent(app, { forceRefresh: true });
    // Another process that has the cache of the first.
    const other = new PublicClientApplication({ auth: auth(world) });
    other.getTokenCache().deserialize(app.getTokenCache().serialize());
    const [account] = await other.getTokenCache().getAllAccounts();
    const again = await silent(other, { account });
    const elsewhere = await silent(other, { account, scopes: [world.other_scope] });
    return [first, kept, renewed, again, elsewhere].map(told);
  },

  async server(world) {
    const app = confidential(world);
    const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
    const state = "of-this-browser";
    const request = { scopes: [world.scope], redirectUri: world.redirect_uri, nonce: "of-this-request" };
    const url = await app.getAuthCodeUrl({
      ...request,
      state,
      responseMode: ResponseMode.FORM_POST,
      codeChallenge: challenge,
      codeChallengeMethod: "S256",
    });
    const arrived = await visit(url);
    const { code, client_info: clientInfo } = arrived;
    const first = await app.acquireTokenByCode({ ...request, code, codeVerifier: verifier, clientInfo, state }, arrived);
    const renewed = await app.acquireTokenSilent({ account: first.account, scopes: request.scopes, forceRefresh: true });
    return { arrived, tokens: [first, renewed].map(told) };
  },

  async onBehalfOf(world) {
    const { accessToken } = await interactive(new PublicClientApplication({ auth: auth(world) }), [world.server.scope]);
    const api = confidential({ ...world, ...world.server });
    const ask = { oboAssertion: accessToken, scopes: [world.scope] };
    const first = await api.acquireTokenOnBehalfOf(ask);
    const second = await api.acquireTokenOnBehalfOf(ask);
    return { called: accessToken, tokens: [first, second].map(told) };
  },
});
