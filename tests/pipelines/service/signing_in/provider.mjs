// A sign-in service of its own: node provider.mjs FRONT PORT REDIRECT SIGNED_OUT
// Whoever signs in is the name that they give; "+" parts it from groups: "ann+managers+reviewers".
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [front, port, redirect, signedOut] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(createRequire(front).resolve("oidc-provider")));
const issuer = `http://127.0.0.1:${port}`;

const people = new Map();

const provider = new Provider(issuer, {
  clients: [{
    client_id: "desk", client_secret: "a secret of the desk alone", redirect_uris: [redirect],
    post_logout_redirect_uris: [signedOut], grant_types: ["authorization_code"], response_types: ["code"],
  }],
  claims: { openid: ["sub", "amr"], profile: ["preferred_username", "groups"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["keys of a test"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id) }) }),
});

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  if (prompt.name === "consent") {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    const result = { consent: { grantId: await grant.save() } };
    return provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
  }
  if (ctx.method === "GET") {
    ctx.body = `<!doctype html><title>Sign-in service</title><form method="post">
      <label>Who <input name="who"></label><label>Code <input name="code"></label><button>Continue</button>
      <button name="refuse" value="yes">Refuse</button></form>`;
    return undefined;
  }
  let body = "";
  for await (const chunk of ctx.req) body += chunk;
  const given = new URLSearchParams(body);
  const [name, ...groups] = (given.get("who") ?? "").split("+");
  people.set(`id-of-${name}`, { preferred_username: name, groups });
  const result = given.get("refuse")
    ? { error: "access_denied", error_description: "<b>not today</b>" }
    : { login: { accountId: `id-of-${name}`, amr: given.get("code") ? ["pwd", "otp"] : ["pwd"] } };
  return provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
});

provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
