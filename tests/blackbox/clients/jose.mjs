// Makes and verifies tokens with npm `jose`. Standard input: a JSON list of {key, alg, kid, claims}, where `key` is a
// private key in PEM form (PKCS #8) or a secret; standard output: the list of tokens. With the argument "verify": a list
// of {key, alg, token} with public keys, and the list of the tokens' headers.
import { readFileSync } from "node:fs";
import { SignJWT, importPKCS8, importSPKI, jwtVerify } from "jose";

const secretOf = (text) => new TextEncoder().encode(text);

async function mint({ key, alg, kid, claims }) {
  const signer = alg.startsWith("HS") ? secretOf(key) : await importPKCS8(key, alg);
  return new SignJWT(claims).setProtectedHeader({ alg, typ: "at+jwt", ...(kid && { kid }) }).sign(signer);
}

async function verify({ key, alg, token }) {
  const verifier = alg.startsWith("HS") ? secretOf(key) : await importSPKI(key, alg);
  return (await jwtVerify(token, verifier, { algorithms: [alg], typ: "at+jwt" })).protectedHeader;
}

const requests = JSON.parse(readFileSync(0, "utf8"));
const work = process.argv[2] === "verify" ? verify : mint;
process.stdout.write(JSON.stringify(await Promise.all(requests.map(work))));
