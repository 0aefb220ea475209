/** What the tests of live capture need from the host, and how they skip themselves where it is missing. */
import { findLinktype } from "./device_list.ts";
import { openLibrary } from "./symbols.ts";

const hasLibpcap = canOpenLibrary();
const isLinuxRoot = Deno.build.os === "linux" && Deno.uid() === 0;
/** Root in a container may have no right to capture. */
const canCapture = hasLibpcap && isLinuxRoot && findLinktype(openLibrary(), "lo") !== null;

/** Adds the reason to the name of a test that is left out. */
function requirement(isMet: boolean, reason: string) {
  return (name: string, fn: () => void | Promise<void>) =>
    Deno.test({
      name: isMet ? name : `${name} (SKIPPED: ${reason})`,
      ignore: !isMet,
      // A loaded library is a resource, and libpcap stays loaded.
      sanitizeResources: false,
      fn,
    });
}

/** A test that needs libpcap. */
export const testWithLibpcap = requirement(hasLibpcap, "no libpcap");

/** A test that needs libpcap, and Linux, and to be root: it captures. */
export const testAsRoot = requirement(canCapture, "needs Linux, root and libpcap");

/** A test that needs libpcap and the system's list of services. */
export const testWithServices = requirement(
  hasLibpcap && hasServices(),
  "needs libpcap and /etc/services",
);

function hasServices(): boolean {
  try {
    return Deno.statSync("/etc/services").isFile;
  } catch {
    return false;
  }
}

function canOpenLibrary(): boolean {
  try {
    openLibrary();
    return true;
  } catch {
    return false;
  }
}
