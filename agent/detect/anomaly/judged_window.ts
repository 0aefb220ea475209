/** A window of a host (or of the link) that is judged, and what is kept to tell of it. */

export interface JudgedWindow {
  /** Start of the window, traffic time; in a capture's first one that of the capture. */
  readonly tsUs: number;
  /** Its end, and the newest packet of it that was told. */
  readonly endUs: number;
  readonly lastUs: number;
  /** Words of the host's address; null for the link. */
  readonly address: Int32Array | null;
  /** Features as they are learnt, see features.ts. */
  readonly vector: Float64Array;
  /** Sent and received. */
  readonly packets: number;
  readonly flowIds: readonly number[];
  /** Main peers, most connections first. */
  readonly peers: readonly Peer[];
  /** Connections opened and received. */
  readonly connections: number;
}

export interface Peer {
  readonly address: Int32Array;
  readonly connections: number;
}

/** A judged window with its verdict. */
export interface ScoredWindow extends JudgedWindow {
  readonly score: number;
  readonly threshold: number;
  readonly isAnomalous: boolean;
}
