// Makes tokens with npm `jose`. Standard input: a JSON list of {key, alg, kid, claims}, where `key` is a private
// key in PEM form (PKCS #8) or a secret. Standard output: the list of tokens.
import { readFileSync } from "node:fs";
import { SignJWT, importPKCS8 } from "jose";

async function mint({ key, alg, kid, claims }) {
  const signer = alg.startsWith("HS") ? new TextEncoder().encode(key) : await importPKCS8(key, alg);
  return new SignJWT(claims).setProtectedHeader({ alg, typ: "at+jwt", ...(kid && { kid }) }).sign(signer);
}

const requests = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await Promise.all(requests.map(mint))));
