// A resource server as others write it: the keys by jwks-rsa or jose, the token by jsonwebtoken or jose.
import jsonwebtoken from "jsonwebtoken";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { JwksClient } from "jwks-rsa";
import { play } from "./talk.mjs";

await play({
  async accept({ tokens, discovery }) {
    const { issuer, jwks_uri: jwksUri } = await (await fetch(discovery)).json();
    const published = new JwksClient({ jwksUri });
    const keys = createRemoteJWKSet(new URL(jwksUri));
    return Promise.all(
      tokens.map(async ({ token, audience }) => {
        const { kid } = jsonwebtoken.decode(token, { complete: true }).header;
        const key = (await published.getSigningKey(kid)).getPublicKey();
        const one = jsonwebtoken.verify(token, key, { algorithms: ["RS256"], issuer, audience });
        const { payload: other } = await jwtVerify(token, keys, { issuer, audience, requiredClaims: ["tid", "oid"] });
        return [one, other];
      }),
    );
  },
});
