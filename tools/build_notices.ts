/** Makes the text of `tapwatch licenses` from the packages' own files and packaging/notices: part of `deno task build`. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { denoVersion } from "./denort.ts";
import {
  BUILDING_PACKAGES,
  BUNDLED_PACKAGES,
  type NpmPackage,
  shippedPackages,
} from "./contents.ts";

const root = new URL("..", import.meta.url).pathname;
const output = join(root, "agent/cli/notices_code.ts");

/** What is in Deno's base binary: a title, and the files of packaging/notices. */
const ofBaseBinary: readonly (readonly [title: string, ...files: string[]])[] = [
  [`Deno ${denoVersion}`, "deno.txt"],
  ["Node.js, of which Deno has parts of the library", "node.txt"],
  ["V8", "v8.txt", "siphash.txt", "inspector_protocol.txt", "simdutf.txt"],
  ["ICU", "icu.txt"],
  ["zlib", "zlib.txt"],
  ["Brotli", "brotli.txt"],
  ["libffi", "libffi.txt"],
  ["Little CMS", "lcms2.txt"],
  ["SQLite", "sqlite.txt"],
  ["Rust crates", "rust.txt", "crates.txt", "apache-2.0.txt", "mpl-2.0.txt"],
];

/** True when it had to make the text. */
export async function buildNotices({ force = false } = {}): Promise<boolean> {
  const digest = `// ${await digestOfSources()}`;
  if (!force && await firstLines(output, 2) === digest) return false;
  const packed = brotliCompressSync(new TextEncoder().encode(await noticesText()));
  await Deno.writeTextFile(
    output,
    `/** Written by tools/build_notices.ts. */\n${digest}\n// deno-fmt-ignore-file\n` +
      `export const noticesCode =\n  "${packed.toString("base64")}";\n`,
  );
  return true;
}

/** All notices, as `tapwatch licenses` prints them. */
export async function noticesText(): Promise<string> {
  const packages = await shippedPackages();
  const parts = [
    section("tapwatch", [await Deno.readTextFile(join(root, "LICENSE"))]),
    ...await Promise.all(packages.map(packageSection)),
    ...await Promise.all(
      ofBaseBinary.map(async ([title, ...files]) =>
        section(title, await Promise.all(files.map(noticeFile)))
      ),
    ),
  ];
  const titles = parts.map(({ title }) => `  ${title}\n`).join("");
  return `tapwatch contains:\n\n${titles}${parts.map(({ text }) => text).join("")}`;
}

async function packageSection({ name, version, license, folder }: NpmPackage) {
  const files = [...Deno.readDirSync(folder)].map((entry) => entry.name)
    .filter((file) => /^(licen[cs]e|copying|notice)(\.\w+)?$/i.test(file)).sort();
  const texts = files.length > 0
    ? await Promise.all(files.map((file) => Deno.readTextFile(join(folder, file))))
    : [await noticeFile(`${name}.txt`)];
  return section(`${name} ${version} (${license})`, texts);
}

function section(title: string, texts: readonly string[]) {
  const body = texts.map((text) => `\n${text.replaceAll("\r\n", "\n").trim()}\n`).join("");
  return { title, text: `\n${"=".repeat(80)}\n${title}\n${"=".repeat(80)}\n${body}` };
}

function noticeFile(name: string): Promise<string> {
  return Deno.readTextFile(join(root, "packaging/notices", name));
}

/** Packages change only with deno.lock. */
async function digestOfSources(): Promise<string> {
  const folder = join(root, "packaging/notices");
  const paths = [...Deno.readDirSync(folder)].map(({ name }) => join(folder, name)).sort()
    .concat(["LICENSE", "deno.lock", "tools/build_notices.ts"].map((path) => join(root, path)));
  const hash = createHash("sha256").update([...BUNDLED_PACKAGES, ...BUILDING_PACKAGES].join());
  for (const path of paths) hash.update(await Deno.readFile(path));
  return hash.digest("hex").slice(0, 16);
}

async function firstLines(path: string, line: number): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(path)).split("\n", line)[line - 1];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
