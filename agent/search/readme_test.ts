import { strictEqual } from "node:assert/strict";
import { FIELD_HELP, SEARCH_LISTS, SEARCH_TABLES } from "./fields.ts";
import { parseSearch } from "./parse.ts";

const readme = Deno.readTextFileSync(new URL("../../README.md", import.meta.url));

Deno.test("the README's table of words is that of the lists", () => {
  const rows = Object.entries(FIELD_HELP).map(([word, help]) => {
    const lists = SEARCH_LISTS.filter((list) => word in SEARCH_TABLES[list].fields);
    return `| \`${word}\` | ${help} | ${
      lists.length === SEARCH_LISTS.length ? "all" : lists.join(", ")
    } |`;
  });
  const [table] = /\| word \|[^]*?\n\n/.exec(readme)!;
  strictEqual(table.trim().split("\n").slice(2).join("\n"), rows.join("\n"));
});

Deno.test("the README's searches are read", () => {
  const [block] = /## Search[^]*?(?=\n## )/.exec(readme)!;
  const searches = [
    ...block.matchAll(/^ {4}(?:tapwatch export flows --filter ')?([^']+?)'?(?: {2,}#.*)?$/gm),
  ];
  strictEqual(searches.length, 5);
  for (const [, search] of searches) parseSearch(search!, "flows");
});
