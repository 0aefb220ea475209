/** Makes the Debian package of one architecture with dpkg-deb: the executable, its service, not enabled, and what Debian asks for. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { helpText } from "../agent/cli/help.ts";
import { SERVICE, unitText } from "../agent/cli/service_unit.ts";
import { settingsOf } from "../agent/cli/install_service.ts";
import { envExample } from "../agent/env_example.ts";
import { OPTIONS } from "../agent/options.ts";
import { VERSION } from "../agent/version.ts";
import { noticesText } from "./build_notices.ts";
import { DOCUMENTS } from "./contents.ts";
import { run } from "./run.ts";
import { setTimes } from "./source_date.ts";

const root = new URL("..", import.meta.url).pathname;
/** While nobody has said who it is; `.invalid` is nobody's (RFC 2606). */
const unsetMaintainer = "The tapwatch authors <maintainers@tapwatch.invalid>";
/** Oldest glibc that Deno's base binaries run with: the highest version of a symbol that they ask for. */
const glibcMin = "2.27";

interface DebOptions {
  readonly executable: string;
  readonly arch: string;
  /** Date of all that is inside, seconds since 1970. */
  readonly seconds: number;
  /** The file to write. */
  readonly output: string;
}

/** Needs dpkg-deb. */
export async function makeDeb({ executable, arch, seconds, output }: DebOptions): Promise<void> {
  const tree = await Deno.makeTempDir({ prefix: "tapwatch-deb-" });
  try {
    await Deno.chmod(tree, 0o755);
    const maintainer = await maintainerOf(Deno.env);
    await writeFiles(tree, { executable, seconds, maintainer });
    await writeControl(tree, { arch, maintainer });
    await setTimes(tree, seconds);
    // One thread: what xz writes depends on their number.
    const args = ["--root-owner-group", "-Zxz", "--threads-max=1", "--build", tree, output];
    await run("dpkg-deb", args, { SOURCE_DATE_EPOCH: String(seconds) });
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
}

/**
 * Who answers for the package: DEBFULLNAME and DEBEMAIL, as Debian's tools have it, else `git config tapwatch.maintainer`,
 * "NAME <ADDRESS>". Throws Error for what is no address.
 */
export async function maintainerOf(env: Pick<Deno.Env, "get">): Promise<string> {
  const [name, address] = [env.get("DEBFULLNAME") ?? "The tapwatch authors", env.get("DEBEMAIL")];
  const configured = await run("git", ["config", "--get", "tapwatch.maintainer"], {}, root)
    .then((text) => text.trim(), () => "");
  const maintainer = address ? `${name} <${address}>` : configured || unsetMaintainer;
  if (!/^[^<>\n,]+ <[^<>@\s]+@[^<>@\s]+>$/.test(maintainer)) {
    throw new Error(`"${maintainer}" is no maintainer; set DEBEMAIL, and DEBFULLNAME`);
  }
  return maintainer;
}

async function writeFiles(
  tree: string,
  { executable, seconds, maintainer }: Pick<DebOptions, "executable" | "seconds"> & {
    readonly maintainer: string;
  },
): Promise<void> {
  const path = "/usr/bin/tapwatch";
  await put(tree, path, await Deno.readFile(executable), 0o755);
  const port = OPTIONS.find(({ name }) => name === "port")!.default as number;
  await put(tree, "/lib/systemd/system/tapwatch.service", unitText({ port, executable: path }));
  await put(tree, SERVICE.settings, envExample(settingsOf({ given: new Map() })), 0o600);
  const doc = "/usr/share/doc/tapwatch";
  await put(tree, `${doc}/copyright`, copyright(await Deno.readTextFile(join(root, "LICENSE"))));
  await put(tree, `${doc}/NOTICES.gz`, zip(await noticesText()));
  await put(
    tree,
    `${doc}/CHANGELOG.md.gz`,
    zip(await Deno.readTextFile(join(root, "CHANGELOG.md"))),
  );
  for (const name of DOCUMENTS) {
    await put(tree, `${doc}/${name}.gz`, zip(await Deno.readTextFile(join(root, name))));
  }
  await put(tree, `${doc}/changelog.gz`, zip(debianChangelog(seconds, maintainer)));
  await put(tree, "/usr/share/man/man1/tapwatch.1.gz", zip(manPage(helpText(null), seconds)));
  const overrides = await Deno.readTextFile(join(root, "packaging/deb/lintian-overrides"));
  await put(tree, "/usr/share/lintian/overrides/tapwatch", overrides);
}

async function writeControl(
  tree: string,
  { arch, maintainer }: { readonly arch: string; readonly maintainer: string },
): Promise<void> {
  const sizes = filesUnder(tree).map((path) => Math.ceil(Deno.statSync(path).size / 1024));
  await put(
    tree,
    "/DEBIAN/control",
    `Package: tapwatch
Version: ${VERSION}
Architecture: ${arch}
Maintainer: ${maintainer}
Installed-Size: ${sizes.reduce((sum, size) => sum + size, 0)}
Depends: adduser, libc6 (>= ${glibcMin}), libgcc-s1, libpcap0.8
Suggests: geoipupdate
Section: net
Priority: optional
Description: watches the network of one host
 Captures packets, decodes them, finds port scans, attacks and unusual
 behaviour as they happen, logs to SQLite and PCAP, and shows it all on a
 dashboard. The service is installed but not enabled: systemctl enable --now
 tapwatch starts it, with the settings of /etc/tapwatch/tapwatch.env.
`,
  );
  await put(tree, "/DEBIAN/conffiles", `${SERVICE.settings}\n`);
  for (const name of ["postinst", "prerm", "postrm"]) {
    const script = await Deno.readTextFile(join(root, "packaging/deb", name));
    await put(tree, `/DEBIAN/${name}`, script, 0o755);
  }
  const digests = await run(
    "sh",
    ["-c", "find usr lib -type f | LC_ALL=C sort | xargs md5sum"],
    {},
    tree,
  );
  await put(tree, "/DEBIAN/md5sums", digests);
}

function copyright(license: string): string {
  const [, holder, ...text] = license.split("\n").filter((line) => line !== "MIT License");
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tapwatch
Comment: What others have made and is inside, with its licences, stands in NOTICES.gz.

Files: *
Copyright: ${holder!.replace("Copyright (c) ", "")}
License: Expat
${text.join("\n").trim().split("\n").map((line) => line === "" ? " ." : ` ${line}`).join("\n")}
`;
}

/** As Debian's tools want it; what has changed stands in CHANGELOG.md. */
function debianChangelog(seconds: number, maintainer: string): string {
  const date = new Date(seconds * 1000).toUTCString().replace("GMT", "+0000");
  return `tapwatch (${VERSION}) unstable; urgency=medium\n\n  * Version ${VERSION}; see CHANGELOG.md.gz.\n\n` +
    ` -- ${maintainer}  ${date}\n`;
}

/** The page of `tapwatch help` as it is, in the form of man. */
function manPage(help: string, seconds: number): string {
  const date = new Date(seconds * 1000).toISOString().slice(0, 10);
  const escaped = help.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll(
    /^(?=[.'])/gm,
    "\\&",
  );
  return `.TH TAPWATCH 1 ${date} "tapwatch ${VERSION}" "User Commands"\n.SH NAME\n` +
    `tapwatch \\- watches the network of one host\n.SH DESCRIPTION\n.nf\n${escaped}\n.fi\n`;
}

function zip(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}

async function put(
  tree: string,
  path: string,
  contents: string | Uint8Array,
  mode = 0o644,
): Promise<void> {
  let folder = tree;
  for (const name of path.split("/").slice(1, -1)) {
    folder = join(folder, name);
    await Deno.mkdir(folder, { recursive: true });
    // Whatever the umask is.
    await Deno.chmod(folder, 0o755);
  }
  const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  await Deno.writeFile(tree + path, bytes);
  await Deno.chmod(tree + path, mode);
}

function filesUnder(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesUnder(join(folder, name)) : [join(folder, name)]
  );
}
