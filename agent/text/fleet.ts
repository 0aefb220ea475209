/** How an agent's way to its fleet does, in a sentence. Safe in browsers. */
import type { FleetState } from "../records.ts";

const openings: Readonly<Record<FleetState["state"], string>> = {
  off: "Nothing is told to the fleet.",
  connecting: "The connection to the fleet's engine is being made.",
  connected: "The fleet's engine takes what is sent.",
  down: "The fleet's engine cannot be reached",
  rejected: "Credential rejected",
  refused: "The fleet's engine refuses what is sent",
  failing: "The spool of the fleet cannot be written",
};

export function fleetSentence({ state, detail }: FleetState): string {
  const opening = openings[state];
  if (opening.endsWith(".")) return opening;
  const reason = detail === "" ? "" : `: ${detail}`;
  const what = state === "rejected"
    ? " tapwatch fleet enroll makes another; it is taken up without a restart."
    : state === "failing"
    ? ""
    : " What is new waits on disk, and it is tried again.";
  return `${opening}${reason}.${what}`;
}
