/**
 * What came of a login over SSH, from sizes and directions of what follows the key exchange; nothing is decrypted.
 *
 * A client asks for the service, then one authentication after the other, and waits for each answer (RFC 4252 section 5). The
 * end of an answer is what the client had received when it went on, so that neither the cut of segments nor their order in the
 * capture matters. Answers are told by size, against that of SSH_MSG_SERVICE_ACCEPT, which always has 17 bytes:
 *
 * - SSH_MSG_USERAUTH_SUCCESS has 1 byte. With padding to blocks of 8 or 16 bytes (RFC 4253 section 6) it is 16 bytes smaller
 *   whatever cipher and MAC were agreed on (or 8, see dropbearLess), and no other answer is: the shortest
 *   SSH_MSG_USERAUTH_FAILURE that names a method has 14 bytes.
 * - SSH_MSG_USERAUTH_FAILURE always has the same size, for the server always names the same methods. The first one may come
 *   with SSH_MSG_EXT_INFO (OpenSSH 10), and others with questions or keys that may be tried in between.
 *
 * What is none of this is not told: compression from the start, padding of any length.
 */

import { LoginOutcome } from "../records.ts";

export interface LoginVerdict {
  /** One of LoginOutcome. */
  readonly outcome: number;
  /** Refused tries. The question for the methods with which most clients begin is none, unless it was all. */
  readonly refused: number;
}

/** From SSH_MSG_SERVICE_ACCEPT to SSH_MSG_USERAUTH_SUCCESS. */
const successLess = 16;
/** The first with chacha20-poly1305@openssh.com, where Dropbear makes the second longer than it need be. */
const chachaAccept = 44;
const dropbearLess = 8;
/** Bytes of SSH_MSG_SERVICE_ACCEPT, with the smallest and the largest block and MAC. */
const acceptMin = 36;
const acceptMax = 112;
/** The request for the service, with the client's extensions before it, and a question for the methods behind it. */
const beginningMax = 512;
/** By how much a refusal is shorter at most: with one short method, blocks of 8 bytes and a length that is part of them. */
const refusalLess = 8;
/** By how much a refusal is longer at most than SSH_MSG_SERVICE_ACCEPT: with all methods that are in use. */
const refusalMore = 96;
/** Bytes of hostkeys-00@openssh.com with one key, at least; what is left of a refusal behind its first bytes is less. */
const hostKeysMin = 92;
/** After so many answers what there is is told. */
const answersMax = 64;
/** Segments of the server that are not known yet to be answers to what. */
const segmentsMax = 8;

export class SshLogin {
  /** Both directions: all before it has been seen. */
  #clientTop: number;
  #serverTop = -1;
  #requestStart: number;
  /** Where the answer in progress begins; -1 before the client's first encrypted byte. */
  #answerStart = -1;
  readonly #serverNewKeysEnd: number;
  /** Starts and ends of the server's segments. */
  readonly #segments: number[] = [];
  /** Bytes of SSH_MSG_SERVICE_ACCEPT; 0 while unknown, -1 when it cannot be known. */
  #accept = 0;
  /** Bytes of SSH_MSG_USERAUTH_SUCCESS, as they were seen. */
  #success = 0;
  /** Answers to authentications, and how many there are of each size. */
  #answers = 0;
  readonly #sizes = new Map<number, number>();
  #first = 0;
  /** Bytes of the client's first two requests, those behind the service; 0 while unknown. */
  #firstRequest = 0;
  #secondRequest = 0;
  /** Requests that are no longer than that for the service. */
  #shortRequests = 0;
  #last = 0;
  #beforeLast = 0;
  #isAccepted = false;
  #isSession = false;
  #hasTold = false;

  /** Offsets of the first encrypted bytes; the server's is -1 where it is not known. */
  constructor(clientStart: number, serverStart: number) {
    this.#clientTop = this.#requestStart = clientStart;
    this.#serverNewKeysEnd = serverStart;
  }

  /** A segment of the server, from the start of the connection on. */
  addServer(offset: number, length: number): void {
    const end = offset + length;
    if (end <= this.#serverTop) return;
    if (this.#segments.length === segmentsMax * 2) this.#segments.splice(0, 2);
    this.#segments.push(Math.max(offset, this.#serverTop), end);
    this.#serverTop = end;
  }

  /** A segment of the client behind its SSH_MSG_NEWKEYS, which had received the server's bytes up to `acknowledged`. */
  addClient(offset: number, length: number, acknowledged: number): void {
    const end = offset + length;
    if (end <= this.#clientTop) return;
    if (this.#answerStart < 0) {
      this.#answerStart = Math.max(acknowledged, this.#serverNewKeysEnd);
    } else if (acknowledged > this.#answerStart) this.#endAnswer(acknowledged);
    this.#clientTop = end;
  }

  /** Whether verdict() can be asked for already: nothing more is to be learnt, or much has come together. */
  get isDecided(): boolean {
    return this.#accept < 0 || this.#isSession || this.#answers >= answersMax;
  }

  /** The connection is over. */
  end(): void {
    if (this.#answerStart < 0 || this.#serverTop <= this.#answerStart) return;
    const isWorking = this.#isSession;
    this.#endAnswer(this.#serverTop);
    // What comes after a login may come unasked: that the client went on with it shows a session.
    this.#isSession = isWorking;
  }

  /** What is known so far; null when that is nothing. */
  verdict(): LoginVerdict | null {
    if (this.#answers === 0 || this.#accept < 0) return null;
    const [size, count] = this.#commonest();
    const refused = count + this.#firstRefusal(size);
    if (this.#isAccepted) {
      const outcome = this.#isSession ? LoginOutcome.session : LoginOutcome.accepted;
      return { outcome, refused: Math.max(0, refused) };
    }
    if (!this.#isRefusal(size, count)) return null;
    return { outcome: LoginOutcome.refused, refused: Math.max(1, refused) };
  }

  /** Whether there may be more tries after a verdict: goes on counting from here. */
  goOn(): boolean {
    if (this.#isAccepted || this.verdict() === null) return false;
    this.#sizes.clear();
    this.#answers = this.#shortRequests = 0;
    this.#hasTold = true;
    return true;
  }

  #endAnswer(end: number): void {
    const sizes = this.#takeSegments(this.#answerStart, end);
    const total = end - this.#answerStart;
    const request = this.#clientTop - this.#requestStart;
    this.#answerStart = end;
    this.#requestStart = this.#clientTop;
    if (this.#accept === 0) this.#takeAccept(request, sizes);
    else if (this.#isAccepted) this.#takeAfter(total);
    else {
      if (this.#answers === 0) this.#firstRequest = request;
      else if (this.#answers === 1) this.#secondRequest = request;
      if (request <= this.#accept) this.#shortRequests++;
      this.#takeAnswer(total, sizes);
    }
  }

  /** The answer to the request for the service: SSH_MSG_EXT_INFO may precede it, and a client may not have waited. */
  #takeAccept(request: number, sizes: readonly number[]): void {
    const accept = Math.min(...sizes);
    const isAccept = accept >= acceptMin && accept <= acceptMax && request <= beginningMax;
    this.#accept = isAccept ? accept : -1;
    const after = sizes.slice(sizes.indexOf(accept) + 1);
    if (isAccept && after.length > 0) {
      this.#takeAnswer(after.reduce((sum, size) => sum + size), after);
    }
  }

  #takeAnswer(total: number, sizes: readonly number[]): void {
    this.#answers++;
    this.#beforeLast = this.#last;
    this.#last = total;
    if (this.#answers === 1 && !this.#hasTold) this.#first = total;
    if (this.#isSuccess(total, sizes[0])) this.#isAccepted = true;
    else this.#sizes.set(total, (this.#sizes.get(total) ?? 0) + 1);
  }

  /** OpenSSH names its host keys behind it unasked, perhaps before the client goes on; a first answer may hold more by itself. */
  #isSuccess(total: number, first: number): boolean {
    const less = this.#accept - first;
    const isDropbear = less === dropbearLess && this.#accept === chachaAccept;
    if (less !== successLess && !isDropbear) return false;
    this.#success = first;
    if (total === first) return true;
    return this.#answers > 1 && total >= first + hostKeysMin && !this.#sizes.has(total);
  }

  /** What the server sent once the client had gone on after the login. */
  #takeAfter(total: number): void {
    if (total !== this.#success) {
      this.#isSession = true;
      return;
    }
    // A refusal that names no method, or what is typed in a session.
    this.#isAccepted = false;
    this.#accept = -1;
  }

  /**
   * What is to be added to the answers of the size of refusals: the first one, where it came with extensions, or is the answer
   * to the question for the methods, which is shorter than what follows it.
   */
  #firstRefusal(size: number): number {
    if (this.#hasTold) return 0;
    const isQuestion = this.#firstRequest < this.#secondRequest || this.#secondRequest === 0;
    if (isQuestion) return this.#first === size ? -1 : 0;
    return this.#first > size ? 1 : 0;
  }

  /** The size that most refusals have, the last answer's where there are several, and how many have it. */
  #commonest(): readonly [size: number, count: number] {
    let [size, count] = [this.#last, this.#sizes.get(this.#last) ?? 0];
    for (const [other, times] of this.#sizes) {
      if (times > count) [size, count] = [other, times];
    }
    return [size, count];
  }

  /**
   * Whether the answers look like refusals to the end: what is no refusal is the first answer, a question before a refusal, or
   * a farewell.
   */
  #isRefusal(size: number, count: number): boolean {
    if (this.#last !== size && this.#beforeLast !== size) return false;
    if (size < this.#accept - refusalLess) return false;
    if (size > this.#accept + refusalMore && size !== this.#first) {
      return false;
    }
    // All requests but the answers to questions are longer than that for the service; what is typed is not.
    if (this.#shortRequests > 2 * (this.#answers - this.#shortRequests)) return false;
    const others = this.#answers - count - (this.#first === size ? 0 : 1);
    return others <= count;
  }

  /** Sizes of the server's segments from `start` to `end`, or of all as one where not all of them are known. */
  #takeSegments(start: number, end: number): readonly number[] {
    const sizes: number[] = [];
    let known = 0;
    let taken = 0;
    for (; taken < this.#segments.length && this.#segments[taken] < end; taken += 2) {
      const from = this.#segments[taken];
      const to = this.#segments[taken + 1];
      if (to <= start) continue;
      sizes.push(to - from);
      if (from >= start && to <= end) known += to - from;
    }
    this.#segments.splice(0, taken);
    return known === end - start ? sizes : [end - start];
  }
}
