/** Names the process that listens on a TCP port, as far as this host lets one see it (Linux: /proc). */

import { readKernelFile } from "../../ffi/linux/kernel_file.ts";

/** "nginx (pid 812)", or null when it cannot be told. `mayLoad` says whether the C library may be asked. */
export function portHolder(port: number, mayLoad: boolean): string | null {
  if (!mayLoad) return null;
  try {
    const inode = listeningInode(port);
    return inode === null ? null : processOf(`socket:[${inode}]`);
  } catch {
    return null; // no /proc here, or not ours to read: the message does without
  }
}

/** proc(5): columns are sl, local address, remote address, state (0A is listening), … inode at 9. */
function listeningInode(port: number): string | null {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  for (const file of ["/proc/self/net/tcp", "/proc/self/net/tcp6"]) {
    for (const line of (readKernelFile(file) ?? "").split("\n").slice(1)) {
      const columns = line.trim().split(/\s+/);
      if (columns[1]?.endsWith(`:${hexPort}`) && columns[3] === "0A") return columns[9];
    }
  }
  return null;
}

function processOf(socket: string): string | null {
  for (const { name: pid } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(pid) || !holds(pid, socket)) continue;
    return `${(readKernelFile(`/proc/${pid}/comm`) ?? "?").trim()} (pid ${pid})`;
  }
  return null;
}

function holds(pid: string, socket: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    for (const { name } of Deno.readDirSync(folder)) {
      if (Deno.readLinkSync(`${folder}/${name}`) === socket) return true;
    }
  } catch {
    // another user's process, or one that just ended
  }
  return false;
}
