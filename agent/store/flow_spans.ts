/**
 * Flows that stood at a moment: those that began before it and ended after it, without a look at all that ended after it, which
 * may be millions. The index `flows_span` has the flows of a second and more by how long they lasted, in steps of twice as long,
 * their end and their begin: of the flows of 16 to 32 s all that stood ended within 32 s, and of those that did not the index alone
 * is read. Shorter ones ended within a second.
 */

/** Longest that a flow's row lasts: the flow table cuts flows after half an hour of traffic time at most. */
const longestUs = 3_600_000_000;
const shortUs = 1_000_000;
const stepsUs = Array.from({ length: 11 }, (_, step) => shortUs * 2 ** (step + 1));

/** The step of a flow, as the index has it. */
const stepSql = `(CASE ${
  stepsUs.map((us, step) => `WHEN end_us - start_us < ${us} THEN ${step}`).join(" ")
} ELSE ${stepsUs.length} END)`;

/** Of `flows`, for TimeListQuery. */
export const lastingFlows = {
  start: "start_us",
  longestUs,
  short: { sql: `end_us - start_us < ${shortUs}`, longestUs: shortUs },
  spans: [...stepsUs, longestUs].map((us, step) => ({
    sql: `${stepSql} = ${step} AND end_us - start_us >= ${shortUs}`,
    longestUs: us,
  })),
};
