/** Checks of `doctor` about the results folder: the folder itself, the disk, the database, what was dropped. */
import { existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Config } from "../config.ts";
import { RunError, UsageError } from "../errors.ts";
import { StoreError } from "../store/failure.ts";
import { type PacketLosses, StoreQueries } from "../store/queries.ts";
import { formatCount, formatSize } from "../text/amounts.ts";
import { modelPath } from "./detect_host.ts";
import { type Check, check, failed, good, warning } from "./doctor_check.ts";
import { databasePath, probeFolder, reasonOf } from "./results_folder.ts";
import { damageFix, damageText, tablesLeftOut } from "./soundness.ts";

const hourUs = 3600e6;
const bufferMbMax = 2047;
const othersMayRead = 0o077;

/** Makes nothing that stays: of a folder that is not there yet, the place for it is tried. */
export function folderCheck(folder: string): Check {
  const name = "results folder";
  const found = check(name, 1, () => tryFolder(folder));
  if (found.state !== "ok" || !existsSync(folder)) return found;
  const { mode } = Deno.statSync(folder);
  if (Deno.build.os === "windows" || ((mode ?? 0) & othersMayRead) === 0) return found;
  return warning(
    name,
    `${found.text}, but others may look into it`,
    `Close it: chmod 700 ${folder}`,
  );
}

function tryFolder(folder: string): string {
  const existing = nearestExisting(folder);
  try {
    probeFolder(existing);
    return existing === folder ? `${folder} is writable` : `${folder} can be made`;
  } catch (error) {
    throw new RunError(
      `cannot write to ${existing}: ${reasonOf(error)}. ` +
        "Give it to the user that runs tapwatch, or use --results DIR",
    );
  }
}

/** The folder, or the first above it that is there. */
function nearestExisting(folder: string): string {
  for (let path = folder;; path = dirname(path)) {
    if (existsSync(path) || path === dirname(path)) return path;
  }
}

export function diskCheck({ resultsFolder, minFreeMb }: Config): Check {
  const name = "disk";
  try {
    const { bavail, bsize } = statfsSync(nearestExisting(resultsFolder));
    const free = Number(bavail) * Number(bsize);
    const text = `${(free / 1e9).toFixed(1)} GB free`;
    if (free >= minFreeMb * 1e6) return good(name, text);
    return warning(
      name,
      `${text}, less than --min-free-mb ${minFreeMb}: captures do not grow`,
      "Lower --retention-mb, --pcap-files or --pcap-file-mb, or make room",
    );
  } catch (error) {
    return warning(
      name,
      `cannot be told: ${reasonOf(error)}`,
      "See whether the results folder's disk is there",
    );
  }
}

export function modelCheck(folder: string): Check {
  const path = modelPath(folder);
  return good(
    "anomaly model",
    existsSync(path)
      ? `${path}, saved ${statSync(path).mtime.toISOString()}`
      : "none yet; a run learns what is usual before it reports anomalies",
  );
}

/** What the database says, and its newest second, in microseconds, for the clock's check. */
export function databaseChecks(
  config: Config,
  nowUs: number,
): { checks: Check[]; newestUs: number | null } {
  const path = databasePath(config.resultsFolder);
  if (!existsSync(path)) return { checks: [good("database", "none yet")], newestUs: null };
  const queries = new StoreQueries(path);
  try {
    const checks = [
      soundnessCheck(queries, path),
      judgeLosses(queries.losses(nowUs - hourUs, nowUs), config.bufferMb),
    ];
    return { checks, newestUs: queries.newestSecondUs() };
  } catch (error) {
    if (!(error instanceof StoreError) && !(error instanceof UsageError)) throw error;
    return {
      checks: [failed("database", 1, `${error.message}. ${damageFix(path)}`)],
      newestUs: null,
    };
  } finally {
    queries.close();
  }
}

function soundnessCheck(queries: StoreQueries, path: string): Check {
  const { size } = statSync(path);
  const leftOut = tablesLeftOut(path);
  const damages = queries.damages(leftOut);
  if (damages.length > 0) {
    return failed("database", 1, damageText(path, damages[0]!));
  }
  const parts = leftOut.length === 0
    ? "sound"
    : `sound, but for ${leftOut.join(" and ")}, which are too many to look at`;
  return good("database", `${path}, ${formatSize(size)}, ${parts}`);
}

/** Of the last hour, by the wall clock. */
export function judgeLosses(losses: PacketLosses | null, bufferMb: number): Check {
  const name = "dropped packets";
  if (losses === null) return good(name, "nothing was captured in the last hour");
  const { packets, kernel } = losses;
  const lost = kernel + losses.interface + losses.queue;
  const total = packets + lost;
  if (lost === 0) return good(name, `none of ${formatCount(total)} in the last hour`);
  const places = ([[kernel, "by the kernel"], [losses.interface, "by the card"], [
    losses.queue,
    "by tapwatch",
  ]] as const).filter(([count]) => count > 0).map(([count, where]) =>
    `${formatCount(count)} ${where}`
  );
  const share = (100 * lost / total).toPrecision(2);
  return warning(
    name,
    `${formatCount(lost)} of ${formatCount(total)} (${share} %) in the last hour: ${
      places.join(", ")
    }`,
    lossFix(losses, bufferMb),
  );
}

/** The option that helps where most was lost. */
function lossFix({ kernel, interface: card, queue }: PacketLosses, bufferMb: number): string {
  const most = Math.max(kernel, card, queue);
  const lighter = "a filter (-f) or --log-packets none makes the work lighter";
  if (most === kernel && bufferMb < bufferMbMax) {
    const more = Math.min(bufferMbMax, Math.max(2 * bufferMb, 128));
    return `Start tapwatch with --buffer-mb ${more} (it is ${bufferMb}); if that does not help, ${lighter}`;
  }
  if (most === card) {
    return "Give the card a longer ring: ethtool -g DEVICE shows how long it may be, ethtool -G DEVICE rx N sets it";
  }
  return `Give tapwatch more processor: ${lighter}`;
}
