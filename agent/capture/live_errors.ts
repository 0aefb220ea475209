/** What a person is told when live capture cannot start, and with which exit status. */
import { LibraryMissingError } from "../../ffi/pcap/symbols.ts";
import { CaptureError } from "../../ffi/capture/capture_error.ts";
import { MissingError, RunError, TapwatchError, UsageError } from "../errors.ts";
import { byLikeness, nearest } from "../nearest.ts";

interface FailureContext {
  readonly device: string;
  /** Real path of the executable, for `setcap`. */
  readonly executable: string;
  /** Names of the devices there are, asked only when the message needs them. */
  readonly listNames: () => readonly string[];
}

/** The error for the person, of a failure while loading libpcap or opening a device; null for a defect of ours. */
export function describeFailure(error: unknown, context: FailureContext): TapwatchError | null {
  if (error instanceof TapwatchError) return error;
  if (error instanceof LibraryMissingError) return libraryMissing(error);
  if (error instanceof Deno.errors.NotCapable) return consentMissing(error);
  if (!(error instanceof CaptureError)) return null;
  if (error.operation === "filter") return badFilter(error.message, error);
  switch (error.fault) {
    case "permissionDenied":
    case "promiscuousDenied":
      return permissionMissing(error, context);
    case "noSuchDevice":
      return deviceMissing(error, context);
    default:
      return new RunError(`Cannot capture on ${context.device}: ${error.message}.`, {
        cause: error,
      });
  }
}

function libraryMissing(error: LibraryMissingError): MissingError {
  const tried = error.tried.length === 0 ? "" : ` (tried ${error.tried.join(", ")})`;
  const isLinux = Deno.build.os === "linux";
  const lines = [
    `Live capture needs libpcap, which cannot be loaded${tried}: ${error.message}.`,
    ...isLinux ? ["Give --capture auto, and it goes without where libpcap is missing."] : [],
    "Install it with one of",
    "    apt install libpcap0.8      Debian, Ubuntu",
    "    dnf install libpcap         Fedora, RHEL",
    "    pacman -S libpcap           Arch",
    "    apk add libpcap             Alpine",
    "    brew install libpcap        macOS",
    "Capture files can be read without it.",
  ];
  return new MissingError(lines.join("\n"), { cause: error });
}

function consentMissing(error: Error): MissingError {
  const text = "Live capture loads the host's libraries, and Deno was not permitted to. " +
    "Start with --allow-ffi to permit it; capture files can be read without it.";
  return new MissingError(text, { cause: error });
}

/** `reason` without the stop at its end. */
export function badFilter(reason: string, cause: unknown): UsageError {
  const text = `The capture filter is refused: ${reason}. ` +
    "The syntax is that of the manual page pcap-filter(7).";
  return new UsageError(text, { cause });
}

function permissionMissing(error: CaptureError, context: FailureContext): MissingError {
  const lines = [`No permission to capture on ${context.device}: ${error.message}.`];
  if (Deno.build.os === "linux") {
    lines.push(
      "Give this executable the right to capture, once, with",
      `    sudo setcap cap_net_raw=ep ${quoteForShell(context.executable)}`,
      "or run tapwatch with sudo. (cap_net_raw,cap_net_admin=ep where promiscuous mode is refused without.)",
    );
  } else {
    lines.push("Run tapwatch with sudo, or give your user read access to /dev/bpf*.");
  }
  return new MissingError(lines.join("\n"), { cause: error });
}

function deviceMissing(error: CaptureError, context: FailureContext): UsageError {
  const names = byLikeness(context.device, context.listNames());
  const question = questionAbout(context.device, names);
  const list = names.length === 0 ? "none can be seen" : names.join(", ");
  const text = `There is no capture device ${context.device}.${question} Devices: ${list}.`;
  return new UsageError(text, { cause: error });
}

/** What was probably meant, with a space before it; "" when nothing is likely. */
function questionAbout(device: string, names: readonly string[]): string {
  const parts = device.split(/[\s,;]+/).filter((part) => part !== "");
  if (parts.length > 1 && parts.some((part) => names.includes(part))) {
    return ` For several, name each by itself: ${parts.map((part) => `-i ${part}`).join(" ")}.`;
  }
  const likely = nearest(device, names);
  return likely === null ? "" : ` Did you mean ${likely}?`;
}

function quoteForShell(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
