// @microsoft/microsoft-graph-client with tokens of @azure/identity: both unmodified, with the address of the directory
// API as their only setting.
import { ClientSecretCredential } from "@azure/identity";
import { Client, PageIterator } from "@microsoft/microsoft-graph-client";
import { TokenCredentialAuthenticationProvider } from "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js";
import { play } from "./talk.mjs";

function connect({ login, tenant, client_id, secret, graph }) {
  const credential = new ClientSecretCredential(tenant, client_id, secret, {
    authorityHost: login,
    disableInstanceDiscovery: true,
  });
  const authProvider = new TokenCredentialAuthenticationProvider(credential, { scopes: [`${graph}/.default`] });
  return Client.initWithMiddleware({
    authProvider,
    baseUrl: `${graph}/`,
    customHosts: new Set([new URL(graph).hostname]),
  });
}

await play({
  async everybody(world) {
    const client = connect(world);
    const first = await client.api("/users").top(2).select("id,userPrincipalName").get();
    const names = [];
    const iterator = new PageIterator(client, first, (user) => {
      names.push(user.userPrincipalName);
      return true;
    });
    await iterator.iterate();
    return { names, first: first.value.length };
  },

  async found(world) {
    const client = connect(world);
    const { value } = await client.api("/servicePrincipals").filter(`displayName eq '${world.name}'`).get();
    const user = await client.api(`/users/${world.upn}`).get();
    const counted = await client
      .api("/users")
      .header("ConsistencyLevel", "eventual")
      .count(true)
      .orderby("displayName desc")
      .select("displayName")
      .get();
    return { principals: value.map(({ appId }) => appId), user, counted };
  },

  async refused(world) {
    const client = connect(world);
    const error = await client.api("/users").get().catch((thrown) => thrown);
    const { statusCode, code, message, requestId } = error;
    return { statusCode, code, message, requestId };
  },

  async policies(world) {
    const client = connect(world);
    const strengths = client.api("/policies/authenticationStrengthPolicies");
    const strength = await strengths.post(world.strength);
    const wanted = structuredClone(world.policy);
    wanted.grantControls = { operator: "OR", authenticationStrength: { id: strength.id } };
    const made = await client.api("/identity/conditionalAccess/policies").post(wanted);
    const one = client.api(`/identity/conditionalAccess/policies/${made.id}`);
    await one.patch({ state: "enabledForReportingButNotEnforced" });
    const changed = await one.get();
    const ask = async (userId) => {
      const { value } = await client.api("/identity/conditionalAccess/evaluate").post({
        signInIdentity: { "@odata.type": "#microsoft.graph.userSignIn", userId },
        signInContext: {
          "@odata.type": "#microsoft.graph.applicationContext",
          includeApplications: wanted.conditions.applications.includeApplications,
        },
        signInConditions: { clientAppType: "browser", ipAddress: "192.0.2.7" },
      });
      const found = value.find(({ id }) => id === made.id);
      return [found.policyApplies, found.analysisReasons];
    };
    const answers = { in: await ask(world.included), out: await ask(world.excluded) };
    const kept = await strengths.get();
    const refused = await client.api(`/policies/authenticationStrengthPolicies/${strength.id}`).delete().catch((thrown) => thrown);
    await one.delete();
    await client.api(`/policies/authenticationStrengthPolicies/${strength.id}`).delete();
    const gone = await one.get().catch((thrown) => thrown);
    return {
      state: changed.state,
      strength: changed.grantControls.authenticationStrength.displayName,
      custom: kept.value.filter(({ policyType }) => policyType === "custom").map(({ displayName }) => displayName),
      answers,
      refused: [refused.statusCode, refused.message],
      gone: [gone.statusCode, gone.code],
    };
  },
});
