/** How well findings are joined: one incident for each labelled actor, and none that matters in benign captures. */
import { type FoundIncident, joinFindings } from "../../agent/cli/analyze_incidents.ts";
import { SEVERITIES } from "../../agent/records.ts";
import { type Section, table } from "../harness.ts";
import type { Judged } from "./corpus.ts";
import { attackerAddress, findingOfEvent, rightUnlabelled } from "./expected.ts";

interface IncidentJudgement {
  readonly file: string;
  /** Labelled actors that a finding names; what no finding names is another table's matter. */
  readonly actors: readonly string[];
  readonly incidents: readonly FoundIncident[];
  /** Incidents that hold a cause of a labelled actor. */
  readonly ofActors: readonly FoundIncident[];
  /** Labelled actors whose causes are spread over several incidents. */
  readonly torn: readonly string[];
}

const actorsShareMax = 1.2;

export function judgeIncidents({ file, label, found }: Judged): IncidentJudgement {
  const incidents = joinFindings(found.findings, () => "");
  const labelled = new Set([
    ...label!.scan_sources,
    ...label!.events.filter(({ kind }) => findingOfEvent[kind] !== undefined)
      .flatMap(({ attackers }) => attackers.map(attackerAddress)),
  ]);
  const byId = new Map(found.findings.map((finding) => [finding.id, finding]));
  const causes = (incident: FoundIncident) =>
    [...incident.roles].filter(([, role]) => role === "cause").map(([id]) => byId.get(id)!)
      .filter(({ kind }) => kind !== "anomaly");
  const of = (actor: string) =>
    incidents.filter((incident) => causes(incident).some(({ sources }) => sources.includes(actor)));
  const actors = [...labelled].filter((actor) => of(actor).length > 0);
  return {
    file,
    actors,
    incidents,
    ofActors: [...new Set(actors.flatMap(of))],
    torn: actors.filter((actor) => of(actor).length > 1),
  };
}

/** Decoys and the many of one attack share an incident: what counts is incidents a story, at least one. */
function perActor({ actors, ofActors }: IncidentJudgement): number {
  const shared = ofActors.some(({ incident }) => incident.sourceCount > 1);
  return ofActors.length / (shared ? Math.min(actors.length, ofActors.length) : actors.length);
}

export function incidentSection(labelled: readonly Judged[]): Section {
  const attacks = labelled.filter(({ label }) => !label!.benign).map(judgeIncidents)
    .filter(({ actors }) => actors.length > 0);
  const benign = labelled.filter(({ file, label }) =>
    label!.benign && label!.soft === undefined && rightUnlabelled[file] === undefined
  ).map(judgeIncidents);
  const mean = attacks.reduce((sum, each) => sum + perActor(each), 0) / attacks.length;
  const torn = attacks.filter((each) => each.torn.length > 0);
  const grave = benign.filter(({ incidents }) => incidents.some(isAboveLow));
  const allInOne = labelled.every(({ found }) => {
    const roles = joinFindings(found.findings, () => "").flatMap((each) => [...each.roles.keys()]);
    return roles.length === found.findings.length && new Set(roles).size === roles.length;
  });
  return {
    title: "Incidents",
    blocks: [
      "What the findings of a capture were joined to. An actor is an address that a label names as attacker and a finding as source.",
      table(
        [
          "attack",
          "findings",
          "actors",
          "their incidents",
          "all incidents",
          "severity",
          "the first says",
        ],
        attacks.map(({ file, actors, ofActors, incidents }) => [
          file.replace("attack/", ""),
          String(incidents.reduce((sum, { roles }) => sum + roles.size, 0)),
          String(actors.length),
          String(ofActors.length),
          String(incidents.length),
          ofActors.map(({ incident }) => incident.severity).join(", "),
          ofActors[0]?.incident.headline ?? "",
        ]),
      ),
      graveText(grave),
    ],
    targets: [
      {
        promise: `incidents for each labelled actor, at most ${actorsShareMax} on average`,
        measured: `${
          mean.toFixed(2)
        } over ${attacks.length} captures; more than one in ${torn.length}`,
        isMet: mean <= actorsShareMax,
      },
      {
        promise: "every finding in exactly one incident",
        measured: allInOne ? "yes" : "no",
        isMet: allInOne,
      },
      {
        promise: "no incident above low on benign captures (soft ones apart)",
        measured: `${grave.length} of ${benign.length} captures`,
        isMet: grave.length === 0,
      },
    ],
  };
}

function isAboveLow({ incident }: FoundIncident): boolean {
  return SEVERITIES.indexOf(incident.severity) > SEVERITIES.indexOf("low");
}

function graveText(grave: readonly IncidentJudgement[]): string {
  if (grave.length === 0) return "No benign capture has an incident above low.";
  const lines = grave.flatMap(({ file, incidents }) =>
    incidents.filter(isAboveLow).map(({ incident }) =>
      `- ${file}: ${incident.severity}: ${incident.headline}`
    )
  );
  return ["Benign captures with an incident above low:", "", ...lines].join("\n");
}
