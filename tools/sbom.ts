/** Software bill of materials of the executables: CycloneDX 1.5, JSON (https://cyclonedx.org/docs/1.5/json/). */
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { VERSION } from "../agent/version.ts";
import { BUILDING_PACKAGES, type NpmPackage, shippedPackages } from "./contents.ts";
import { denoVersion, TARGETS } from "./denort.ts";

interface Component {
  readonly type: "application" | "library" | "platform";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly unknown[];
  readonly purl?: string;
}
interface Dependency {
  readonly ref: string;
  readonly dependsOn: readonly string[];
}
interface Sbom {
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.5";
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly Dependency[];
}

/** `seconds`, since 1970, is the date of the build. */
export async function makeSbom(seconds: number): Promise<Sbom> {
  const packages = await shippedPackages();
  const npm = packages.map(npmComponent);
  const inBase = [...runtimeParts(), ...(await listedCrates()).map(crateComponent)];
  const bases = TARGETS.map(({ arch, denortSha256 }): Component => ({
    ...component("platform", `deno-${arch}`, "deno", denoVersion),
    description: `base binary of the executable for ${arch}`,
    hashes: [{ alg: "SHA-256", content: denortSha256 }],
    licenses: [{ license: { id: "MIT" } }],
    purl: `pkg:github/denoland/deno@v${denoVersion}?arch=${arch}`,
  }));
  const product = component("application", `tapwatch@${VERSION}`, "tapwatch", VERSION);
  const components = [...npm, ...bases, ...inBase];
  const dependencies: Dependency[] = [
    { ref: product["bom-ref"], dependsOn: refs([...npm, ...bases]) },
    ...await npmDependencies(packages),
    ...bases.map((base) => ({ ref: base["bom-ref"], dependsOn: refs(inBase) })),
  ];
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify([seconds, product, components]))}`,
    version: 1,
    metadata: {
      timestamp: new Date(seconds * 1000).toISOString(),
      component: { ...product, licenses: [{ license: { id: "MIT" } }] },
    },
    components,
    dependencies,
  };
}

/** Crates of packaging/notices/crates.txt, as "name version". */
export async function listedCrates(): Promise<string[]> {
  const url = new URL("../packaging/notices/crates.txt", import.meta.url);
  return (await Deno.readTextFile(url)).trim().split("\n");
}

/** Crates that a program of Rust names in its messages, by the paths of their sources, as "name version". */
export function cratesIn(binary: Uint8Array): string[] {
  const text = new TextDecoder("latin1").decode(binary);
  const paths = text.matchAll(
    /index\.crates\.io-[0-9a-f]{16}\/([\w-]+?)-(\d+\.\d+\.\d+(?:[-+][\w.+-]+)?)\//g,
  );
  return [...new Set([...paths].map(([, name, version]) => `${name} ${version}`))].sort();
}

function component(
  type: Component["type"],
  ref: string,
  name: string,
  version: string,
): Component {
  return { type, "bom-ref": ref, name, version };
}

function npmComponent({ name, version, license, integrity }: NpmPackage): Component {
  const isBuilding = (BUILDING_PACKAGES as readonly string[]).includes(name);
  const digest = Uint8Array.fromBase64(integrity.replace(/^sha512-/, "")).toHex();
  return {
    ...component("library", `${name}@${version}`, name, version),
    ...isBuilding ? { description: "puts a part of itself into what it makes" } : {},
    hashes: [{ alg: "SHA-512", content: digest }],
    licenses: [
      /[ ()]/.test(license)
        ? { expression: license.replace(/^\((.*)\)$/, "$1") }
        : { license: { id: license } },
    ],
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
  };
}

function runtimeParts(): Component[] {
  const db = new DatabaseSync(":memory:");
  const sqlite = String(db.prepare("select sqlite_version() as version").get()!.version);
  db.close();
  return [
    {
      name: "v8",
      version: Deno.version.v8.split("-", 1)[0]!,
      license: { license: { id: "BSD-3-Clause" } },
    },
    { name: "sqlite", version: sqlite, license: { license: { id: "blessing" } } },
  ].map(({ name, version, license }) => ({
    ...component("library", `${name}@${version}`, name, version),
    licenses: [license],
    purl: `pkg:generic/${name}@${version}`,
  }));
}

function crateComponent(crate: string): Component {
  const [name = "", version = ""] = crate.split(" ");
  return {
    ...component("library", `crate:${name}@${version}`, name, version),
    purl: `pkg:cargo/${name}@${encodeURIComponent(version)}`,
  };
}

/** Of deno.lock, between packages that are inside. */
async function npmDependencies(packages: readonly NpmPackage[]): Promise<Dependency[]> {
  const lock = JSON.parse(await Deno.readTextFile(new URL("../deno.lock", import.meta.url)));
  const byName = new Map(packages.map(({ name, version }) => [name, `${name}@${version}`]));
  const entries = Object.entries(lock.npm as Record<string, { dependencies?: string[] }>);
  return [...byName.values()].map((ref) => {
    const [, entry] = entries.find(([id]) => id === ref || id.startsWith(`${ref}_`))!;
    const dependsOn = (entry.dependencies ?? []).map((name) =>
      byName.get(name.replace(/(.)@.*/, "$1"))
    )
      .filter((known) => known !== undefined);
    return { ref, dependsOn };
  });
}

function refs(components: readonly Component[]): string[] {
  return components.map((one) => one["bom-ref"]);
}

/** Of its contents (RFC 9562 section 5.8), so that one build has one number. */
function uuidOf(contents: string): string {
  const hex = createHash("sha256").update(contents).digest("hex");
  const variant = (parseInt(hex[16]!, 16) & 3 | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join("-");
}
