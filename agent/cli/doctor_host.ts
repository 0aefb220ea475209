/** Checks of `doctor` about this host: rights, the program that runs, its settings, the clock. */
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { cString } from "../../ffi/linux/libc.ts";
import { findUserName, readProcessRights } from "../../ffi/linux/privileges.ts";
import { readLink } from "../../ffi/linux/proc_links.ts";
import { openConnectTrace } from "../process/open_trace.ts";
import { samplePacketAge } from "../capture/live_open.ts";
import type { Config } from "../config.ts";
import { OPTIONS } from "../options.ts";
import type { RightsState } from "../records.ts";
import { rightsText } from "../text/rights.ts";
import { formatPeriod } from "../text/amounts.ts";
import { type Check, check, good, warning } from "./doctor_check.ts";
import { hasFfiConsent } from "./ffi_consent.ts";
import { trialOptions } from "./input.ts";
import { seesAllProcesses, wayOut } from "./process_sight.ts";
import { currentRights, describeRights, wantedUser } from "./rights.ts";

/** Packets are stamped by the kernel: beyond this the two clocks differ. */
const skewMaxMs = 2000;
const sampleMs = 1500;
const othersMayRead = 0o044;

/** Of the tapwatch that runs, or else of the one that would be started like this. */
export function privilegesCheck(config: Config, runningPid: number | null): Check {
  const name = "privileges";
  const mayLoad = hasFfiConsent(config);
  if (runningPid !== null && mayLoad && Deno.build.os === "linux") {
    return judgeRights(`tapwatch (pid ${runningPid})`, rightsOf(runningPid));
  }
  const rights = currentRights(mayLoad);
  if (!rights.isRoot || config.user === null) return judgeRights("tapwatch", rights);
  return check(name, 2, () => {
    const { name: user, uid } = wantedUser(config.user!);
    return `started as root, it becomes ${user} (uid ${uid}) and keeps cap_net_raw alone`;
  });
}

/** Of the tapwatch that runs, or else of the one that would be started like this; none where no processes are looked for. */
export function processesCheck(config: Config, runningPid: number | null): Check[] {
  const name = "processes";
  if (Deno.build.os !== "linux" || !hasFfiConsent(config)) return [];
  if (!config.namesProcesses) return [good(name, "not looked for (--no-processes)")];
  const rights = runningPid === null ? currentRights(true) : rightsOf(runningPid);
  const becomes = runningPid === null && rights.isRoot ? config.user : null;
  if (becomes === null && seesAllProcesses(rights)) {
    return [good(name, "those of all users can be named")];
  }
  const begun = tracesConnects(runningPid) ? "and who begins connections of TCP; " : "";
  const text = `those of ${
    becomes ?? rights.user
  } can be named, ${begun}of others' flows the user alone`;
  return [good(name, `${text}. ${wayOut}`)];
}

/** Whether the one that runs has been let, or one that is started now would be. */
function tracesConnects(runningPid: number | null): boolean {
  if (runningPid === null) return openConnectTrace() !== null;
  try {
    return [...Deno.readDirSync(`/proc/${runningPid}/fd`)].some(({ name }) =>
      readLink(cString(`/proc/${runningPid}/fd/${name}`)) === "anon_inode:[perf_event]"
    );
  } catch {
    return false;
  }
}

export function judgeRights(who: string, rights: RightsState): Check {
  const text = `${who} ${rightsText(rights)}`;
  if (!rights.isRoot) return good("privileges", text);
  return warning(
    "privileges",
    text,
    "Give root up with --user NAME, or run it as a service: tapwatch install-service",
  );
}

function rightsOf(pid: number): RightsState {
  const rights = readProcessRights(pid);
  return describeRights(rights, findUserName(rights.uid) ?? `user ${rights.uid}`);
}

/** The file of settings: what is secret in it must be its owner's alone. */
export function settingsCheck({ envFile, given }: Config): Check {
  const name = "settings";
  if (envFile === null) return good(name, "no file of settings is read");
  const { mode } = Deno.statSync(envFile);
  const secrets = OPTIONS.filter(({ name, isHidden, isSecret }) =>
    (isHidden || isSecret || name === "webhook") &&
    given.get(name)?.some(({ origin }) => origin.endsWith(` in ${envFile}`))
  ).map(({ env }) => env);
  if (secrets.length === 0 || ((mode ?? 0) & othersMayRead) === 0) {
    return good(name, `${envFile} is read`);
  }
  return warning(
    name,
    `others may read ${envFile}, which has ${secrets.join(", ")}`,
    `Close it: chmod 600 ${envFile}`,
  );
}

/** Deno takes compiled code from there without a look at who wrote it. */
export function codeCacheCheck(
  executable = Deno.execPath(),
  folder = tmpdir(),
): Check[] {
  const path = join(folder, `deno-compile-${basename(executable)}.cache`);
  try {
    const { uid } = Deno.lstatSync(path);
    if (uid === 0 || uid === Deno.uid()) return [];
    return [warning(
      "code cache",
      `${path} was written by another user (uid ${uid}), and this executable takes code from it`,
      "Remove it, and start tapwatch with TMPDIR set to a folder of its own user",
    )];
  } catch {
    return []; // there is none
  }
}

/** Whether packets and the wall clock tell the same time, by a packet of the first device and the newest recorded second. */
export async function clockCheck(
  config: Config,
  { device, newestUs }: { readonly device: string | null; readonly newestUs: number | null },
): Promise<Check> {
  const ageMs = device === null ? null : await packetAge(config, device);
  return judgeClock({
    device,
    ageMs,
    aheadMs: newestUs === null ? 0 : newestUs / 1000 - Date.now(),
  });
}

/**
 * `ageMs` is how old a packet was when it came, by its own time; null without one. `aheadMs` is how far the newest recorded second
 * lies in the future.
 */
export function judgeClock(
  { device, ageMs, aheadMs }: {
    readonly device: string | null;
    readonly ageMs: number | null;
    readonly aheadMs: number;
  },
): Check {
  const name = "clock";
  const fix = "Let the host keep its clock right (timedatectl set-ntp true), then restart tapwatch";
  if (ageMs !== null && Math.abs(ageMs) > skewMaxMs) {
    const side = ageMs > 0 ? "behind" : "ahead of";
    const by = formatPeriod(Math.abs(ageMs) * 1000);
    return warning(name, `packets on ${device} are stamped ${by} ${side} the wall clock`, fix);
  }
  if (aheadMs > skewMaxMs) {
    const by = formatPeriod(aheadMs * 1000);
    return warning(
      name,
      `the newest recorded second lies ${by} in the future: the clock was put back since, or the packets were dated so`,
      fix,
    );
  }
  return good(
    name,
    ageMs === null
      ? `no packet came${
        device === null ? "" : ` on ${device}`
      } to compare; nothing recorded lies in the future`
      : `packets on ${device} have the time of the wall clock, to ${
        Math.max(1, Math.round(Math.abs(ageMs)))
      } ms`,
  );
}

async function packetAge(config: Config, device: string): Promise<number | null> {
  return await samplePacketAge(
    { ...trialOptions(config, device), filter: "", snaplen: 64 },
    sampleMs,
  );
}
