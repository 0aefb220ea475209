import { strictEqual } from "node:assert/strict";
import { updated } from "./bench.ts";

const before = `# Results

- date: old

## Targets

| target | measured |  |
| --- | ---: | ---: |
| fast | 1 s | met |

## one

text

## two

more
`;

Deno.test("a bench that ran alone takes the place of its section and targets, or is added", () => {
  const machine = "- date: new\n- machine: m\n- peers: p\n- tapwatch: t";
  const section = (title: string, promise: string) => ({
    title,
    blocks: ["figures"],
    targets: [{ promise, measured: "2 s", isMet: true }],
  });
  const sections = [section("one", "fast"), section("three", "small")];
  const alone = "Measured alone: date: new; machine: m; tapwatch: t.";
  strictEqual(
    updated(before, { machine, sections }),
    before.replace("| fast | 1 s | met |", "| fast | 2 s | met |\n| small | 2 s | met |")
      .replace("text", `${alone}\n\nfigures`)
      .replace("more\n", `more\n\n## three\n\n${alone}\n\nfigures\n`),
  );
});
