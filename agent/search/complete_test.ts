import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { completeSearch } from "./complete.ts";
import { SEARCH_LISTS } from "./fields.ts";
import { parseSearch } from "./parse.ts";

/** The words offered where the bar stands. */
function offered(text: string): string[] {
  const at = text.indexOf("|");
  return completeSearch(text.replace("|", ""), at, "flows").words.map((word) => word.text);
}

for (
  const [text, words] of [
    ["po|", ["port"]],
    ["port 443 |", ["and", "or", "not"]],
    ["port 443 a|", ["and"]],
    ["port 443 and s|", ["src", "sport", "service", "state", "sent"]],
    ["proto t|", ["tcp"]],
    ["proto:u|", ["udp"]],
    ["proto udp,t|", ["tcp"]],
    ["state R|", ["REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH"]],
    ["bytes |", [">", ">=", "<", "<="]],
    ["bytes >|", [">", ">=", "<", "<="]],
    ["not (sta|", ["state"]],
    ["name |", []],
    ['name "po|', []],
    ["port 443 ) |", ["and", "or", "not"]],
  ] as const
) {
  Deno.test(`completeSearch() at ${JSON.stringify(text)}`, () => {
    deepStrictEqual(offered(text), [...words]);
  });
}

Deno.test("completeSearch() takes anything, and what it offers is read", () => {
  fc.assert(fc.property(fc.string({ maxLength: 40 }), fc.nat(50), (text, at) => {
    for (const list of SEARCH_LISTS) {
      ok(completeSearch(text, Math.min(at, text.length), list).from <= text.length);
    }
  }));
  for (const list of SEARCH_LISTS) {
    for (const { text, help } of completeSearch("", 0, list).words) {
      ok(help.length > 0);
      const values = completeSearch(`${text} `, text.length + 1, list).words;
      const value = values.find((word) => !/[<>]/.test(word.text));
      if (text !== "not" && value) parseSearch(`${text} ${value.text}`, list);
    }
  }
  strictEqual(completeSearch("x".repeat(9000), 9000, "flows").words.length, 0);
});
