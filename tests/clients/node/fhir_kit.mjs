// fhir-kit-client with the token of an application of @azure/identity.
import { ClientSecretCredential } from "@azure/identity";
import { Client } from "fhir-kit-client";
import { play } from "./talk.mjs";

async function connect({ login, tenant, client_id, secret, scope, fhir }) {
  const options = { authorityHost: login, disableInstanceDiscovery: true };
  const { token } = await new ClientSecretCredential(tenant, client_id, secret, options).getToken(scope);
  return new Client({ baseUrl: fhir, bearerToken: token });
}

const ids = (bundle) => (bundle.entry ?? []).map(({ resource }) => `${resource.resourceType}/${resource.id}`);

await play({
  async readAndWrite(world) {
    const { patient } = world;
    const [{ system, value }] = patient.identifier;
    const client = await connect(world);
    const { fhirVersion } = await client.capabilityStatement();

    const made = await client.create({ resourceType: "Patient", body: patient });
    const condition = { headers: { "If-None-Exist": `identifier=${system}|${value}` } };
    const same = await client.create({ resourceType: "Patient", body: patient, options: condition });
    const read = await client.read({ resourceType: "Patient", id: made.id });
    const byGet = await client.resourceSearch({
      resourceType: "Patient",
      searchParams: { identifier: `${system}|${value}` },
    });
    const byPost = await client.resourceSearch({
      resourceType: "Patient",
      searchParams: { identifier: `${system}|${value}` },
      options: { postSearch: true },
    });

    const changed = await client.update({ resourceType: "Patient", id: made.id, body: { ...read, active: false } });
    const before = await client.vread({ resourceType: "Patient", id: made.id, version: made.meta.versionId });
    const history = await client.resourceHistory({ resourceType: "Patient", id: made.id });

    const transaction = await client.transaction({
      body: {
        resourceType: "Bundle",
        type: "transaction",
        entry: [
          {
            fullUrl: "urn:uuid:3f6f1f0e-0c1c-4e9a-8a4e-1f2d3c4b5a69",
            resource: { ...patient, identifier: [{ system, value: `${value}-2` }] },
            request: { method: "POST", url: "Patient" },
          },
          {
            resource: {
              resourceType: "Observation",
              status: "final",
              code: { text: "Poids" },
              subject: { reference: "urn:uuid:3f6f1f0e-0c1c-4e9a-8a4e-1f2d3c4b5a69" },
            },
            request: { method: "POST", url: "Observation" },
          },
        ],
      },
    });
    const second = transaction.entry[0].response.location.split("/").at(-3);
    const included = await client.resourceSearch({
      resourceType: "Observation",
      searchParams: { subject: `Patient/${second}`, _include: "Observation:subject" },
    });
    const observation = included.entry.find(({ resource }) => resource.resourceType === "Observation").resource;
    const subject = await client.resolve({ reference: observation.subject.reference });
    const batch = await client.batch({
      body: {
        resourceType: "Bundle",
        type: "batch",
        entry: [
          { request: { method: "GET", url: `Patient/${made.id}` } },
          { request: { method: "GET", url: "Patient/none-of-this-id" } },
        ],
      },
    });

    const first = await client.resourceSearch({ resourceType: "Patient", searchParams: { _count: "2" } });
    const next = await client.nextPage({ bundle: first });
    await client.delete({ resourceType: "Patient", id: made.id });
    const gone = await client.read({ resourceType: "Patient", id: made.id }).catch(({ response }) => response);
    return {
      fhirVersion,
      ids: [made.id, same.id, read.id],
      byGet: ids(byGet),
      byPost: ids(byPost),
      versions: [made, changed, before].map(({ meta }) => meta.versionId),
      history: history.entry.map(({ resource }) => resource.meta.versionId),
      transaction: transaction.entry.map(({ response }) => response.status),
      included: included.entry.map(({ resource }) => resource.resourceType).sort(),
      subject: subject.id === second,
      batch: batch.entry.map(({ response }) => response.status),
      pages: [first, next].map(ids),
      gone: { status: gone.status, issue: gone.data.issue },
    };
  },

  async refused(world) {
    const client = await connect(world);
    return client.create({ resourceType: "Patient", body: world.patient }).catch(({ response }) => ({
      status: response.status,
      data: response.data,
    }));
  },
});
