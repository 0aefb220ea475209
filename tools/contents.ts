/**
 * What is inside the executable besides our own code, for the notices and the SBOM: npm packages by name, with the versions of
 * deno.lock. The build fails when the bundles are made of others (`checkPackages`).
 */
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Packages of which code is in the bundles. */
export const BUNDLED_PACKAGES = [
  "@nats-io/nats-core",
  "@nats-io/nkeys",
  "@nats-io/nuid",
  "@preact/signals",
  "@preact/signals-core",
  "frappe-charts",
  "mmdb-lib",
  "nodemailer",
  "pako",
  "preact",
  "preact-render-to-string",
  "tweetnacl",
] as const;

/** What is to be read beside the program: it refers to them. */
export const DOCUMENTS = [
  "README.md",
  "docs/EVE.md",
  "docs/FLEET.md",
  "docs/RELIABILITY.md",
  "docs/SECURITY.md",
] as const;

/** Packages that put something into what they make: a run-time library, helpers, data. */
export const BUILDING_PACKAGES = ["assemblyscript", "esbuild", "oui-data"] as const;

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly license: string;
  /** The `integrity` of deno.lock: `sha512-` and base64. */
  readonly integrity: string;
  /** Its folder in Deno's cache. */
  readonly folder: string;
}

/** The packages inside, in order of their names. */
export async function shippedPackages(): Promise<NpmPackage[]> {
  const { npm } = JSON.parse(await Deno.readTextFile(rootUrl("deno.lock")));
  const integrities: Record<string, { integrity: string }> = npm;
  const registry = await registryFolder();
  const names = [...BUNDLED_PACKAGES, ...BUILDING_PACKAGES].sort();
  return await Promise.all(names.map(async (name) => {
    const key = Object.keys(integrities).find((id) => id.startsWith(`${name}@`));
    if (key === undefined) throw new Error(`deno.lock does not know ${name}`);
    // What stands behind the version are the peers that it was resolved with.
    const version = key.slice(name.length + 1).split("_", 1)[0]!;
    const folder = join(registry, name, version);
    const { license } = JSON.parse(await Deno.readTextFile(join(folder, "package.json")));
    return { name, version, license, integrity: integrities[key]!.integrity, folder };
  }));
}

/** Throws when the packages that the bundles were made of are not `BUNDLED_PACKAGES`, so that no notice is missing. */
export function checkPackages(inputs: readonly string[]): void {
  const found = new Set(inputs.map(packageOf).filter((name) => name !== null));
  const expected: ReadonlySet<string> = new Set(BUNDLED_PACKAGES);
  const wrong = [...found.symmetricDifference(expected)];
  if (wrong.length === 0) return;
  throw new Error(
    `BUNDLED_PACKAGES in tools/contents.ts and what the bundles are made of differ in ${
      wrong.join(", ")
    }.`,
  );
}

/** The npm package of a bundle's input, a path below `npmLink`; null for our own code. */
export function packageOf(input: string): string | null {
  return /^\.cache\/npm\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? null;
}

/** Folder of Deno's cache that holds packages as `NAME/VERSION`. */
async function registryFolder(): Promise<string> {
  // Deno knows the folder only once something of the package was imported.
  await import("preact");
  const folder = dirname(fileURLToPath(import.meta.resolve("preact")));
  const end = folder.indexOf("/preact/");
  if (end < 0) throw new Error(`${basename(folder)} is in no folder of npm packages`);
  return folder.slice(0, end);
}

function rootUrl(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}
