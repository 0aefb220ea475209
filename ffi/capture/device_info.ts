/** A device that packets can be captured on, as the system lists it. */

/** In the order of libpcap's PCAP_IF_CONNECTION_STATUS_ values. */
export const CONNECTION_NAMES = ["unknown", "connected", "disconnected", "not applicable"] as const;
export type ConnectionName = typeof CONNECTION_NAMES[number];

export interface DeviceInfo {
  readonly name: string;
  /** "" where the platform has none. */
  readonly description: string;
  readonly addresses: readonly DeviceAddress[];
  readonly isUp: boolean;
  readonly isRunning: boolean;
  readonly isLoopback: boolean;
  readonly isWireless: boolean;
  readonly connection: ConnectionName;
  /** LINKTYPE_ value; null when it could not be asked for. */
  readonly linktype: number | null;
}

export interface DeviceAddress {
  /** IPv4 or IPv6 text. */
  readonly address: string;
  readonly prefixLength: number | null;
}
