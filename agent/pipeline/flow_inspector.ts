/** Looks at the payloads of flows that may have more to tell: applications, names of flows and hosts. */
import { formatMac } from "../decode/addresses.ts";
import { ApplicationReader } from "../decode/application.ts";
import { payloadSequence } from "../decode/app_pending.ts";
import type { FlowPlace } from "../decode/stream_reader.ts";
import type { FlowTable } from "../flow/flow_table.ts";
import {
  Application,
  type ApplicationDetails,
  type Flow,
  FlowTurn,
  type Packet,
  Transport,
} from "../records.ts";
import type { NameBook } from "./name_book.ts";

/** By application. */
export interface ApplicationCounts {
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  readonly flows: Float64Array;
}

interface FlowInspectorOptions {
  readonly flows: FlowTable;
  readonly names: NameBook;
  readonly counts: ApplicationCounts;
  /** Only what names hosts is read besides the application. */
  readonly isForHosts: boolean;
  /** Details as they are read; `flow` makes the record of their flow. */
  readonly onDetails:
    | ((details: ApplicationDetails, timestampUs: number, flow: () => Flow) => void)
    | undefined;
  /** A DNS message that came over TCP, of the flow in a slot. */
  readonly onStreamDns: (message: Uint8Array, slot: number, timestampUs: number) => void;
}

export class FlowInspector {
  readonly #options: FlowInspectorOptions;
  readonly #reader: ApplicationReader;
  /** Of the packet in hand. */
  readonly #place: FlowPlace = {
    key: 0,
    application: 0,
    direction: 0,
    streamOffset: 0,
    isFirstPayload: false,
  };
  #timestampUs = 0;

  constructor(options: FlowInspectorOptions) {
    this.#options = options;
    this.#reader = new ApplicationReader({
      isForHosts: options.isForHosts,
      takeDns: (bytes, at, end) =>
        options.onStreamDns(bytes.subarray(at, end), this.#place.key, this.#timestampUs),
    });
  }

  /** Looks at the packet in hand, of the flow in a slot; what it has told. */
  inspect(
    bytes: Uint8Array,
    packet: Packet,
    { slot, timestampUs }: { readonly slot: number; readonly timestampUs: number },
  ): ApplicationDetails | null {
    const { flows } = this.#options;
    const place = this.#place;
    const before = flows.application(slot);
    place.key = slot;
    place.application = before;
    if (packet.transport === Transport.tcp) {
      place.direction = flows.isOriginator ? 0 : 1;
      place.streamOffset = flows.streamOffset(slot, payloadSequence(packet));
      place.isFirstPayload = (flows.turn & FlowTurn.isFirstPayload) !== 0;
    }
    this.#timestampUs = timestampUs;
    const told = this.#reader.inspect(bytes, packet, place);
    const { application, details, isWaiting, isSettled } = told;
    if (application !== before) this.#setApplication(slot, before, application);
    if (isSettled) flows.markSettled(slot);
    // Every segment of DNS is looked at in any case.
    else if (isWaiting && application !== Application.dns) flows.returnInspection(slot);
    for (const one of details) {
      if (one.dhcpHostName !== undefined) this.#nameSender(bytes, packet, one.dhcpHostName);
      this.#learn(one, slot, timestampUs);
    }
    return details.length > 0 ? details[details.length - 1]! : null;
  }

  /** The flow in a slot ends. */
  end(slot: number): void {
    const { flows } = this.#options;
    for (const details of this.#reader.end(slot)) this.#learn(details, slot, flows.lastUs(slot));
  }

  /** What the flow brought so far was counted for what it was thought to be. */
  #setApplication(slot: number, before: number, application: number): void {
    const { flows, counts } = this.#options;
    flows.setApplication(slot, application);
    if (before === 0) return;
    const parts = [
      [counts.packets, flows.packets(slot)],
      [counts.bytes, flows.wireBytes(slot)],
      [counts.flows, 1],
    ] as const;
    for (const [count, amount] of parts) {
      count[before] -= amount;
      count[application] += amount;
    }
  }

  #learn(details: ApplicationDetails, slot: number, timestampUs: number): void {
    const { flows, names, isForHosts, onDetails } = this.#options;
    if (details.dns) names.learn(details.dns, details.application);
    if (isForHosts) return;
    if (details.name !== undefined && flows.name(slot) === "") flows.setName(slot, details.name);
    if (details.tls?.ja4 !== undefined) flows.setJa4(slot, details.tls.ja4);
    onDetails?.(details, timestampUs, () => flows.flow(slot));
  }

  /** A DHCP client names itself; before it has an address, its name waits under its MAC. */
  #nameSender(bytes: Uint8Array, packet: Packet, name: string): void {
    if (packet.linkOffset >= 0) {
      this.#options.names.setMacName(formatMac(bytes, packet.linkOffset + 6), name);
    }
  }
}
