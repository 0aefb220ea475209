/** Whether a device that stands open can bring packets at all: an open socket says nothing of a cable that was pulled out. */
import { readKernelFile } from "../../ffi/linux/kernel_file.ts";

/** Says what is wrong with the link of a device, "" when nothing is or that cannot be told. Linux alone tells. */
export function watchLink(device: string, read = readOnLinux): () => string {
  const path = `/sys/class/net/${device}`;
  const isKnown = read(`${path}/flags`) !== null;
  return () => {
    if (!isKnown) return "";
    if (read(`${path}/flags`) === null) return `no device has the name ${device} any more`;
    // Of a device that is down it cannot be read.
    const carrier = read(`${path}/carrier`);
    if (carrier === null) return `${device} is down`;
    return carrier.trim() === "0"
      ? `${device} has no link: is its cable plugged in, and the other end up?`
      : "";
  };
}

function readOnLinux(path: string): string | null {
  return Deno.build.os === "linux" ? readKernelFile(path) : null;
}
