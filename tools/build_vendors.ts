/** Makes the table of agent/vendor/vendor.ts from the npm package oui-data: part of `deno task build`. */
import { brotliCompressSync, constants } from "node:zlib";

const output = new URL("../agent/vendor/vendors_code.ts", import.meta.url);
/** The version in deno.json; the package does not say when the IEEE's list was taken. */
const source = `oui-data ${
  /oui-data@([\d.]+)/.exec(Deno.readTextFileSync(new URL("../deno.json", import.meta.url)))![1]
}, table 2`;

/** True when it had to make the table. */
export async function buildVendors({ force = false } = {}): Promise<boolean> {
  if (!force && isCurrent()) return false;
  // Large, and seldom needed.
  const { default: data } = await import("oui-data", { with: { type: "json" } });
  const packed = brotliCompressSync(packVendors(data as Record<string, string>), {
    params: { [constants.BROTLI_PARAM_LGWIN]: 22 },
  });
  await Deno.writeTextFile(
    output,
    `/** Written by tools/build_vendors.ts. */\n// ${source}\n// deno-fmt-ignore-file\n` +
      // One text: a sum of thousands is more than TypeScript's checker can nest.
      `export const vendorsCode =\n  "${packed.toString("base64")}";\n`,
  );
  return true;
}

function isCurrent(): boolean {
  try {
    return Deno.readTextFileSync(output).split("\n", 2)[1] === `// ${source}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The table as vendor.ts describes it; `data` has names, each with an address below it, by hex digits. */
export function packVendors(data: Readonly<Record<string, string>>): Uint8Array {
  const makers = new Map(
    Object.entries(data).map(([prefix, text]) => [prefix.toLowerCase(), shortName(text)]),
  );
  const names = [...new Set(makers.values())].sort();
  const numbers = new Map(names.map((name, number) => [name, number]));
  const bytes = [...new TextEncoder().encode(names.map((name) => `${name}\n`).join("")), 0];
  const varint = (value: number) => {
    for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
    bytes.push(value);
  };
  for (const digits of [6, 7, 9]) {
    const prefixes = [...makers.keys()].filter(({ length }) => length === digits)
      .map((prefix) => [parseInt(prefix, 16), prefix] as const).sort(([a], [b]) => a - b);
    varint(prefixes.length);
    prefixes.forEach(([value], index) => varint(value - (prefixes[index - 1]?.[0] ?? 0)));
    for (const [, prefix] of prefixes) varint(numbers.get(makers.get(prefix)!)!);
  }
  return Uint8Array.from(bytes);
}

const legalForms =
  /[\s,]+\(?(co|company|corp|corporation|inc|incorporated|ltd|limited|llc|l\.l\.c|gmbh|ag|kg|sa|s\.a|srl|s\.r\.l|sas|s\.a\.s|spa|s\.p\.a|bv|b\.v|nv|ab|as|a\/s|oy|pte|pty|plc|ltda|sdn|bhd|kk|k\.k|lp|ug|& co|international|group)\.?\)?(?=[\s,]|$)\.?/gi;

/** The maker without its legal form and what follows in brackets: "Xerox" for "XEROX CORPORATION". */
export function shortName(text: string): string {
  const whole = text.split("\n", 1)[0]!.replace(/\s+/g, " ").trim();
  const bare = whole.replace(/^(.{4,}?)\s*\(.*$/, "$1").replace(/,?\s*co\.?,\s*ltd\.?/gi, "");
  const short = bare.replaceAll(legalForms, "").replace(/[\s,.&]+$/, "").trim();
  const name = short.length >= 2 ? short : whole;
  // Some are written in capitals throughout.
  return /[a-z]/.test(name)
    ? name
    : name.replace(/[A-Z]{5,}/g, (word) => word[0] + word.slice(1).toLowerCase());
}
