/** What is given out: packages, archives, their list of contents, the image's recipe. `deno task release --check` compares two whole releases. */
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { validate } from "dockerfile-utils";
import { SERVICE, unitText } from "../agent/cli/service_unit.ts";
import { VERSION } from "../agent/version.ts";
import { compile } from "../tools/compile.ts";
import { BUILDING_PACKAGES, BUNDLED_PACKAGES } from "../tools/contents.ts";
import { maintainerOf, makeDeb } from "../tools/deb.ts";
import { denoVersion, TARGETS } from "../tools/denort.ts";
import { dockerfile, makeArchive, releaseFiles } from "../tools/release.ts";
import { cratesIn, makeSbom } from "../tools/sbom.ts";
import { setTimes } from "../tools/source_date.ts";
import {
  demoCapture,
  missingCommands,
  programCommand,
  runCommand,
  testWith,
  withFolder,
} from "./program.ts";

const root = new URL("..", import.meta.url).pathname;
const seconds = 1_790_000_000;
/** Stands for the executable where its contents do not matter. */
const someProgram = "/bin/true";

async function output(...command: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command);
  strictEqual(code, 0, `${command.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}

Deno.test("the maintainer of a package is who builds it says, and an address", async () => {
  const of = (env: Record<string, string>) => maintainerOf({ get: (name) => env[name] });
  match(await of({}), /^[^<>]+ <[^<>@\s]+@[^<>@\s]+>$/);
  strictEqual(
    await of({ DEBFULLNAME: "A. Person", DEBEMAIL: "a@example.org" }),
    "A. Person <a@example.org>",
  );
  await rejects(of({ DEBEMAIL: "a@example.org>\nDepends: x" }), /is no maintainer/);
});

testWith(
  missingCommands("dpkg-deb"),
  "a .deb installs the service, disabled, and nothing of one build differs in the next",
  () =>
    withFolder(async (folder) => {
      for (const { arch } of TARGETS) {
        const [one, two] = [join(folder, `one_${arch}.deb`), join(folder, `two_${arch}.deb`)];
        await makeDeb({ executable: someProgram, arch, seconds, output: one });
        await makeDeb({ executable: someProgram, arch, seconds, output: two });
        deepStrictEqual(await Deno.readFile(one), await Deno.readFile(two));
        const field = async (name: string) => (await output("dpkg-deb", "-f", one, name)).trim();
        deepStrictEqual(
          [await field("Package"), await field("Version"), await field("Architecture")],
          ["tapwatch", VERSION, arch],
        );
        match(await field("Depends"), /\blibpcap0\.8\b/);
        const tree = join(folder, arch);
        await output("dpkg-deb", "-R", one, tree);
        const unit = await Deno.readTextFile(join(tree, "lib/systemd/system/tapwatch.service"));
        strictEqual(unit, unitText({ port: 8055, executable: "/usr/bin/tapwatch" }));
        strictEqual((await Deno.stat(tree + SERVICE.settings)).mode! & 0o777, 0o600);
        strictEqual(
          await Deno.readTextFile(join(tree, "DEBIAN/conffiles")),
          `${SERVICE.settings}\n`,
        );
        deepStrictEqual(
          await Deno.readFile(join(tree, "usr/bin/tapwatch")),
          await Deno.readFile(someProgram),
        );
        for (const script of ["postinst", "prerm", "postrm"]) {
          const path = join(tree, "DEBIAN", script);
          await output("sh", "-n", path);
          ok(!/systemctl.*\b(enable|start)\b/.test(await Deno.readTextFile(path)), script);
        }
        ok((await Deno.stat(join(tree, "usr/share/doc/tapwatch/docs/SECURITY.md.gz"))).isFile);
        // Nothing but its own paths, and root's.
        for (const line of (await output("dpkg-deb", "-c", one)).trim().split("\n")) {
          match(line, /^\S+ root\/root /);
          match(line, /\.\/(usr|lib|etc)?(\/|$)|\.\/$/);
        }
      }
    }),
);

testWith(
  missingCommands("dpkg-deb", "lintian"),
  "lintian finds no error in a .deb",
  () =>
    withFolder(async (folder) => {
      const deb = join(folder, "tapwatch.deb");
      await makeDeb({ executable: someProgram, arch: TARGETS[0]!.arch, seconds, output: deb });
      const { stdout } = await runCommand(["lintian", "--no-cfg", "--allow-root", deb]);
      deepStrictEqual(stdout.split("\n").filter((line) => line.startsWith("E:")), []);
    }),
);

testWith(
  missingCommands("tar", "gzip"),
  "an archive of the same files is the same, whenever and wherever it is made",
  () =>
    withFolder(async (folder) => {
      const made = await Promise.all(["a", "b/deeper"].map(async (place, number) => {
        const one = join(folder, place, "tapwatch-0.0.0-linux-amd64");
        await Deno.mkdir(one, { recursive: true });
        await Deno.copyFile(someProgram, join(one, "tapwatch"));
        await setTimes(one, 1_000_000_000 + number);
        await makeArchive(one, seconds);
        return `${one}.tar.gz`;
      }));
      deepStrictEqual(await Deno.readFile(made[0]!), await Deno.readFile(made[1]!));
      const list = await output("tar", "-tvzf", made[0]!);
      match(list, /^-rwxr-xr-x 0\/0 .* tapwatch-0\.0\.0-linux-amd64\/tapwatch$/m);
      match(list, /\/LICENSE$/m);
      match(list, /^-rw-r--r-- 0\/0 .*\/docs\/SECURITY\.md$/m);
    }),
);

Deno.test("the SBOM has every package that is inside, and what depends on what", async () => {
  const sbom = await makeSbom(seconds);
  deepStrictEqual([sbom.bomFormat, sbom.specVersion, sbom.version], ["CycloneDX", "1.5", 1]);
  match(
    sbom.serialNumber,
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  deepStrictEqual([sbom.metadata.timestamp, sbom.metadata.component.version], [
    new Date(seconds * 1000).toISOString(),
    VERSION,
  ]);
  const refs = [sbom.metadata.component, ...sbom.components].map((one) => one["bom-ref"]);
  strictEqual(new Set(refs).size, refs.length);
  for (const { ref, dependsOn } of sbom.dependencies) {
    for (const one of [ref, ...dependsOn]) ok(refs.includes(one), one);
  }
  for (const name of [...BUNDLED_PACKAGES, ...BUILDING_PACKAGES]) {
    const found = sbom.components.find((one) => one.name === name);
    strictEqual(found?.purl, `pkg:npm/${name.replace("@", "%40")}@${found?.version}`);
    match(found!.hashes![0]!.content, /^[0-9a-f]{128}$/);
  }
  const signals = sbom.dependencies.find(({ ref }) => /^@preact\/signals@/.test(ref))!.dependsOn;
  ok(signals.some((ref) => ref.startsWith("@preact/signals-core@")), signals.join());
  deepStrictEqual(await makeSbom(seconds), sbom);
});

Deno.test("cratesIn() reads names and versions from the paths of sources", () => {
  const folder = "/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f";
  const binary = new TextEncoder().encode(
    `\0${folder}/md-5-0.10.6/src/lib.rs\xff${folder}/ash-0.38.0+1.3.281/src/x.rs\0` +
      `${folder}/md-5-0.10.6/src/b.rs src/main-1.0.0/x.rs`,
  );
  deepStrictEqual(cratesIn(binary), ["ash 0.38.0+1.3.281", "md-5 0.10.6"]);
});

Deno.test("a linter has nothing to say of the Dockerfile", async () => {
  deepStrictEqual(validate(await dockerfile()), []);
  const [complaint] = validate("FROM base\nRUN true\nMAINTAINER somebody\n");
  match(String(complaint!.message), /MAINTAINER/);
});

Deno.test("the Dockerfile has a pinned base, a user that is not root, and takes files of the release alone", async () => {
  const text = await dockerfile();
  const lines = text.replaceAll("\\\n", " ").split("\n").filter((line) => /^[A-Z]/.test(line));
  const instructions = lines.map((line) => line.split(/\s+/));
  const stages: string[] = [];
  let user = "root";
  for (const [name, ...words] of instructions) {
    if (name === "FROM") {
      const [image = "", as, stage] = words;
      ok(stages.includes(image) || /^[a-z]+:[\w.-]+@sha256:[0-9a-f]{64}$/.test(image), image);
      if (as === "AS") stages.push(stage!);
      user = "root";
    } else if (name === "USER") user = words[0]!;
    else if (name === "COPY") {
      ok(stages.includes(words[0]!.replace("--from=", "")), words.join(" "));
    } else if (name === "ADD") {
      for (const { arch } of TARGETS) {
        const file = words[0]!.replace("${TARGETARCH}", arch)
          .replace("${TAPWATCH_VERSION}", /^ARG TAPWATCH_VERSION=(.+)$/m.exec(text)![1]!);
        ok(releaseFiles().includes(file), `${file} is not in the release`);
      }
    } else {ok(
        ["RUN", "ARG", "ENV", "WORKDIR", "VOLUME", "EXPOSE", "ENTRYPOINT"].includes(name!),
        name,
      );}
    if (name === "ENV") ok(!/PASSWORD|SECRET|TOKEN/i.test(words.join(" ")));
    if (name === "RUN" && words.includes("apt-get") && stages.length < 2) {
      ok(words.join(" ").includes("rm -rf /var/lib/apt/lists"));
    }
  }
  strictEqual(user, "tapwatch");
  match(text, /useradd --system .* tapwatch\b/);
});

Deno.test("versions stand in one place, and others agree with it", async () => {
  match(await Deno.readTextFile(join(root, "CHANGELOG.md")), new RegExp(`^## ${VERSION}\\b`, "m"));
  strictEqual(Deno.version.deno, denoVersion);
  for (const path of ["README.md", ".ci/run", "docs/CONTRIBUTING.md"]) {
    const text = await Deno.readTextFile(join(root, path));
    for (const [, version] of text.matchAll(/\b[Dd]eno[@ ](\d+\.\d+\.\d+)/g)) {
      strictEqual(version, denoVersion, path);
    }
    for (const [, version] of text.matchAll(/\btapwatch[-_](\d+\.\d+\.\d+)/g)) {
      strictEqual(version, VERSION, path);
    }
  }
});

testWith(
  missingCommands("git", "tar"),
  "executables compiled in two folders at two times are the same",
  () =>
    withFolder(async (folder) => {
      const copy = join(folder, "one/level/deeper");
      await Deno.mkdir(copy, { recursive: true });
      await output(
        "sh",
        "-c",
        `cd "${root}" && git ls-files -co --exclude-standard -z | tar -c --null -T - | tar -x -m -C "${copy}"`,
      );
      const compiled = await Promise.all([root, copy].map(async (place, number) => {
        // The name is part of what is embedded.
        const executable = join(folder, String(number), "tapwatch");
        const script =
          `import { compile } from "${place}/tools/compile.ts"; await compile("${executable}");`;
        const command = [
          Deno.execPath(),
          "eval",
          "--frozen",
          `--lock=${place}/deno.lock`,
          `--config=${place}/deno.json`,
          script,
        ];
        const { code, stderr } = await runCommand(command, {
          cwd: place,
          env: { SOURCE_DATE_EPOCH: String(seconds) },
        });
        strictEqual(code, 0, stderr);
        return executable;
      }));
      await output("cmp", ...compiled);
    }),
);

const missingArm = missingCommands("qemu-aarch64-static", "apt-get", "dpkg-deb");
testWith(
  missingArm,
  "the arm64 executable analyses a capture as this one does",
  () =>
    withFolder(async (folder) => {
      const executable = join(folder, "tapwatch");
      await compile(executable, TARGETS.find(({ arch }) => arch === "arm64"));
      const sysroot = await arm64Libraries(folder);
      const args = ["analyze", "--json", demoCapture];
      const emulated = await output("qemu-aarch64-static", "-L", sysroot, executable, ...args);
      const native = await output(...programCommand(args));
      const withoutTiming = (text: string) => ({ ...JSON.parse(text), timing: null });
      deepStrictEqual(withoutTiming(emulated), withoutTiming(native));
    }),
);

/** Debian's own libraries for arm64, unpacked; this machine's packages and lists stay as they are. */
async function arm64Libraries(folder: string): Promise<string> {
  const state = join(folder, "apt");
  await Deno.mkdir(join(state, "lists/partial"), { recursive: true });
  await Deno.mkdir(join(state, "cache/archives/partial"), { recursive: true });
  const options = [
    "APT::Architecture=arm64",
    "APT::Architectures=arm64",
    `Dir::State=${state}`,
    `Dir::State::status=/dev/null`,
    `Dir::Cache=${state}/cache`,
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  await output("apt-get", ...options, "-q", "update");
  const download = ["apt-get", ...options, "-q", "download", "libc6", "libgcc-s1"];
  const { code, stderr } = await runCommand(download, { cwd: folder });
  strictEqual(code, 0, stderr);
  const sysroot = join(folder, "sysroot");
  for (const { name } of [...Deno.readDirSync(folder)]) {
    if (name.endsWith(".deb")) await output("dpkg-deb", "-x", join(folder, name), sysroot);
  }
  return sysroot;
}
