// Bundle the scripts and the style of the desk, with what they take from packages, into --out.
import { build } from "esbuild";

await build({
  entryPoints: ["source/desk.js", "source/desk.css"],
  absWorkingDir: import.meta.dirname,
  bundle: true,
  format: "esm",
  target: ["es2020", "firefox78", "chrome80"],
  minify: true,
  legalComments: "linked",
  outdir: process.argv[2],
  logLevel: "warning",
});
