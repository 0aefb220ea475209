/** What is left to TypeScript; see beats.ts. Series are known by their numbers. */

// A series that has an episode has had another beat.
@external("env", "grown")
export declare function grown(series: i32, atUs: f64, flowId: u32): void;
// A series that has none has had another beat, and enough of them.
@external("env", "judge")
export declare function judge(series: i32, atUs: f64, flowId: u32): void;
// A series that has an episode has to be forgotten.
@external("env", "forgotten")
export declare function forgotten(series: i32): void;
