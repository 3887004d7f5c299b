// Bundle the scripts and the style of the desk, with what they take from packages, into --out;
// the licences of these packages go beside it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const [out] = process.argv.slice(2);
const { metafile } = await build({
  entryPoints: ["source/desk.js", "source/desk.css"],
  absWorkingDir: import.meta.dirname,
  bundle: true,
  format: "esm",
  target: ["es2020", "firefox78", "chrome80"],
  minify: true,
  legalComments: "none",
  metafile: true,
  outdir: out,
  logLevel: "warning",
});

const folders = new Set();
for (const path of Object.keys(metafile.inputs)) {
  const found = path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/);
  if (found) folders.add(join(import.meta.dirname, found[0]));
}
const parts = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json")));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file && existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : "";
  if (!text && !license) throw new Error(`${name} has no licence`);
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
});
writeFileSync(join(out, "licences.txt"), parts.join(`\n${"-".repeat(78)}\n\n`));
