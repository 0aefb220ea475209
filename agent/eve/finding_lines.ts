/**
 * The EVE lines of what is found while the program runs: each finding once, when it is detected, and each incident when it
 * is opened and when its severity has risen.
 */
import {
  type Finding,
  type Incident,
  type IncidentNews,
  SEVERITIES,
  type Severity,
} from "../records.ts";
import { eveFinding, eveIncident } from "./lines.ts";

export class FindingLines {
  readonly #write: (line: string) => void;
  /** Severity that was told of each open incident. */
  readonly #told = new Map<number, Severity>();

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** Incidents that an earlier run has told. */
  restore(incidents: readonly Incident[]): void {
    for (const { id, severity } of incidents) this.#told.set(id, severity);
  }

  /** A finding that is told for the first time, and what it means for incidents. */
  finding(finding: Finding, news: readonly IncidentNews[]): void {
    const of = news.find(({ joined }) => joined.some((each) => each.finding.id === finding.id));
    this.#write(eveFinding(finding, of?.incident.id ?? null));
  }

  incidents(news: readonly IncidentNews[]): void {
    for (const { incident, absorbedIds } of news) {
      for (const id of absorbedIds) this.#told.delete(id);
      const { id, severity, isOpen } = incident;
      const before = this.#told.get(id);
      const isNews = before === undefined
        ? isOpen
        : SEVERITIES.indexOf(severity) > SEVERITIES.indexOf(before);
      if (isNews) this.#write(eveIncident(incident));
      if (isOpen) this.#told.set(id, severity);
      else this.#told.delete(id);
    }
  }
}
