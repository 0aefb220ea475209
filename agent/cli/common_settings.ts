/** What `run`, `replay` and `analyze` have in common. */

/** Flows that the table holds at most. */
export const flowCountMax = 1_000_000;
/** Seed of what is drawn from a file, so that it gives the same findings each time. */
export const fileSeed = 1;
