/**
 * What the service manager is told, sd_notify(3): that the program is ready, how it goes, that it lives, that it reads its
 * configuration again, that it stops. Where there is none, nothing.
 */
import { monotonicUs } from "../../ffi/linux/clocks.ts";
import { NotifySocket } from "../../ffi/linux/notify_socket.ts";
import type { LiveState } from "../live_state.ts";
import type { Log } from "../log.ts";
import { counted, formatCount } from "../text/amounts.ts";

interface ServiceNotify {
  readonly ready: () => void;
  readonly reloading: () => void;
  readonly stopping: () => void;
}

const statusMs = 10_000;
/** A pipeline that has said nothing for so long hangs: the watchdog is no longer told that all is well. */
const silenceMaxMs = 120_000;

/** `mayLoad` says whether the C library may be loaded, which the socket needs. */
export function serviceNotify(
  { env, live, log, mayLoad }: {
    readonly env: Pick<typeof Deno.env, "get">;
    readonly live: LiveState;
    readonly log: Log;
    readonly mayLoad: boolean;
  },
): ServiceNotify {
  const path = env.get("NOTIFY_SOCKET") ?? "";
  if (path === "" || Deno.build.os !== "linux") return silent;
  if (!mayLoad) {
    log.warning("The service manager is not told anything: that needs --allow-ffi.");
    return silent;
  }
  const socket = openSocket(path, log);
  if (socket === null) return silent;
  const watchdogMs = watchdogMsOf(env);
  let lastMs = performance.now();
  const unsubscribe = live.subscribe(({ type }) => {
    if (type === "stats") lastMs = performance.now();
  });
  const isAlive = () => live.mode === "replay" || performance.now() - lastMs < silenceMaxMs;
  const tell = (...lines: string[]) =>
    socket.send([...lines, `STATUS=${statusText(live)}`].join("\n"));
  let timer: number | undefined;
  return {
    ready: () => {
      tell("READY=1");
      clearInterval(timer);
      timer = setInterval(
        () => tell(...watchdogMs !== null && isAlive() ? ["WATCHDOG=1"] : []),
        Math.min(statusMs, (watchdogMs ?? Infinity) / 3),
      );
    },
    reloading: () => tell("RELOADING=1", `MONOTONIC_USEC=${monotonicUs()}`),
    stopping: () => {
      clearInterval(timer);
      unsubscribe();
      tell("STOPPING=1");
    },
  };
}

const silent: ServiceNotify = { ready: () => {}, reloading: () => {}, stopping: () => {} };

function openSocket(path: string, log: Log): NotifySocket | null {
  try {
    return new NotifySocket(path);
  } catch (error) {
    log.warning(`The service manager cannot be told anything: ${(error as Error).message}.`);
    return null;
  }
}

/** Null when nobody watches, or another process is meant. */
function watchdogMsOf(env: Pick<typeof Deno.env, "get">): number | null {
  const us = Number(env.get("WATCHDOG_USEC"));
  const isOurs = [undefined, "", String(Deno.pid)].includes(env.get("WATCHDOG_PID"));
  return isOurs && us > 0 ? us / 1000 : null;
}

/** One line for `systemctl status`; names of devices and files are the only texts in it that are not ours. */
function statusText(live: LiveState): string {
  const sources = live.sources.map(({ name, state }) => `${state} ${name}`).join(", ");
  const drops = live.drops();
  const lost = drops.kernel + drops.interface + drops.queue;
  const open = live.incidents.filter(({ isOpen }) => isOpen).length;
  const parts = [
    sources || "starting",
    counted(live.snapshot?.packets ?? 0, "packet"),
    `${formatCount(lost)} dropped`,
    `${open === 1 ? "1 incident" : `${open} incidents`} open`,
  ];
  return parts.join("; ").replace(/\s/g, " ");
}
