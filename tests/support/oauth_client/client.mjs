// A service exchanges its API key for a token, and another service validates the token offline. Then the token is
// introspected and revoked. Reads the parameters as JSON from stdin, and prints the results as JSON.
import { text } from 'node:stream/consumers'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'

const { issuer, clientId, clientSecret, method, scope, audience } = JSON.parse(await text(process.stdin))
const secrets = { client_secret_basic: openid.ClientSecretBasic, client_secret_post: openid.ClientSecretPost }

function discover(secret) {
  const options = { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] }
  return openid.discovery(new URL(issuer), clientId, undefined, secrets[method](secret), options)
}

// Validates the token as RFC 9068 requires of a resource server, by two libraries.
async function validate(metadata, token) {
  const request = new Request('http://reports.example.com/', { headers: { Authorization: `Bearer ${token}` } })
  const claims = await oauth.validateJwtAccessToken(metadata, request, audience, {
    [oauth.allowInsecureRequests]: true,
    signingAlgorithms: ['EdDSA', 'Ed25519'],
  })
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer, audience, typ: 'at+jwt', algorithms: ['EdDSA'],
  })
  return { claims, payload, header: protectedHeader }
}

async function refusal(promise) {
  try {
    await promise
    return null
  } catch (error) {
    return { name: error.name, code: error.code, error: error.error ?? null, status: error.status ?? null }
  }
}

const config = await discover(clientSecret)
const metadata = config.serverMetadata()
const granted = await openid.clientCredentialsGrant(config, { scope })
const believed = await validate(metadata, granted.access_token)
const before = await openid.tokenIntrospection(config, granted.access_token)
await openid.tokenRevocation(config, granted.access_token)
const after = await openid.tokenIntrospection(config, granted.access_token)
const refused = {
  secret: await refusal(openid.clientCredentialsGrant(await discover(`${clientSecret}x`), { scope })),
  scope: await refusal(openid.clientCredentialsGrant(config, { scope: 'other:scope' })),
  grant: await refusal(openid.genericGrantRequest(config, 'password', { username: 'x', password: 'x' })),
  key: await refusal(openid.tokenRevocation(config, clientSecret)),
}
console.log(JSON.stringify({ granted, believed, before, after, refused }))
