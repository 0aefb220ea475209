/**
 * Copies the packets of findings from the ring before they are overwritten, and goes on while the findings do. It reads
 * the ring's files as any reader does, so nobody waits for it.
 *
 * One pass reads the ring once for all findings that are followed, from where the slowest of them stands. Packets of the last
 * second before the ring's end wait for the next pass, because others that are earlier may still come; when no packet comes
 * any more they are taken too. Where each finding stands is in the names of its files, so a restart goes on there.
 *
 * Bounds: bytes of a finding (the first are kept, which tell most), bytes in all (the oldest files of the lowest severity make
 * room, never graver ones for a lesser), findings that are followed. What found no room is counted.
 */
import type { EvidenceOptions, KeptFinding } from "../messages.ts";
import { type EvidenceState, SEVERITIES, type StatusEntry } from "../records.ts";
import {
  type EvidenceFile,
  evidenceFolderName,
  evidenceName,
  listEvidence,
  partExtension,
} from "./evidence_files.ts";
import { exportPcap } from "./pcap_export.ts";
import { parsePcapHeader } from "./pcap_header.ts";
import {
  fileHeaderLength,
  pcapFileHeader,
  recordCapturedLengthMax,
  recordHeaderLength,
} from "./pcap_records.ts";
import { ifThere, messageOf } from "../errors.ts";
import { refuseForeignLink, writeAnew } from "../own_files.ts";

/** Tells of a packet which of the findings it belongs to, by their places in the list. */
type FindingSorter = (
  bytes: Uint8Array,
  offset: number,
  capturedLength: number,
  wireLength: number,
  linktype: number,
  found: (index: number) => void,
) => void;

interface EvidenceContext {
  note(severity: StatusEntry["severity"], text: string): void;
  makeSorter(findings: readonly KeptFinding[]): FindingSorter;
}

/** Packets that come later than others by more than this are not found. */
const disorderUs = 1e6;
/** Wanted bytes that one pass takes at most. */
const passBytesMax = 16e6;
/** A file that is smaller is made anew with what comes. */
const growBytes = 256 * 1024;
const followedMax = 256;
/** After so many passes without a new packet nothing earlier comes any more. */
const stillPassesMin = 2;

interface Followed {
  finding: KeptFinding;
  /** All before has been taken. */
  nextUs: number;
}

/** Records of one pass for one finding. Numbers, because objects would outlive their youth by thousands in each pass. */
interface Taken {
  /** What the export gave, for all findings. */
  readonly pieces: readonly Uint8Array[];
  /** Of each record four numbers: its piece, start and end in that, and its time in microseconds. */
  readonly places: number[];
}

const placeNumbers = 4;

export class EvidenceKeeper {
  readonly #options: EvidenceOptions;
  readonly #context: EvidenceContext;
  readonly #folder: string;
  readonly #followed = new Map<number, Followed>();
  /** Findings that have their share, as long as they go on. */
  readonly #full = new Set<number>();
  #files: EvidenceFile[] = [];
  #failure = "";
  #isHeld = false;
  #seenUs = -Infinity;
  /** Passes in a row that saw no new packet. */
  #stillPasses = 0;
  #packetsWritten = 0;
  #packetsLeftOut = 0;
  #filesRemoved = 0;

  constructor(options: EvidenceOptions, context: EvidenceContext) {
    this.#options = options;
    this.#context = context;
    this.#folder = `${options.folder}/${evidenceFolderName}`;
  }

  /** Takes up what an earlier run left. */
  start(): void {
    if (this.#options.bytesMax === 0) return;
    this.#attempt(() => {
      this.#makeFolder();
      for (const { name } of Deno.readDirSync(this.#folder)) {
        if (name.endsWith(partExtension)) Deno.removeSync(`${this.#folder}/${name}`);
      }
      this.#files = listEvidence(this.#options.folder);
      // A file that grew leaves the one that it grew from, when the end came in between.
      for (const file of [...this.#files]) {
        const isOlder = this.#files.some((other) =>
          other.findingId === file.findingId && other.fromUs === file.fromUs &&
          other.untilUs > file.untilUs
        );
        if (isOlder) this.#remove(file);
      }
      this.#makeRoom(0, "critical", null);
    });
  }

  /** A finding has opened, changed or ended. */
  take(finding: KeptFinding): void {
    if (this.#options.bytesMax === 0) return;
    const own = this.#ownFiles(finding.id);
    this.#attempt(() => this.#renameTo(finding, own));
    if (this.#full.has(finding.id)) {
      if (finding.lastUs !== null) this.#full.delete(finding.id);
      return;
    }
    const known = this.#followed.get(finding.id);
    const nextUs = known?.nextUs ??
      Math.max(finding.fromUs, ...own.map(({ untilUs }) => untilUs));
    if (finding.lastUs !== null && nextUs > finding.lastUs) {
      this.#followed.delete(finding.id);
      return;
    }
    this.#followed.set(finding.id, { finding, nextUs });
    if (this.#followed.size > followedMax) this.#followed.delete(this.#leastFollowed());
  }

  /** Nothing is written while the disk is nearly full. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
  }

  /** Whether a pass would look for something. */
  get isBusy(): boolean {
    return this.#followed.size > 0 && !this.#isHeld;
  }

  /** Copies what the ring has. `isLast` takes the last second too, because nothing comes any more. */
  async pass(isLast = false): Promise<void> {
    const followed = [...this.#followed.values()];
    if (followed.length === 0 || this.#isHeld) return;
    try {
      await this.#copy(followed, isLast);
      this.#failure = "";
    } catch (error) {
      this.#fail(error);
    }
  }

  get state(): EvidenceState {
    const { bytesMax } = this.#options;
    return {
      state: bytesMax === 0 ? "off" : this.#failure === "" ? "ok" : "failed",
      detail: this.#failure,
      path: this.#folder,
      files: this.#files.length,
      sizeBytes: this.#files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      bytesMax,
      findings: new Set(this.#files.map(({ findingId }) => findingId)).size,
      following: this.#followed.size,
      packetsWritten: this.#packetsWritten,
      packetsLeftOut: this.#packetsLeftOut,
      filesRemoved: this.#filesRemoved,
    };
  }

  async #copy(followed: readonly Followed[], isLast: boolean): Promise<void> {
    const sort = this.#context.makeSorter(followed.map(({ finding }) => finding));
    const before = this.#seenUs;
    let seenUs = -Infinity;
    const isOf = ({ finding, nextUs }: Followed, timestampUs: number) =>
      timestampUs >= nextUs && timestampUs <= (finding.lastUs ?? Infinity);
    const pieces: Uint8Array[] = [];
    const taken = followed.map((): Taken => ({ pieces, places: [] }));
    // Packets of some of the followed, in the order of the export: time, and where in `owners` the places of those end.
    const wantedUs: number[] = [];
    const ownersEnd: number[] = [];
    const owners: number[] = [];
    const firstUs = Math.min(...followed.map(({ nextUs }) => nextUs));
    const stream = exportPcap({
      folder: this.#options.folder,
      fromUs: firstUs,
      bytesMax: passBytesMax,
      isRingOnly: true,
      matches: (bytes, offset, capturedLength, wireLength, linktype, timestampUs) => {
        seenUs = Math.max(seenUs, timestampUs);
        const ownersStart = owners.length;
        sort(bytes, offset, capturedLength, wireLength, linktype, (index) => {
          if (isOf(followed[index]!, timestampUs)) owners.push(index);
        });
        if (owners.length === ownersStart) return false;
        wantedUs.push(timestampUs);
        ownersEnd.push(owners.length);
        return true;
      },
    });
    let linktype = -1;
    let length = fileHeaderLength;
    let at = 0;
    for await (const piece of stream) {
      if (linktype < 0) {
        linktype = parsePcapHeader(piece)!.linktype;
        continue;
      }
      length += piece.length;
      eachRecord(piece, (start, end, timestampUs) => {
        // What cannot be turned into the file's link type was left out.
        while (wantedUs[at] !== timestampUs) at++;
        for (let owner = ownersEnd[at - 1] ?? 0; owner < ownersEnd[at]!; owner++) {
          taken[owners[owner]!]!.places.push(pieces.length, start, end, timestampUs);
        }
        at++;
      });
      pieces.push(piece);
    }
    this.#stillPasses = seenUs > before ? 0 : this.#stillPasses + 1;
    this.#seenUs = Math.max(before, seenUs);
    const isAtRest = isLast || this.#stillPasses >= stillPassesMin;
    // A full pass has not looked beyond its last packet.
    const isFull = length > passBytesMax - recordCapturedLengthMax - recordHeaderLength;
    const endUs = isFull ? seenUs : isAtRest ? seenUs + 1 : seenUs - disorderUs;
    for (const [index, one] of followed.entries()) {
      const { lastUs, id } = one.finding;
      const untilUs = Math.min(lastUs === null ? Infinity : lastUs + 1, endUs);
      this.#keep(one, taken[index]!, { untilUs: Math.max(one.nextUs, untilUs), linktype });
      const isOver = lastUs !== null && (one.nextUs > lastUs || isAtRest && !isFull);
      if (isOver && this.#followed.get(id)?.finding === one.finding) this.#followed.delete(id);
    }
  }

  /** Writes what was taken before `untilUs`, and notes that all before has been taken. */
  #keep(
    one: Followed,
    { pieces, places }: Taken,
    { untilUs, linktype }: { readonly untilUs: number; readonly linktype: number },
  ): void {
    const { finding } = one;
    const own = this.#ownFiles(finding.id);
    let room = this.#options.findingBytesMax - own.reduce((sum, file) => sum + file.sizeBytes, 0) -
      fileHeaderLength;
    const kept: number[] = [];
    let bytes = 0;
    let leftOut = 0;
    for (let place = 0; place < places.length; place += placeNumbers) {
      const length = places[place + 2]! - places[place + 1]!;
      if (places[place + 3]! >= untilUs) continue;
      if (leftOut > 0 || length > room) leftOut++;
      else {
        kept.push(places[place]!, places[place + 1]!, places[place + 2]!, places[place + 3]!);
        bytes += length;
        room -= length;
      }
    }
    if (bytes > 0) {
      const records = joinRecords({ pieces, places: kept }, bytes);
      const count = kept.length / placeNumbers;
      const isWritten = this.#makeRoom(bytes + fileHeaderLength, finding.severity, finding.id) &&
        this.#write(finding, { records, fromUs: one.nextUs, untilUs, linktype });
      if (isWritten) this.#packetsWritten += count;
      else leftOut += count;
    }
    this.#packetsLeftOut += leftOut;
    const known = this.#followed.get(finding.id);
    one.nextUs = untilUs;
    if (known !== undefined) known.nextUs = untilUs;
    if (leftOut === 0) return;
    this.#followed.delete(finding.id);
    if (finding.lastUs === null) this.#full.add(finding.id);
  }

  /** Puts records behind the finding's last file while that is small, else into one of their own. */
  #write(
    { id: findingId, severity }: KeptFinding,
    { records, fromUs, untilUs, linktype }: {
      readonly records: Uint8Array;
      readonly fromUs: number;
      readonly untilUs: number;
      readonly linktype: number;
    },
  ): boolean {
    const last = this.#ownFiles(findingId).at(-1);
    const older = last !== undefined && last.sizeBytes < growBytes
      ? readOlder(last, linktype)
      : null;
    const head = older ?? pcapFileHeader(linktype, recordCapturedLengthMax, true);
    const start = older === null ? fromUs : last!.fromUs;
    const name = evidenceName({ findingId, severity, fromUs: start, untilUs });
    const path = `${this.#folder}/${name}`;
    const bytes = joinBytes([head, records]);
    this.#makeFolder();
    writeAnew(path + partExtension, bytes);
    Deno.renameSync(path + partExtension, path);
    if (older !== null && last!.path !== path) this.#remove(last!);
    this.#files = this.#files.filter((file) => file.path !== path);
    this.#files.push({
      path,
      findingId,
      severity,
      fromUs: start,
      untilUs,
      sizeBytes: bytes.length,
    });
    return true;
  }

  /** Removes the oldest files of the lowest severity until `bytes` fit; false when only graver ones are left, or its own. */
  #makeRoom(bytes: number, severity: KeptFinding["severity"], ownId: number | null): boolean {
    let size = this.#files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    while (size + bytes > this.#options.bytesMax) {
      const [victim] = this.#files.filter(({ findingId }) => findingId !== ownId).sort((a, b) =>
        rankOf(a.severity) - rankOf(b.severity) || a.untilUs - b.untilUs
      );
      if (victim === undefined || rankOf(victim.severity) > rankOf(severity)) return false;
      size -= victim.sizeBytes;
      this.#remove(victim);
      this.#filesRemoved++;
    }
    return true;
  }

  #remove(file: EvidenceFile): void {
    ifThere(() => Deno.removeSync(file.path));
    this.#files = this.#files.filter((other) => other !== file);
  }

  /** Gives the files of a finding that has become graver its new severity. */
  #renameTo({ severity }: KeptFinding, own: readonly EvidenceFile[]): void {
    for (const file of own) {
      if (rankOf(severity) <= rankOf(file.severity)) continue;
      const path = `${this.#folder}/${evidenceName({ ...file, severity })}`;
      Deno.renameSync(file.path, path);
      this.#files[this.#files.indexOf(file)] = { ...file, path, severity };
    }
  }

  /** Oldest first. */
  #ownFiles(findingId: number): EvidenceFile[] {
    return this.#files.filter((file) => file.findingId === findingId)
      .sort((a, b) => a.fromUs - b.fromUs);
  }

  #leastFollowed(): number {
    const [least] = [...this.#followed.values()].sort((a, b) =>
      rankOf(a.finding.severity) - rankOf(b.finding.severity) ||
      a.finding.fromUs - b.finding.fromUs
    );
    return least!.finding.id;
  }

  #makeFolder(): void {
    refuseForeignLink(this.#folder);
    Deno.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
  }

  #attempt(act: () => void): void {
    try {
      act();
      this.#failure = "";
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The next pass tries again. */
  #fail(error: unknown): void {
    const reason = messageOf(error);
    const text = `Cannot keep packets of findings in ${this.#folder}: ${reason}.`;
    if (this.#failure === "") this.#context.note("warning", text);
    this.#failure = text;
  }
}

function rankOf(severity: KeptFinding["severity"]): number {
  return SEVERITIES.indexOf(severity);
}

/** A file's bytes, if records of this link type can stand behind them. */
function readOlder({ path }: EvidenceFile, linktype: number): Uint8Array | null {
  const bytes = ifThere(() => Deno.readFileSync(path));
  const header = bytes && parsePcapHeader(bytes);
  return header?.linktype === linktype && header.isNanosecond ? bytes : null;
}

/** Calls `visit` for each record of nanoseconds: from, to, time in microseconds. */
function eachRecord(
  bytes: Uint8Array,
  visit: (start: number, end: number, timestampUs: number) => void,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + recordHeaderLength <= bytes.length;) {
    const end = at + recordHeaderLength + view.getUint32(at + 8, true);
    const timestampUs = view.getUint32(at, true) * 1e6 +
      Math.floor(view.getUint32(at + 4, true) / 1000);
    visit(at, end, timestampUs);
    at = end;
  }
}

function joinRecords({ pieces, places }: Taken, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  let at = 0;
  for (let place = 0; place < places.length; place += placeNumbers) {
    const record = pieces[places[place]!]!.subarray(places[place + 1], places[place + 2]);
    bytes.set(record, at);
    at += record.length;
  }
  return bytes;
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
