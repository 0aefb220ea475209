/** What is left to TypeScript; see contact_judge.ts. Episodes are addresses of their words (I_ of the layout). */

@external("env", "pow")
export declare function pow(base: f64, exponent: f64): f64;
// A number for a new finding.
@external("env", "nextId")
export declare function nextId(): i32;
// An episode was opened, with the probes kept of its source; the one judged last sufficed.
@external("env", "opened")
export declare function opened(episode: usize): void;
// An episode has grown so that it is to be told again.
@external("env", "grown")
export declare function grown(episode: usize): void;
// Data went both ways between an episode's source and a port of the address, which the scan had found.
@external("env", "cameBack")
export declare function cameBack(episode: usize, target: usize, port: i32): void;
// The source of an episode has to be forgotten: it is to be closed.
@external("env", "forget")
export declare function forget(episode: usize, nowUs: f64): void;
// The probe at JUDGED_AT failed: it may be part of a distributed scan. Named: its source has an episode of its own.
@external("env", "failed")
export declare function failed(isNamed: bool): void;
