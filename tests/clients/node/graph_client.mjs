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
});
