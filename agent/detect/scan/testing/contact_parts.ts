/** The parts of the contacts' WebAssembly that tests take by themselves. */
import { type ContactExports, type ContactHooks, instantiateContacts } from "../contact_judge.ts";
import { DEFAULT_SCAN_OPTIONS } from "../options.ts";

/** Addresses are bytes of the memory; what returns a truth value returns 0 or 1. */
interface ContactParts extends ContactExports {
  hashAddress0(address: number): number;
  hashAddress1(address: number): number;
  mix(first: number, second: number, word: number): number;
  makeSet(
    set: number,
    places: number,
    smallPlaces: number,
    size: number,
    periodUs: number,
  ): void;
  advanceSet(set: number, nowUs: number): void;
  addTo(set: number, hash: number, fingerprint: number): number;
  hasIn(set: number, hash: number, fingerprint: number): number;
  forgottenOf(set: number): number;
  addEvidence(): number;
  reassure(): void;
  findSource(address: number, hash0: number, family: number): number;
  isAboveThreshold(source: number): number;
}

export const noHooks: ContactHooks = {
  nextId: () => 1,
  opened: () => {},
  grown: () => {},
  cameBack: () => {},
  forget: () => {},
  failed: () => {},
};

/** A new instance of them. */
export function contactParts(): ContactParts {
  return instantiateContacts<ContactParts>(DEFAULT_SCAN_OPTIONS, noHooks);
}
