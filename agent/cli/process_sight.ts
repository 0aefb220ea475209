/** What of this host's processes cannot be seen, and the way out: for Status, the log and `doctor`. */
import type { ProcessesState, RightsState } from "../records.ts";

/** What looking into other users' processes takes: proc_pid_fd(5), ptrace(2). */
const sight = ["cap_sys_ptrace", "cap_dac_read_search"];

export const wayOut =
  "To name them too, give the service cap_sys_ptrace and cap_dac_read_search (systemctl edit tapwatch, AmbientCapabilities= and " +
  "CapabilityBoundingSet=), or run tapwatch as root without --user; docs/SECURITY.md says what that gives away";

/** "" when nothing is hidden. */
export function blindText(
  { closedProcesses, processes, hidesOthers, hasTrace }: ProcessesState,
  user: string,
): string {
  if (hidesOthers) {
    return `Processes of other users are hidden from tapwatch (as ${user}): of their flows it tells the user alone. ${wayOut}.`;
  }
  if (closedProcesses === 0) return "";
  const seen = hasTrace ? ", but those of TCP that they begin: of their other" : ": of their";
  return `Of ${closedProcesses} of this host's ${processes} processes, those of other users, tapwatch (as ${user}) may not see the ` +
    `connections${seen} flows it tells the user alone. ${wayOut}.`;
}

/** Whether the processes of all users may be looked at. */
export function seesAllProcesses({ isRoot, capabilities }: RightsState): boolean {
  if (capabilities === null) return isRoot;
  return sight.every((name) => capabilities.includes(name));
}
