/**
 * Flows of every capture of the corpus against two witnesses: tshark's conversations (FILE.conv.tsv, unordered TCP and
 * UDP 5-tuples with packets and bytes) and the slow model of the flow table.
 *
 * A conversation is the sum of the flows with its 5-tuple. Three things are set off packet by packet, because tshark
 * counts them elsewhere: packets of tunnels (our flow is the innermost, the conversation the outermost), later
 * fragments (our flow is that of the first, tshark gives them no ports) and packets cut before their ports.
 * What still differs stands in flow_differences.tsv with its reason.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { CaptureFileReader } from "../agent/capture/file_reader.ts";
import {
  type CorpusFile,
  corpusPath,
  doesCorpusExist,
  readCorpusText,
  readManifest,
} from "../agent/capture/corpus.ts";
import { decodePacket } from "../agent/decode/decode.ts";
import { formatIpv4, formatIpv6 } from "../agent/decode/addresses.ts";
import { CaptureFormatError } from "../agent/errors.ts";
import { FlowModel, knownFields, type ModelFlow } from "../agent/flow/flow_model.ts";
import { FlowTable } from "../agent/flow/flow_table.ts";
import { DEFAULT_TIMEOUTS, type FlowTimeouts, ROW_ACTIVE_US } from "../agent/flow/timeouts.ts";
import { type Flow, Packet } from "../agent/records.ts";

const LIST = new URL("flow_differences.tsv", import.meta.url);
const FOLDERS = ["decode/", "benign/", "attack/"];
const note = doesCorpusExist ? "" : " (SKIPPED: no ../shared/corpus)";

for (const activeUs of [DEFAULT_TIMEOUTS.activeUs, ROW_ACTIVE_US]) {
  Deno.test({
    name: `flows cut after ${
      activeUs / 60e6
    } min add up to tshark's conversations, and the flow table is the slow model${note}`,
    ignore: !doesCorpusExist,
    fn: () => checkCorpus({ ...DEFAULT_TIMEOUTS, activeUs }),
  });
}

async function checkCorpus(timeouts: FlowTimeouts): Promise<void> {
  const found: string[] = [];
  let flows = 0;
  let conversations = 0;
  for (const file of await listCaptures()) {
    const result = await followFile(file, timeouts);
    if (result === null) continue;
    deepStrictEqual(result.ended, result.modelEnded, file.file);
    const theirs = await readConversations(file);
    found.push(...differences(file.file, result.tally.sums, theirs));
    flows += result.ended.length;
    conversations += theirs.size;
  }
  console.log(`${flows} flows, ${conversations} conversations, ${found.length} differ`);
  checkAgainstList(found);
}

interface Sum {
  packets: number;
  bytes: number;
}

class Tally {
  readonly sums = new Map<string, Sum>();

  add(key: string, packets: number, bytes: number): void {
    const sum = this.sums.get(key) ?? { packets: 0, bytes: 0 };
    sum.packets += packets;
    sum.bytes += bytes;
    this.sums.set(key, sum);
  }
}

async function listCaptures(): Promise<CorpusFile[]> {
  const files = await readManifest();
  return files.filter(({ file }) => FOLDERS.some((folder) => file.startsWith(folder)));
}

interface Followed {
  readonly tally: Tally;
  readonly ended: readonly ModelFlow[];
  readonly modelEnded: readonly ModelFlow[];
}

/** Sends a capture through table and model; null for what is no capture to us. */
async function followFile(file: CorpusFile, timeouts: FlowTimeouts): Promise<Followed | null> {
  const tally = new Tally();
  const ended: ModelFlow[] = [];
  const table = new FlowTable({
    timeouts,
    onEnd: (slot) => {
      const flow = table.flow(slot);
      ended.push(knownFields(flow));
      if (isTcpOrUdp(flow.proto)) tally.add(keyOfFlow(flow), ...totalsOf(flow));
    },
  });
  const model = new FlowModel(1_000_000, timeouts);
  const reader = await openCapture(file);
  if (reader === null) return null;
  const packet = new Packet();
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    for (let i = 0; i < batch.count; i++) {
      const wireLength = batch.wireLengths[i];
      decodePacket(
        batch.bytes,
        batch.offsets[i],
        batch.capturedLengths[i],
        wireLength,
        batch.linktypes[i],
        packet,
      );
      const slot = table.update(packet, batch.timestampsUs[i], wireLength, batch.interfaceIds[i]);
      model.update(packet, batch.timestampsUs[i], wireLength);
      setOff(tally, table, slot, packet, batch.bytes, wireLength);
    }
    const lastUs = batch.timestampsUs[batch.count - 1];
    table.advance(lastUs);
    model.advance(lastUs);
  }
  reader.close();
  table.end();
  model.end();
  return { tally, ended, modelEnded: model.ended };
}

async function openCapture(file: CorpusFile): Promise<CaptureFileReader | null> {
  try {
    return await CaptureFileReader.open(corpusPath(file));
  } catch (error) {
    if (error instanceof CaptureFormatError) return null;
    throw error;
  }
}

/** Moves a packet that tshark counts elsewhere from our flow's conversation to tshark's. */
function setOff(
  tally: Tally,
  table: FlowTable,
  slot: number,
  packet: Packet,
  bytes: Uint8Array,
  wireLength: number,
): void {
  if (slot < 0 || (packet.tunnelDepth === 0 && packet.sourcePort >= 0)) return;
  const flow = table.flow(slot);
  if (isTcpOrUdp(flow.proto)) tally.add(keyOfFlow(flow), -1, -wireLength);
  const isOuterSeen = packet.outerSourcePort >= 0 &&
    (packet.outerIpProtocol === 6 || packet.outerIpProtocol === 17);
  if (!isOuterSeen) return;
  const format = packet.outerIpVersion === 6 ? formatIpv6 : formatIpv4;
  const source = format(bytes, packet.outerSourceOffset);
  const destination = format(bytes, packet.outerDestinationOffset);
  const proto = packet.outerIpProtocol === 6 ? "tcp" : "udp";
  const key = keyOf(
    proto,
    `${source} ${packet.outerSourcePort}`,
    `${destination} ${packet.outerDestinationPort}`,
  );
  tally.add(key, 1, wireLength);
}

function isTcpOrUdp(proto: string): boolean {
  return proto === "tcp" || proto === "udp";
}

function totalsOf(flow: Flow): [number, number] {
  return [flow.origPkts + flow.respPkts, flow.origWireBytes + flow.respWireBytes];
}

function keyOfFlow({ proto, origH, origP, respH, respP }: Flow): string {
  return keyOf(proto, `${origH} ${origP}`, `${respH} ${respP}`);
}

function keyOf(proto: string, ...ends: readonly [string, string]): string {
  return [proto, ...[...ends].sort()].join(" ");
}

async function readConversations({ file }: CorpusFile): Promise<Map<string, Sum>> {
  const rows = (await readCorpusText(`${file}.conv.tsv`)).trimEnd().split("\n").slice(1);
  return new Map(rows.map((row) => {
    const [proto, addressA, portA, addressB, portB, packets, bytes] = row.split("\t");
    const key = keyOf(proto, `${addressA} ${portA}`, `${addressB} ${portB}`);
    return [key, { packets: Number(packets), bytes: Number(bytes) }];
  }));
}

/** "file, conversation, ours, tshark's" of each that is not the same. */
function differences(
  file: string,
  ours: ReadonlyMap<string, Sum>,
  theirs: ReadonlyMap<string, Sum>,
): string[] {
  const none: Sum = { packets: 0, bytes: 0 };
  const keys = new Set([...ours.keys(), ...theirs.keys()]);
  return [...keys].sort().flatMap((key) => {
    const own = ours.get(key) ?? none;
    const their = theirs.get(key) ?? none;
    if (own.packets === their.packets && own.bytes === their.bytes) return [];
    return [`${file}\t${key}\t${own.packets}/${own.bytes}\t${their.packets}/${their.bytes}`];
  });
}

function checkAgainstList(found: readonly string[]): void {
  const listed = new Set<string>();
  for (const line of Deno.readTextFileSync(LIST).trimEnd().split("\n").slice(1)) {
    const cells = line.split("\t");
    ok(cells.length === 5 && cells[4] !== "", `a difference needs a reason: ${line}`);
    listed.add(cells.slice(0, 4).join("\t"));
  }
  const unlisted = found.filter((difference) => !listed.has(difference));
  const vanished = [...listed].filter((difference) => !found.includes(difference));
  deepStrictEqual({ unlisted, vanished }, { unlisted: [], vanished: [] });
}
