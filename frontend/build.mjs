// Makes the two files that the wheel holds, of the sources in src.
import { build } from "esbuild";

await build({
  entryPoints: { page: "src/page.tsx" },
  outdir: process.argv[2] ?? "../src/chainrule/page/static",
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome109", "firefox115", "safari16"],
  charset: "ascii",
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
});
