// A service that exchanges its API key for a token, one that is handed the token and believes it offline, and what
// becomes of it. Reads one question as JSON, and prints what it saw as JSON.
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

// What RFC 9068 asks of whoever is handed the token, then the same by another library.
async function believe(metadata, token) {
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
const believed = await believe(metadata, granted.access_token)
const before = await openid.tokenIntrospection(config, granted.access_token)
await openid.tokenRevocation(config, granted.access_token)
const after = await openid.tokenIntrospection(config, granted.access_token)
const refused = {
  secret: await refusal(openid.clientCredentialsGrant(await discover(`${clientSecret}x`), { scope })),
  scope: await refusal(openid.clientCredentialsGrant(config, { scope: 'somebody:else' })),
  grant: await refusal(openid.genericGrantRequest(config, 'password', { username: 'x', password: 'x' })),
  key: await refusal(openid.tokenRevocation(config, clientSecret)),
}
console.log(JSON.stringify({ granted, believed, before, after, refused }))
