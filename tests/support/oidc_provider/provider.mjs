// An OpenID provider for the tests, by the library oidc-provider. It has no user interface: the header X-Account (the
// claims, as JSON) signs that user in and consents, at the time in X-Auth-Time; the header X-Deny denies consent.
// SETTINGS in the environment: {"port", "clients"}. Prints "up" once it listens.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { interactionPolicy, Provider } from 'oidc-provider';

const settings = JSON.parse(process.env.SETTINGS);
const issuer = `http://127.0.0.1:${settings.port}`;
const accounts = new Map();
const pairs = { RS256: ['rsa', { modulusLength: 2048 }], ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519'] };

function newKey([alg, [type, options]]) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), kid: randomBytes(6).toString('hex'), use: 'sig', alg };
}

const provider = new Provider(issuer, {
  clients: settings.clients,
  jwks: { keys: Object.entries(pairs).map(newKey) },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  pkce: { required: () => true },
  conformIdTokenClaims: true,
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_ctx, sub) => accounts.has(sub) ? { accountId: sub, claims: () => accounts.get(sub) } : undefined,
  interactions: { policy: interactionPolicy.base(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  async loadExistingGrant(ctx) {
    const { session, client } = ctx.oidc;
    const existing = session.grantIdFor(client.clientId);
    if (existing) return ctx.oidc.provider.Grant.find(existing);
    const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid email profile');
    await grant.save();
    return grant;
  },
});

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  let result = { error: 'access_denied', error_description: 'The user chose "Cancel"' };
  if (!ctx.get('X-Deny')) {
    const account = JSON.parse(ctx.get('X-Account'));
    accounts.set(account.sub, account);
    const ts = ctx.get('X-Auth-Time');
    result = { login: { accountId: account.sub, ...(ts ? { ts: Number(ts) } : {}) } };
  }
  await provider.interactionFinished(ctx.req, ctx.res, result);
  ctx.respond = false;
});
provider.on('server_error', (_ctx, error) => console.error(error));
provider.listen(settings.port, '127.0.0.1', () => console.log('up'));
