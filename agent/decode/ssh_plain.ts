/**
 * What one end of SSH sends in the clear: its banner and the binary packets of the key exchange, up to and with
 * SSH_MSG_NEWKEYS, behind which all is encrypted (RFC 4253 sections 4.2, 6 and 7.3). Segments may be cut anywhere, and come in
 * any order and more than once. Where bytes were not captured, the next segment that begins with a packet leads on.
 */

/** A segment of a direction; `offset` counts from the start of its stream. */
export interface SshSegment {
  readonly offset: number;
  /** Bytes of it on the wire, of which `captured` has the first ones. */
  readonly length: number;
  readonly captured: Uint8Array;
  /** What the sender had received when it sent this, as an offset of the other direction. */
  readonly acknowledged: number;
}

/** Length, length of the padding, number of the message. */
const headerLength = 6;
/** RFC 4253 section 6.1 asks for 35,000 to be taken. */
const packetLengthMax = 35_000;
/** A key exchange that takes more is none. */
const plainMax = 128 * 1024;
const heldMax = 16;
const heldBytesMax = 16 * 1024;
/** RFC 4253 section 4.2. */
const bannerMax = 255;
const bannerStart = [0x53, 0x53, 0x48, 0x2d];
const lineFeed = 0x0a;
const newKeys = 21;

const State = { line: 0, packet: 1, lost: 2, over: 3 } as const;

export class SshPlain {
  #state: number = State.line;
  /** Everything before it has been taken. */
  #position: number;
  /** Of the line in hand, how many bytes of "SSH-" it has begun with; -1 is another line. */
  #matched = 0;
  /** Where the packet in hand begins, and how much of its body is still to come. */
  #packetStart = 0;
  #skip = 0;
  /** The header in hand, of which so many bytes are there; where it is not whole in one segment. */
  #header: Uint8Array | null = null;
  #headerFilled = 0;
  #end = -1;
  readonly #held: SshSegment[] = [];
  #last: SshSegment | null = null;

  /** `offset` of the first segment: one above 0 is inside the banner. */
  constructor(offset = 0) {
    this.#position = Math.max(0, offset);
    if (offset > bannerMax) this.#state = State.lost;
    else if (offset > 0) this.#matched = bannerStart.length;
  }

  /** Offset of the first encrypted byte; -1 while it is not known. */
  get end(): number {
    return this.#end;
  }

  /** Nothing more will be found. */
  get isOver(): boolean {
    return this.#state === State.over;
  }

  /** Once the end is known: the segment that has it, and those behind it that had come before. */
  get ending(): readonly SshSegment[] {
    return this.#last === null ? [] : [this.#last, ...this.#held];
  }

  /** Takes a segment; its bytes are copied if they have to wait. */
  add(segment: SshSegment): void {
    if (this.#state === State.over) return;
    if (segment.offset > this.#position && this.#state !== State.lost) return this.#hold(segment);
    this.#take(segment);
    while (this.#state !== State.over && this.#held.length > 0) {
      if (this.#held[0].offset > this.#position) break;
      this.#take(this.#held.shift()!);
    }
    if (this.#position > plainMax) this.#state = State.over;
  }

  /** What is missing was not captured, and will not come. */
  giveUp(): void {
    if (this.#state === State.over) return;
    this.#state = State.lost;
    for (const each of this.#held.splice(0)) {
      if (this.#end < 0) this.add(each);
      else this.#held.push(each);
    }
  }

  #hold(segment: SshSegment): void {
    const held = this.#held;
    const bytes = held.reduce((sum, { captured }) => sum + captured.length, 0);
    if (held.length >= heldMax || bytes + segment.captured.length > heldBytesMax) {
      this.giveUp();
      return this.add(segment);
    }
    const later = held.findIndex(({ offset }) => offset > segment.offset);
    const copy = { ...segment, captured: segment.captured.slice() };
    held.splice(later < 0 ? held.length : later, 0, copy);
  }

  #take(segment: SshSegment): void {
    const { offset, length, captured } = segment;
    let at = Math.max(0, this.#position - offset);
    if (at >= length) return;
    this.#position = offset + length;
    if (this.#state === State.lost) this.#resume(offset + at, captured, at);
    while (at < length && this.#isFollowed) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, length - at);
        this.#skip -= step;
        at += step;
      } else if (at >= captured.length) this.#state = State.lost;
      else if (this.#state === State.line) at = this.#takeLine(captured, at);
      else at = this.#takeHeader(captured, at, offset);
    }
    if (this.#end >= 0) this.#last = segment;
  }

  get #isFollowed(): boolean {
    return this.#state === State.line || this.#state === State.packet;
  }

  /** Goes on where a segment begins with a packet. */
  #resume(start: number, captured: Uint8Array, at: number): void {
    if (!isHeader(captured, at)) return;
    this.#state = State.packet;
    this.#packetStart = start;
    this.#skip = 0;
    this.#headerFilled = 0;
  }

  #takeLine(captured: Uint8Array, from: number): number {
    if (this.#matched === bannerStart.length || this.#isBanner(captured, from)) {
      const lineEnd = captured.indexOf(lineFeed, from);
      this.#matched = lineEnd < 0 ? bannerStart.length : 0;
      if (lineEnd >= 0) this.#state = State.packet;
      return lineEnd < 0 ? captured.length : lineEnd + 1;
    }
    for (let at = from; at < captured.length; at++) {
      const byte = captured[at];
      if (byte === lineFeed) {
        if (this.#matched === bannerStart.length) this.#state = State.packet;
        this.#matched = 0;
        return at + 1;
      }
      if (this.#matched < 0 || this.#matched === bannerStart.length) continue;
      this.#matched = byte === bannerStart[this.#matched] ? this.#matched + 1 : -1;
    }
    return captured.length;
  }

  /** Whether the line begins here, and with all of "SSH-". */
  #isBanner(captured: Uint8Array, at: number): boolean {
    return this.#matched === 0 && bannerStart.every((byte, index) => captured[at + index] === byte);
  }

  #takeHeader(captured: Uint8Array, from: number, offset: number): number {
    if (this.#headerFilled === 0) this.#packetStart = offset + from;
    if (this.#headerFilled === 0 && from + headerLength <= captured.length) {
      this.#readHeader(captured, from);
      return from + headerLength;
    }
    const header = this.#header ??= new Uint8Array(headerLength);
    let at = from;
    while (this.#headerFilled < headerLength && at < captured.length) {
      header[this.#headerFilled++] = captured[at++];
    }
    if (this.#headerFilled < headerLength) return at;
    this.#headerFilled = 0;
    this.#readHeader(header, 0);
    return at;
  }

  #readHeader(bytes: Uint8Array, at: number): void {
    if (!isHeader(bytes, at)) {
      this.#state = State.lost;
      return;
    }
    const whole = 4 + packetLength(bytes, at);
    this.#skip = whole - headerLength;
    if (bytes[at + 5] !== newKeys) return;
    this.#end = this.#packetStart + whole;
    this.#state = State.over;
  }
}

/** Whether the header of a packet of the key exchange is there: RFC 4253 sections 6 and 12, transport layer alone. */
function isHeader(bytes: Uint8Array, at: number): boolean {
  if (at + headerLength > bytes.length) return false;
  const length = packetLength(bytes, at);
  const padding = bytes[at + 4];
  const message = bytes[at + 5];
  if (length < 12 || length > packetLengthMax || padding < 4 || padding + 2 > length) return false;
  return message > 0 && message <= 4 || message >= 20 && message < 50;
}

function packetLength(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3]) >>> 0;
}
