/** What ScanOptions (options.ts) come to: numbers that TypeScript writes before all else. */
import {
  O_INBOUND_MIN,
  O_INTERNAL_MIN,
  O_OUTBOUND_MIN,
  O_SWEEP_MIN,
  OPTIONS_AT,
  TRAIT_IS_DESTINATION_LOCAL,
  TRAIT_IS_SOURCE_LOCAL,
  TRAIT_IS_WITHIN_HOST,
} from "../contact_layout";
import { isSweep } from "./probes";

/** One of O_ of the layout. */
@inline
export function option(index: i32): f64 {
  return load<f64>(OPTIONS_AT + (index << 3));
}

/** Failures that a source of these traits needs. */
export function evidenceMin(family: i32, traits: i32): f64 {
  if (isSweep(family)) return option(O_SWEEP_MIN);
  // Programs look for each other on ten ports of their host.
  const isQuiet = (traits & TRAIT_IS_DESTINATION_LOCAL) == 0 || (traits & TRAIT_IS_WITHIN_HOST) != 0;
  if (isQuiet) return option(O_OUTBOUND_MIN);
  return option((traits & TRAIT_IS_SOURCE_LOCAL) != 0 ? O_INTERNAL_MIN : O_INBOUND_MIN);
}
