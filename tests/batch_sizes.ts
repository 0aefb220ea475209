/** The whole way of a capture, in one thread, as `analyze` goes it and as a replay does, in batches of any size. */
import { CaptureFileReader, captureMemoryBytes } from "../agent/capture/file_reader.ts";
import { indexPcapRecords, RecordWriter } from "../agent/capture/pcap_records.ts";
import { formatAddressWords } from "../agent/decode/addresses.ts";
import { Detection } from "../agent/detect/detection.ts";
import { Pipeline, type PipelineSinks } from "../agent/pipeline/pipeline.ts";
import {
  createPacketBatch,
  type Finding,
  type Flow,
  type PacketBatch,
  type StatsSecond,
} from "../agent/records.ts";

/** All that is told of a capture, in the order in which it is told. */
export interface Told {
  readonly findings: readonly Finding[];
  readonly flows: readonly Flow[];
  readonly seconds: readonly StatsSecond[];
  readonly observations: number;
  readonly totals: unknown;
}

export interface Sizes {
  /** Bytes of a file read at a time. */
  readonly chunkBytes: number;
  /** Packets of a batch. */
  readonly batchPackets: number;
  /** Words of observations that are waited for; at most so many words at a time. */
  readonly wordsMin?: number;
}

/** As `analyze` reads a file: in the memory of the hot path when `isInMemory`. */
export async function analyzeFile(
  path: string,
  { isInMemory, ...sizes }: Sizes & { readonly isInMemory: boolean },
): Promise<Told> {
  const way = new Way(sizes, isInMemory ? captureMemoryBytes : 0);
  const reader = await CaptureFileReader.open(path, {
    ...sizes,
    ...(isInMemory && { memory: way.pipeline.captureMemory }),
  });
  try {
    for (let batch; (batch = await reader.nextBatch()) !== null;) way.pipeline.process(batch);
  } finally {
    reader.close();
  }
  return way.finish();
}

/** As a replay plays it: in records of one link type, in buffers of so many bytes, indexed again. */
export async function replayFile(path: string, sizes: Sizes & { readonly bufferBytes: number }) {
  const way = new Way(sizes, 0);
  const reader = await CaptureFileReader.open(path);
  const indexed = createPacketBatch(sizes.batchPackets);
  let linktype = reader.info.linktypes[0] ?? 0;
  let writer = new RecordWriter(new ArrayBuffer(sizes.bufferBytes));
  const flush = () => {
    const { buffer, byteLength } = writer;
    const message = { buffer, byteLength, linktype, interfaceId: 0, isNanosecond: true };
    for (let at = 0; at < byteLength;) {
      at = indexPcapRecords(indexed, message, at);
      way.pipeline.process(indexed);
    }
    writer = new RecordWriter(new ArrayBuffer(sizes.bufferBytes));
  };
  try {
    for (let batch: PacketBatch | null; (batch = await reader.nextBatch()) !== null;) {
      for (let row = 0; row < batch.count; row++) {
        if (batch.linktypes[row] !== linktype) flush();
        linktype = batch.linktypes[row];
        if (writer.append(batch, row)) continue;
        flush();
        writer.append(batch, row);
      }
    }
    flush();
  } finally {
    reader.close();
  }
  return way.finish();
}

class Way {
  readonly pipeline: Pipeline;
  readonly #detection: Detection;
  readonly #findings: Finding[] = [];
  readonly #flows: Flow[] = [];
  readonly #seconds: StatsSecond[] = [];

  constructor({ wordsMin = 0 }: Sizes, captureBytes: number) {
    this.#detection = new Detection({
      isLive: false,
      formatAddress: formatAddressWords,
      model: null,
      anomalyQuantile: 0.995,
      seed: 1,
      note: () => {},
      onFinding: (finding) => this.#findings.push(finding),
    });
    const observations: PipelineSinks["observations"] = {
      wordsMin,
      exchange: (words, length) => {
        this.#detection.take(words, length);
        return words;
      },
    };
    this.pipeline = new Pipeline({
      flowCountMax: 10_000,
      captureBytes,
      rowPolicy: "none",
      observations,
      onFlow: (flow) => this.#flows.push({ ...flow, interfaceId: 0 }),
      onSecond: (second) => this.#seconds.push(second),
    });
  }

  finish(): Told {
    while (this.pipeline.finish(7));
    this.#detection.finish();
    const { pipeline } = this;
    return {
      findings: this.#findings,
      flows: this.#flows,
      seconds: this.#seconds,
      observations: this.#detection.state().observations,
      totals: [
        pipeline.packets,
        pipeline.bytes,
        pipeline.span,
        pipeline.protocolTotals(),
        pipeline.decodeStops(),
        pipeline.flowTotals(20),
      ],
    };
  }
}
