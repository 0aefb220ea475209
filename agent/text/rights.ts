/** What the program may do on its host, in words. */
import type { RightsState } from "../records.ts";

/** More capabilities than these are as good as all. */
const namedMax = 4;

/** As "nobody: open devices again (cap_net_raw), gain no further rights". */
export function rightsText(rights: RightsState): string {
  const further = rights.hasNoNewPrivileges ? "; it can gain no further rights" : "";
  return `runs as ${rights.user}; it may ${mayText(rights)}${further}`;
}

/** What stands behind "may". */
export function mayText({ isRoot, capabilities }: RightsState): string {
  if (capabilities === null) return isRoot ? "do everything" : "do what that user may";
  if (capabilities.length > namedMax) return "do everything";
  if (capabilities.length === 0) return "do what that user may, without capabilities";
  const isNetRaw = capabilities.length === 1 && capabilities[0] === "cap_net_raw";
  return isNetRaw
    ? "open devices for capture (cap_net_raw), and what that user may"
    : `do what that user may, and has ${capabilities.join(", ")}`;
}
