/** What is left to TypeScript; see arrivals.ts. Destinations are known by their numbers. */

// So much arrives that it is a flood, and the destination has no episode.
@external("env", "opened")
export declare function opened(destination: i32, atUs: f64, flowId: u32): void;
// A destination that has an episode has to be forgotten.
@external("env", "forgotten")
export declare function forgotten(destination: i32): void;
