/** MITRE ATT&CK for Enterprise: the tactic that a technique serves where tapwatch tells of it, and its name. */

interface Tactic {
  readonly id: string;
  readonly name: string;
}
const reconnaissance = { id: "TA0043", name: "Reconnaissance" };
const discovery = { id: "TA0007", name: "Discovery" };
const credentialAccess = { id: "TA0006", name: "Credential Access" };
const commandAndControl = { id: "TA0011", name: "Command and Control" };
const exfiltration = { id: "TA0010", name: "Exfiltration" };
const lateralMovement = { id: "TA0008", name: "Lateral Movement" };
const impact = { id: "TA0040", name: "Impact" };

const tactics = [
  reconnaissance,
  discovery,
  credentialAccess,
  lateralMovement,
  commandAndControl,
  exfiltration,
  impact,
];

/** By technique without its sub-technique. Of a technique with several tactics the one that fits what tapwatch sees. */
const tacticByTechnique: ReadonlyMap<string, Tactic> = new Map([
  ["T1595", reconnaissance],
  ["T1018", discovery],
  ["T1046", discovery],
  ["T1021", lateralMovement],
  ["T1110", credentialAccess],
  ["T1557", credentialAccess],
  ["T1071", commandAndControl],
  ["T1090", commandAndControl],
  ["T1568", commandAndControl],
  ["T1571", commandAndControl],
  ["T1572", commandAndControl],
  ["T1573", commandAndControl],
  ["T1041", exfiltration],
  ["T1048", exfiltration],
  ["T1498", impact],
  ["T1499", impact],
]);

/** "TA0007" of "T1046" or "T1595.001"; "" where none is known. */
export function tacticOf(technique: string): string {
  return tacticByTechnique.get(technique.split(".")[0]!)?.id ?? "";
}

/** "Discovery" of "TA0007"; the id itself where it is not known. */
export function tacticName(id: string): string {
  return tactics.find((tactic) => tactic.id === id)?.name ?? id;
}
