/** Fills a flow table to its bound and past it, and prints its counts and how much memory that took. */
import { FlowTable } from "../agent/flow/flow_table.ts";
import { Packet, Transport } from "../agent/records.ts";

const flowCountMax = 1_000_000;
const beyond = 1000;

const packet = new Packet();
packet.ipVersion = 4;
packet.ipProtocol = 6;
packet.transport = Transport.tcp;
packet.source2 = packet.destination2 = 0xffff;
packet.destination3 = 0x0a000001;
packet.destinationPort = 443;
packet.sourcePort = 50_000;
packet.tcpFlags = 2;

const rssBefore = Deno.memoryUsage().rss;
const flows = new FlowTable({ flowCountMax, onEnd: () => {} });
for (let flow = 0; flow < flowCountMax + beyond; flow++) {
  packet.source3 = 0x0b000000 + flow;
  const slot = flows.update(packet, flow, 60, 0);
  if (flow % 8 === 0) flows.setName(slot, `host-${flow}.example.org`);
}
console.log(JSON.stringify({
  active: flows.activeCount,
  evicted: flows.evictedCount,
  growthBytes: Deno.memoryUsage().rss - rssBefore,
}));
