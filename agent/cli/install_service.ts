/**
 * `tapwatch install-service`: prints what makes a service of this executable, or with --yes does it; `--uninstall` takes it
 * away. With DESTDIR set, as packages are built, all is written below that folder, and nothing is started.
 */
import { existsSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { findUser, type User } from "../../ffi/linux/privileges.ts";
import { runProgram } from "../../ffi/linux/spawn.ts";
import { type Config, parseConfig } from "../config.ts";
import { envExample } from "../env_example.ts";
import { ifThere, MissingError, RunError, UsageError } from "../errors.ts";
import { OPTIONS } from "../options.ts";
import { giveFiles, handResultsOver } from "./results_folder.ts";
import { SERVICE, unitText } from "./service_unit.ts";

/** Options that name files, which the service finds by their whole path alone. */
const fileOptions = ["smtp-ca", "syslog-ca", "geo-db", "blocklist", "fleet-credentials"];
/** Set by the service itself. */
const fixedOptions: Readonly<Record<string, string>> = {
  results: `the service keeps its results in ${SERVICE.data}.`,
  user: `the service has a user of its own, ${SERVICE.user}.`,
};
const root = { uid: 0, gid: 0 };

/** Throws TapwatchError. */
export function runInstallService(config: Config): void {
  const settings = settingsOf(config);
  const prefix = Deno.env.get("DESTDIR") ?? "";
  if (!config.isConfirmed) {
    const text = config.isUninstall
      ? removalPlan()
      : installPlan(settings, servicePort(config, prefix));
    return console.log(text);
  }
  if (config.isUninstall) return uninstall(prefix);
  install({ config, settings, prefix, executable: Deno.execPath() });
}

/** Variables of the service, of what was given. Throws UsageError for what it cannot have. */
export function settingsOf({ given }: Pick<Config, "given">): Record<string, string> {
  const settings: Record<string, string> = {
    TAPWATCH_RESULTS: SERVICE.data,
    TAPWATCH_ALLOW_FFI: "1",
  };
  for (const { name, env, commands } of OPTIONS) {
    const raws = given.get(name);
    if (raws === undefined || name === "allow-ffi" || !(commands?.includes("run") ?? env)) continue;
    const [{ origin }] = raws as [typeof raws[number]];
    const fixed = fixedOptions[name];
    if (fixed !== undefined) throw new UsageError(`${origin} has no effect here: ${fixed}`);
    if (env === undefined) {
      throw new UsageError(
        `${origin} cannot be a setting of the service. ` +
          (name === "password-file" ? "Set TAPWATCH_PASSWORD instead." : "Leave it out."),
      );
    }
    const relative = fileOptions.includes(name) &&
      raws.find(({ value }) => !isAbsolute(String(value)));
    if (relative) {
      throw new UsageError(`${origin} needs a whole path for the service, got ${relative.value}.`);
    }
    settings[env] = raws.map(({ value }) =>
      typeof value === "boolean" ? String(Number(value)) : value
    )
      .join(",");
  }
  return settings;
}

interface Installation {
  readonly config: Pick<Config, "port">;
  readonly settings: Readonly<Record<string, string>>;
  /** Before all paths; "" for this host. */
  readonly prefix: string;
  /** What is copied. */
  readonly executable: string;
}

/** Writes all of it; on this host it starts the service too. */
export function install({ config, settings, prefix, executable }: Installation): void {
  const isHost = prefix === "";
  if (isHost) checkHost();
  const hasSettings = existsSync(prefix + SERVICE.settings);
  const given = Object.keys(settings).length > Object.keys(settingsOf({ given: new Map() })).length;
  if (hasSettings && given) {
    throw new UsageError(
      `${SERVICE.settings} is there already and stays as it is. Change it there, or leave the options out.`,
    );
  }
  const port = servicePort(config, prefix);
  const user: User = isHost ? makeUser() : { name: "root", ...root };
  attempt("the folders", () => {
    makeFolder(prefix + SERVICE.settingsFolder, 0o750, { uid: 0, gid: user.gid });
    if (isHost) handResultsOver(SERVICE.data, user);
    else Deno.mkdirSync(prefix + SERVICE.data, { recursive: true });
    Deno.chmodSync(prefix + SERVICE.data, 0o700);
  });
  attempt(SERVICE.executable, () => replaceByCopy(executable, prefix + SERVICE.executable));
  if (!hasSettings) {
    attempt(
      SERVICE.settings,
      () =>
        replaceByText(prefix + SERVICE.settings, envExample(settings), {
          mode: 0o600,
          owner: user,
        }),
    );
  }
  attempt(
    SERVICE.unit,
    () => replaceByText(prefix + SERVICE.unit, unitText({ port }), { mode: 0o644, owner: root }),
  );
  if (!isHost) return console.log(`Everything is written below ${prefix}; nothing is started.`);
  systemctl("daemon-reload");
  systemctl("enable", "--quiet", SERVICE.name);
  const isStarted = systemctlStatus("restart", SERVICE.name) === 0;
  console.log(afterwards(port));
  if (!isStarted) {
    throw new RunError(
      `The service is installed but does not start: journalctl -u ${SERVICE.name} says why.`,
    );
  }
}

/** Of the dashboard: settings that are there stay, and the unit must let it have the port that they name. */
function servicePort(config: Pick<Config, "port">, prefix: string): number {
  const path = prefix + SERVICE.settings;
  if (!existsSync(path)) return config.port;
  const sources = { env: {}, readTextFile: Deno.readTextFileSync, exists: () => true };
  return parseConfig(["run", "--env-file", path], sources).port;
}

/** Takes all away but what was recorded, which becomes root's. */
export function uninstall(prefix: string): void {
  const isHost = prefix === "";
  if (isHost) {
    checkHost();
    if (existsSync(SERVICE.unit)) systemctl("disable", "--quiet", "--now", SERVICE.name);
  }
  for (const path of [SERVICE.unit, SERVICE.executable, SERVICE.settings]) {
    attempt(path, () => void ifThere(() => Deno.removeSync(prefix + path)));
  }
  attempt(SERVICE.settingsFolder, () => removeIfEmpty(prefix + SERVICE.settingsFolder));
  if (isHost) {
    systemctl("daemon-reload");
    removeUser();
  }
  console.log(
    `tapwatch is no longer a service. What it has recorded stays in ${prefix}${SERVICE.data}, for root to read: ` +
      `sudo rm -r ${prefix}${SERVICE.data} removes it.`,
  );
}

// ------------------------------------------------ what is printed

function installPlan(settings: Readonly<Record<string, string>>, port: number): string {
  return [
    "# With --yes, as root, this is done. Nothing has been changed.",
    `# 1. User and group ${SERVICE.user}, without a login.`,
    `# 2. ${SERVICE.executable}: a copy of this executable.`,
    `# 3. ${SERVICE.data} (0700): what it records.`,
    `# 4. ${SERVICE.settings} (0600), unless it is there:`,
    ...Object.entries(settings).map(([name, value]) => `#      ${name}=${shown(name, value)}`),
    `# 5. systemctl daemon-reload, enable and restart ${SERVICE.name}, with this unit in`,
    `#    ${SERVICE.unit}:`,
    "",
    unitText({ port }).trimEnd(),
  ].join("\n");
}

function shown(variable: string, value: string): string {
  const spec = OPTIONS.find(({ env }) => env === variable);
  const isSecret = spec?.isHidden || spec?.name === "webhook" || spec?.name === "smtp-url";
  return isSecret ? "(as given)" : value;
}

function removalPlan(): string {
  return [
    "With --yes, as root, this is done. Nothing has been changed.",
    `1. systemctl disable --now ${SERVICE.name}`,
    `2. ${SERVICE.unit}, ${SERVICE.executable} and ${SERVICE.settings} are removed.`,
    `3. The user ${SERVICE.user} is removed.`,
    `What it has recorded stays in ${SERVICE.data}, for root to read.`,
  ].join("\n");
}

function afterwards(port: number): string {
  return [
    "tapwatch is a service of this host, and starts with it.",
    `  Dashboard   http://127.0.0.1:${port}`,
    `  How it goes systemctl status ${SERVICE.name}`,
    `  Its log     journalctl -u ${SERVICE.name} -f`,
    `  Settings    ${SERVICE.settings}, then systemctl reload ${SERVICE.name} (alerts) or restart (all)`,
    `  Check them  sudo tapwatch --check-config --env-file ${SERVICE.settings}`,
    `  Remove it   sudo tapwatch install-service --uninstall --yes`,
  ].join("\n");
}

// ------------------------------------------------ this host

function checkHost(): void {
  if (Deno.build.os !== "linux" || !existsSync("/run/systemd/system")) {
    throw new MissingError(
      "systemd does not run here. Without --yes this prints the unit; with DESTDIR set it is written below that folder.",
    );
  }
  if (Deno.uid() !== 0) {
    throw new MissingError("Installing a service takes root: start this with sudo.");
  }
  if (!Deno.build.standalone) {
    throw new UsageError(
      "Only the executable can become a service: make it with deno task compile.",
    );
  }
}

function makeUser(): User {
  const found = findUser(SERVICE.user);
  if (found !== null) return found;
  const args = ["--system", "--user-group", "--no-create-home", "--home-dir", SERVICE.data];
  runTool("useradd", [...args, "--shell", "/usr/sbin/nologin", SERVICE.user]);
  const made = findUser(SERVICE.user);
  if (made === null) throw new RunError(`useradd did not make the user ${SERVICE.user}.`);
  return made;
}

/** Its number may be given to another user later: what it has recorded must not be that one's. */
function removeUser(): void {
  const user = findUser(SERVICE.user);
  if (user === null) return;
  if (existsSync(SERVICE.data)) {
    giveFiles(SERVICE.data, { fromUid: user.uid, to: root });
    Deno.chownSync(SERVICE.data, 0, 0);
  }
  runTool("userdel", [SERVICE.user]);
}

function systemctl(...args: string[]): void {
  runTool("systemctl", args);
}

function systemctlStatus(...args: string[]): number {
  return runProgram(toolPath("systemctl"), args);
}

function runTool(name: string, args: readonly string[]): void {
  const status = runProgram(toolPath(name), args);
  if (status !== 0) throw new RunError(`${name} ${args.join(" ")} ended with status ${status}.`);
}

function toolPath(name: string): string {
  const folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
  const path = folders.map((folder) => join(folder, name)).find(existsSync);
  if (path === undefined) throw new MissingError(`This host has no ${name}, which this needs.`);
  return path;
}

// ------------------------------------------------ files

function makeFolder(path: string, mode: number, owner: { uid: number; gid: number }): void {
  Deno.mkdirSync(path, { recursive: true });
  Deno.chmodSync(path, mode);
  Deno.chownSync(path, owner.uid, owner.gid);
}

/** At once, so that a running program keeps the file that it was started from. */
function replaceByCopy(from: string, to: string): void {
  if (existsSync(to) && Deno.realPathSync(from) === Deno.realPathSync(to)) return;
  replace(to, (path) => {
    Deno.copyFileSync(from, path);
    Deno.chmodSync(path, 0o755);
  });
}

function replaceByText(
  to: string,
  text: string,
  { mode, owner }: { readonly mode: number; readonly owner: { uid: number; gid: number } },
): void {
  replace(to, (path) => {
    Deno.writeTextFileSync(path, text, { createNew: true, mode });
    Deno.chmodSync(path, mode);
    Deno.chownSync(path, owner.uid, owner.gid);
  });
}

function replace(to: string, write: (path: string) => void): void {
  Deno.mkdirSync(dirname(to), { recursive: true });
  const unfinished = `${to}.new`;
  ifThere(() => Deno.removeSync(unfinished));
  write(unfinished);
  Deno.renameSync(unfinished, to);
}

/** What somebody else has put there stays. */
function removeIfEmpty(path: string): void {
  if (existsSync(path) && [...Deno.readDirSync(path)].length === 0) Deno.removeSync(path);
}

function attempt(what: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (error instanceof RunError) throw error;
    throw new RunError(`Cannot change ${what}: ${(error as Error).message}.`, { cause: error });
  }
}
