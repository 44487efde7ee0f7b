// @microsoft/microsoft-graph-client with tokens of @azure/identity: both unmodified, with the address of the directory
// API as their only setting.
import { ClientSecretCredential } from "@azure/identity";
import { BatchRequestContent, BatchResponseContent, Client, PageIterator } from "@microsoft/microsoft-graph-client";
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
    const again = await client.api("/directoryObjects/getByIds").post({ ids: [user.id], types: ["user"] });
    const begins = await client
      .api("/users")
      .filter(`startsWith(userPrincipalName, '${world.upn}') eq true`)
      .get();
    const ids = ({ value }) => value.map(({ id }) => id);
    return { principals: value.map(({ appId }) => appId), user, counted, again: ids(again), begins: ids(begins) };
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

  async written(world) {
    const client = connect(world);
    const made = await client.api("/users").post({
      accountEnabled: true,
      displayName: "Paul Durand",
      mailNickname: "paul.durand",
      userPrincipalName: world.upn,
      passwordProfile: { password: "Vélo-rouge-42", forceChangePasswordNextSignIn: true },
    });
    const group = await client.api("/groups").post({
      displayName: "Essai",
      mailEnabled: false,
      mailNickname: "essai",
      securityEnabled: true,
    });
    const reference = { "@odata.id": `${world.graph}/v1.0/directoryObjects/${made.id}` };
    await client.api(`/groups/${group.id}/members/$ref`).post(reference);
    await client.api(`/users/${made.id}`).update({ department: "Cardiologie" });
    const members = await client.api(`/groups/${group.id}/members`).get();
    const twice = await client
      .api(`/groups/${group.id}/members/$ref`)
      .post(reference)
      .catch(({ statusCode, code }) => ({ statusCode, code }));
    return { user: made.id, group: group.id, members: members.value.map(({ id }) => id), twice };
  },

  async batched(world) {
    const client = connect(world);
    // The library keeps what follows the host; Node takes no address without one.
    const at = (path) => `${world.graph}${path}`;
    const content = new BatchRequestContent([
      { id: "1", request: new Request(at(`/users/${world.user}?$select=department`), { method: "GET" }) },
      {
        id: "2",
        request: new Request(at(`/users/${world.user}`), {
          method: "PATCH",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ jobTitle: "Cadre de santé" }),
        }),
        dependsOn: ["1"],
      },
      { id: "3", request: new Request(at("/users/nobody@nowhere.example"), { method: "GET" }), dependsOn: ["2"] },
    ]);
    const answered = await client.api("/$batch").post(await content.getContent());
    const responses = new BatchResponseContent(answered);
    const statuses = ["1", "2", "3"].map((id) => responses.getResponseById(id).status);
    const { department } = await responses.getResponseById("1").json();
    return { statuses, department };
  },

  async changed(world) {
    const client = connect(world);
    const first = await client.api("/users/delta").select("jobTitle").get();
    let [count, link] = [0, null];
    const iterator = new PageIterator(client, first, () => {
      count += 1;
      return true;
    });
    await iterator.iterate();
    link = iterator.getDeltaLink();
    await client.api(`/users/${world.user}`).delete();
    const after = await client.api(link).get();
    return { count, after: after.value };
  },

  async granted(world) {
    const client = connect(world);
    const application = await client.api("/applications").post({ displayName: "Agenda" });
    const principal = await client.api("/servicePrincipals").post({ appId: application.appId });
    const [api] = (
      await client.api("/servicePrincipals").filter("appId eq '00000003-0000-0000-c000-000000000000'").get()
    ).value;
    const grant = await client.api("/oauth2PermissionGrants").post({
      clientId: principal.id,
      consentType: "AllPrincipals",
      principalId: null,
      resourceId: api.id,
      scope: "User.Read",
    });
    const role = api.appRoles.find(({ value }) => value === "User.Read.All");
    await client.api(`/servicePrincipals/${principal.id}/appRoleAssignments`).post({
      principalId: principal.id,
      resourceId: api.id,
      appRoleId: role.id,
    });
    const secret = await client
      .api(`/applications/${application.id}/addPassword`)
      .post({ passwordCredential: { displayName: "essai" } });
    return { client_id: application.appId, secret: secret.secretText, scope: grant.scope };
  },
});
