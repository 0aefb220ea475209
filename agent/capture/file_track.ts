/**
 * Where to begin in a file of the ring: files are read from some place in their middle once they have been read before. A place
 * every few megabytes is remembered, with the latest time before it; packets are only nearly in order.
 */
import type { PacketBatch } from "../records.ts";
import { fileHeaderLength, recordHeaderLength } from "./pcap_records.ts";
import type { ByteInput } from "./plain_source.ts";

interface Place {
  readonly offset: number;
  /** Latest packet before it. */
  readonly latestUs: number;
}

const placeBytes = 2e6;
const filesMax = 64;
/** By inode and first packet, because inodes are given out again. Of files that are gone the longest unread go first. */
const known = new Map<string, Place[]>();

export class FileTrack {
  readonly #places: Place[];
  #offset = fileHeaderLength;
  #latestUs = -Infinity;

  constructor({ inode, headerLength, firstUs, linktype }: {
    readonly inode: number | null;
    readonly headerLength: number;
    readonly firstUs: number;
    readonly linktype: number;
  }) {
    const key = [inode, firstUs, linktype].join();
    const isKnowable = inode !== null && headerLength === recordHeaderLength;
    this.#places = isKnowable ? known.get(key) ?? [] : [];
    if (!isKnowable) return;
    known.delete(key);
    known.set(key, this.#places);
    if (known.size > filesMax) known.delete(known.keys().next().value!);
  }

  /** The last known place before which all packets are earlier than `fromUs`. */
  seek(fromUs: number): number {
    const place = this.#places.findLast(({ latestUs }) => latestUs < fromUs);
    this.#offset = place?.offset ?? fileHeaderLength;
    this.#latestUs = place?.latestUs ?? -Infinity;
    return this.#offset;
  }

  /** The next records of the file have been read, each with a header of 16 bytes. */
  advance({ count, capturedLengths, timestampsUs }: PacketBatch): void {
    for (let row = 0; row < count; row++) {
      this.#offset += recordHeaderLength + capturedLengths[row];
      this.#latestUs = Math.max(this.#latestUs, timestampsUs[row]);
    }
    const last = this.#places.at(-1)?.offset ?? fileHeaderLength;
    if (this.#offset >= last + placeBytes) {
      this.#places.push({ offset: this.#offset, latestUs: this.#latestUs });
    }
  }
}

/** The file's header, then its records from `offset` on. It owns the handle. */
export function startAt(handle: Deno.FsFile, offset: number): ByteInput {
  let position = 0;
  return {
    async read(into) {
      if (position === fileHeaderLength) handle.seekSync(offset, Deno.SeekMode.Start);
      else if (position === 0) handle.seekSync(0, Deno.SeekMode.Start);
      const room = position < fileHeaderLength ? fileHeaderLength - position : into.length;
      const length = await handle.read(into.subarray(0, room));
      position += length ?? 0;
      return length;
    },
    close: () => handle.close(),
  };
}
