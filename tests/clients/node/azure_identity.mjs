// @azure/identity with `authorityHost` and `disableInstanceDiscovery` as its only settings.
import {
  AuthorizationCodeCredential,
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
  DeviceCodeCredential,
  EnvironmentCredential,
  InteractiveBrowserCredential,
  OnBehalfOfCredential,
  UsernamePasswordCredential,
  WorkloadIdentityCredential,
} from "@azure/identity";
import jsonwebtoken from "jsonwebtoken";
import { play, visit } from "./talk.mjs";

const options = ({ login }) => ({ authorityHost: login, disableInstanceDiscovery: true });

const token = async (credential, { scope }) => (await credential.getToken(scope)).token;

await play({
  secret: (world) =>
    token(new ClientSecretCredential(world.tenant, world.client_id, world.secret, options(world)), world),

  certificate: (world) =>
    token(new ClientCertificateCredential(world.tenant, world.client_id, world.file, options(world)), world),

  async assertion(world) {
    const claims = { sub: world.client_id, iss: world.client_id, aud: `${world.authority}/oauth2/v2.0/token` };
    const header = { "x5t#S256": world.certificate.x5t };
    const sign = async () =>
      jsonwebtoken.sign(claims, world.certificate.privateKey, { algorithm: "PS256", expiresIn: 300, jwtid: "1", header });
    return token(new ClientAssertionCredential(world.tenant, world.client_id, sign, options(world)), world);
  },

  environment: async (world) => [
    await token(new EnvironmentCredential(options(world)), world),
    await token(new DefaultAzureCredential(options(world)), world),
  ],

  workload: (world) => token(new WorkloadIdentityCredential(options(world)), world),

  password: (world) =>
    token(
      new UsernamePasswordCredential(world.tenant, world.client_id, world.upn, world.password, options(world)),
      world,
    ),

  // The library starts "the system's browser" itself.
  async browser(world) {
    const credential = new InteractiveBrowserCredential({
      tenantId: world.tenant,
      clientId: world.client_id,
      ...options(world),
    });
    return [await token(credential, world), await token(credential, world)];
  },

  async device(world) {
    const credential = new DeviceCodeCredential({
      tenantId: world.tenant,
      clientId: world.client_id,
      userPromptCallback: ({ userCode }) => visit(userCode),
      ...options(world),
    });
    return token(credential, world);
  },

  async code(world) {
    const asked = new URLSearchParams({
      client_id: world.client_id,
      response_type: "code",
      redirect_uri: world.redirect_uri,
      scope: `${world.scope} offline_access`,
    });
    const { code } = await visit(`${world.authority}/oauth2/v2.0/authorize?${asked}`);
    const { tenant, client_id, secret, redirect_uri } = world;
    return token(
      new AuthorizationCodeCredential(tenant, client_id, secret, code, redirect_uri, options(world)),
      world,
    );
  },

  onBehalfOf: (world) =>
    token(
      new OnBehalfOfCredential({
        tenantId: world.tenant,
        clientId: world.client_id,
        clientSecret: world.secret,
        userAssertionToken: world.called,
        ...options(world),
      }),
      world,
    ),
});
