/** The probe judged last, at JUDGED_AT. */
import {
  FAMILY_MASK,
  JUDGED_AT,
  P_AT_US,
  P_DESTINATION,
  P_ENDS,
  P_FLOW,
  P_IS_SILENT,
  P_OUTCOME,
  P_PORT,
  P_SOURCE_PORT,
  P_START_US,
  P_TRAITS,
  TRAIT_IS_REPLY_LIKE,
} from "../contact_layout";

/** What became of it, and when; silent when silence is all that is known. */
export function setOutcome(outcome: i32, atUs: f64, isSilent: bool): void {
  store<f64>(JUDGED_AT, atUs, P_AT_US << 2);
  store<i32>(JUDGED_AT, outcome, P_OUTCOME << 2);
  store<i32>(JUDGED_AT, <i32> isSilent, P_IS_SILENT << 2);
}

/** Address of its target. */
export const JUDGED_TARGET: usize = JUDGED_AT + (P_DESTINATION << 2);

@inline
export function judgedOutcome(): i32 {
  return load<i32>(JUDGED_AT, P_OUTCOME << 2);
}

@inline
export function isJudgedSilent(): bool {
  return load<i32>(JUDGED_AT, P_IS_SILENT << 2) != 0;
}

@inline
export function judgedAtUs(): f64 {
  return load<f64>(JUDGED_AT, P_AT_US << 2);
}

@inline
export function judgedStartUs(): f64 {
  return load<f64>(JUDGED_AT, P_START_US << 2);
}

@inline
export function judgedTraits(): i32 {
  return load<i32>(JUDGED_AT, P_TRAITS << 2);
}

/** It turned out not to have some traits. */
@inline
export function clearTraits(traits: i32): void {
  store<i32>(JUDGED_AT, judgedTraits() & ~traits, P_TRAITS << 2);
}

/** It turned out to have some. */
@inline
export function addTraits(traits: i32): void {
  store<i32>(JUDGED_AT, judgedTraits() | traits, P_TRAITS << 2);
}

@inline
export function isJudgedReplyLike(): bool {
  return (judgedTraits() & TRAIT_IS_REPLY_LIKE) != 0;
}

@inline
export function judgedFamily(): i32 {
  return judgedTraits() & FAMILY_MASK;
}

/** Port and transport. */
@inline
export function judgedPorts(): u32 {
  return load<u32>(JUDGED_AT, P_PORT << 2);
}

@inline
export function judgedPort(): u32 {
  return judgedPorts() >> 16;
}

@inline
export function judgedSourcePort(): u32 {
  return load<u32>(JUDGED_AT, P_SOURCE_PORT << 2);
}

@inline
export function judgedFlow(): u32 {
  return load<u32>(JUDGED_AT, P_FLOW << 2);
}

/** The two hashes of its source. */
@inline
export function judgedSource0(): i32 {
  return load<i32>(JUDGED_AT, P_ENDS << 2);
}

@inline
export function judgedSource1(): i32 {
  return load<i32>(JUDGED_AT, P_ENDS + 1 << 2);
}
