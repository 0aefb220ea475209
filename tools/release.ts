/**
 * `deno task release`: makes all that is given out, for each architecture, in `dist/release`. With `--check` it does so once more from
 * a copy of the commit in another folder, and compares every byte.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { VERSION } from "../agent/version.ts";
import { compile } from "./compile.ts";
import { DOCUMENTS } from "./contents.ts";
import { makeDeb } from "./deb.ts";
import { cachedDenort, denortFromNpm, TARGETS } from "./denort.ts";
import { run } from "./run.ts";
import { cratesIn, listedCrates, makeSbom } from "./sbom.ts";
import { setTimes, sourceDate } from "./source_date.ts";

const root = new URL("..", import.meta.url).pathname;

if (import.meta.main) {
  const output = join(root, "dist/release");
  const isChecked = Deno.args.includes("--check");
  if (isChecked) await checkCommitted();
  await release(output);
  if (isChecked) await compareWithCopy(output);
}

/** Names of what a release has, without SHA256SUMS, in order. */
export function releaseFiles(version = VERSION): string[] {
  return [
    ...TARGETS.flatMap(({ arch }) => [
      archiveName(arch, version),
      `tapwatch_${version}_${arch}.deb`,
    ]),
    `tapwatch-${version}.cdx.json`,
    "Dockerfile",
  ].sort();
}

function archiveName(arch: string, version = VERSION): string {
  return `tapwatch-${version}-linux-${arch}.tar.gz`;
}

/** Writes all files into `output`, which is emptied before. */
export async function release(output: string): Promise<void> {
  await checkCrates();
  const seconds = await sourceDate();
  await Deno.mkdir(output, { recursive: true });
  await Deno.remove(output, { recursive: true });
  await Deno.mkdir(output);
  for (const target of TARGETS) {
    const { arch } = target;
    const folder = join(output, `tapwatch-${VERSION}-linux-${arch}`);
    const executable = join(folder, "tapwatch");
    await compile(executable, target);
    await makeArchive(folder, seconds);
    await makeDeb({
      executable,
      arch,
      seconds,
      output: join(output, `tapwatch_${VERSION}_${arch}.deb`),
    });
    await Deno.remove(folder, { recursive: true });
  }
  const sbom = JSON.stringify(await makeSbom(seconds), null, 1) + "\n";
  await Deno.writeTextFile(join(output, `tapwatch-${VERSION}.cdx.json`), sbom);
  await Deno.writeTextFile(join(output, "Dockerfile"), await dockerfile());
  await writeSums(output);
  console.error(`Wrote ${output}.`);
}

/** packaging/Dockerfile with the version of this release. */
export async function dockerfile(): Promise<string> {
  const text = await Deno.readTextFile(join(root, "packaging/Dockerfile"));
  return text.replace(/^ARG TAPWATCH_VERSION$/m, `ARG TAPWATCH_VERSION=${VERSION}`);
}

/** Packs a folder that holds the executable, and what is to be read with it, beside itself. */
export async function makeArchive(folder: string, seconds: number): Promise<void> {
  await Deno.mkdir(join(folder, "docs"), { recursive: true, mode: 0o755 });
  for (const name of ["CHANGELOG.md", "LICENSE", ".env.example", ...DOCUMENTS]) {
    await Deno.copyFile(join(root, name), join(folder, name));
    await Deno.chmod(join(folder, name), 0o644);
  }
  await Deno.chmod(join(folder, "tapwatch"), 0o755);
  for (const one of [folder, join(folder, "docs")]) await Deno.chmod(one, 0o755);
  await setTimes(folder, seconds);
  const tar = `${folder}.tar`;
  const [parent, name] = [join(folder, ".."), folder.slice(folder.lastIndexOf("/") + 1)];
  const owner = ["--owner=0", "--group=0", "--numeric-owner"];
  await run("tar", ["--sort=name", "--format=ustar", ...owner, "-C", parent, "-cf", tar, name]);
  await run("gzip", ["-9n", tar]);
}

/** Throws when the list of crates, from which notices and SBOM are made, is not that of the base binaries. */
async function checkCrates(): Promise<void> {
  const found = new Set<string>();
  for (const target of TARGETS) {
    const path = await cachedDenort(target) ?? await denortFromNpm(target);
    for (const crate of cratesIn(await Deno.readFile(path))) found.add(crate);
  }
  const wrong = [...found.symmetricDifference(new Set(await listedCrates()))];
  if (wrong.length === 0) return;
  throw new Error(
    `packaging/notices/crates.txt and the base binaries differ in ${wrong.join(", ")}`,
  );
}

async function writeSums(output: string): Promise<void> {
  const lines = await Promise.all(
    releaseFiles().map(async (name) => {
      const bytes = await Deno.readFile(join(output, name));
      return `${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`;
    }),
  );
  await Deno.writeTextFile(join(output, "SHA256SUMS"), lines.join(""));
}

async function checkCommitted(): Promise<void> {
  if (await run("git", ["-C", root, "status", "--porcelain", "--untracked-files=no"]) === "") {
    return;
  }
  throw new Error(
    "--check compares with the commit, and there are changes that are not committed.",
  );
}

/** Throws when a release of a copy of the commit is another one; names what differs. */
async function compareWithCopy(output: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-another-folder-" });
  try {
    const copy = join(folder, "one/level/deeper");
    await run("git", ["clone", "--quiet", root, copy]);
    const command = ["run", "-A", "--frozen", "--lock=deno.lock", "tools/release.ts"];
    const env = { SOURCE_DATE_EPOCH: String(await sourceDate()) };
    await run(Deno.execPath(), command, env, copy);
    const [ours, theirs] = await Promise.all(
      [output, join(copy, "dist/release")].map(async (path) =>
        (await Deno.readTextFile(join(path, "SHA256SUMS"))).split("\n")
      ),
    );
    const different = ours!.filter((line) => !theirs!.includes(line));
    if (different.length > 0) throw new Error(`Two builds differ in\n${different.join("\n")}`);
    console.error("A second build in another folder is the same, byte for byte.");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
