/** What is left to TypeScript; see contact_judge.ts. */

// A probe that nothing excuses was judged: it lies at JUDGED_AT.
@external("env", "weigh")
export declare function weigh(): void;
// The table of pending probes is full: the one at JUDGED_AT is given up.
@external("env", "giveUp")
export declare function giveUp(): void;
// A scan is under way, and the row at the address is the first with payload of a side.
@external("env", "takeData")
export declare function takeData(row: usize): void;
// Whether something speaks against the source of the row.
@external("env", "isSuspicious")
export declare function isSuspicious(row: usize, source0: i32, family: i32): i32;
// Whether the row, of a contact that was tried before, is the first of another scan.
@external("env", "isScannedAnew")
export declare function isScannedAnew(row: usize, port: i32, family: i32): i32;
// The MAC address, its upper 16 bits first, is that of a router; whether it is.
@external("env", "addRouter")
export declare function addRouter(high: i32, low: i32): void;
@external("env", "isRouter")
export declare function isRouter(high: i32, low: i32): i32;
