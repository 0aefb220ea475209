/**
 * What waits for the hub, on disk in `fleet.db`: batches that were frozen before they were first sent, each with the numbers of its
 * rows in an epoch, which is a new one with each start: of a disk that was copied or set back no two give the same numbers to other
 * rows, and what waited at that time has the same in all. A batch is deleted when the hub has said that it is committed, and only then: the engine's acknowledgement proves nothing,
 * for an engine can lose its disk. What is proven lost is sent again under another generation, because the engine remembers the ids
 * of messages that it no longer has; what may have arrived keeps its id.
 *
 * Each change is a transaction that is on the disk before it counts: a number that was sent is never given to other rows, not even
 * after a loss of power.
 */
import type { DatabaseSync } from "node:sqlite";
import { Database } from "../store/database.ts";
import { Transactor } from "../store/transactor.ts";
import { randomId } from "./base32.ts";
import { type Channel, CHANNELS, type CommitNotice } from "./streams.ts";
import { CHANNEL_OF, encodeBatch, restampBatch, type Rows } from "./wire.ts";

/** A batch as it is sent. */
export interface SpooledBatch {
  readonly id: number;
  readonly channel: Channel;
  readonly epoch: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly madeUs: number;
  readonly generation: number;
  readonly body: Uint8Array;
}

/** Where in `packet_logs.db` the spool goes on: what tells that database from others, and rows of its feed. */
export interface FeedPlace {
  readonly database: number;
  readonly flowsId: number;
  /** Flows in the feed up to there. */
  readonly flows: number;
  readonly findingsId: number;
}

export interface ChannelCounts {
  readonly spooled: number;
  readonly committed: number;
  readonly givenUp: number;
}

export interface SpoolState {
  readonly batches: number;
  readonly bytes: number;
  /** When the oldest batch was made; null without any. */
  readonly oldestUs: number | null;
  readonly counts: Readonly<Record<Channel, ChannelCounts>>;
  /** Batches that were sent again after proven loss. */
  readonly resent: number;
}

const noPlace: FeedPlace = { database: 0, flowsId: 0, flows: 0, findingsId: 0 };
/** A batch that was lost so often will not arrive: it is given up, and counted. */
const generationMax = 20;
/** Batches that one notice may prove lost. */
const lostAtOnceMax = 1000;
const vacuumPages = 1000;

export class Spool {
  readonly #database: DatabaseSync;
  readonly #agent: string;
  readonly #work: Transactor;
  #epoch = "";
  #bytes = 0;
  #batches = 0;
  #resent = 0;
  /** Rows of the state, as they are on disk. */
  #state = new Map<string, string>();

  /** Opens or makes the file. Of another agent's it begins anew, with all that waits. Throws Error. */
  constructor(path: string, agent: string) {
    this.#agent = agent;
    this.#database = new Database(path, { timeout: 1000 });
    this.#work = new Transactor(this.#database, path, () => this.#load());
    try {
      this.#database.exec("PRAGMA auto_vacuum = INCREMENTAL");
      this.#database.exec("PRAGMA journal_mode = WAL");
      this.#database.exec("PRAGMA synchronous = FULL");
      this.#database.exec(`
        CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS batches (
          id INTEGER PRIMARY KEY,
          channel TEXT NOT NULL,
          epoch TEXT NOT NULL,
          first_seq INTEGER NOT NULL,
          last_seq INTEGER NOT NULL,
          made_us INTEGER NOT NULL,
          generation INTEGER NOT NULL,
          stream_seq INTEGER,
          body BLOB NOT NULL,
          UNIQUE (channel, epoch, first_seq)
        ) STRICT;
        CREATE INDEX IF NOT EXISTS batches_waiting ON batches(channel, id) WHERE stream_seq IS NULL;
        CREATE INDEX IF NOT EXISTS batches_channel ON batches(channel, id);`);
      this.#load();
      this.#work.transact(() => {
        this.#takeOutbox();
        if (this.#get("agent") === agent) this.startEpoch();
        else this.#begin(true);
      });
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  get agent(): string {
    return this.#agent;
  }

  /** Of what is frozen from now on. */
  get epoch(): string {
    return this.#epoch;
  }

  /** Those of which something waits, and the present one, which is the last. */
  get epochs(): string[] {
    const waiting = this.#database.prepare("SELECT DISTINCT epoch FROM batches WHERE epoch <> ?")
      .all(this.#epoch);
    return [...waiting.map(({ epoch }) => String(epoch)), this.#epoch];
  }

  get place(): FeedPlace {
    const text = this.#get("place");
    return text === "" ? noPlace : JSON.parse(text);
  }

  /**
   * Freezes rows to batches and moves the place, in one transaction. Rows of findings may be spooled before flows that are older.
   * `givenUp` flows are those that were gone before they could be read.
   */
  put(
    rows: readonly Rows[],
    { place, nowUs, givenUp = 0 }: {
      readonly place: FeedPlace;
      readonly nowUs: number;
      readonly givenUp?: number;
    },
  ): void {
    this.#work.transact(() => {
      for (const batch of rows) this.#freeze(batch, nowUs);
      this.#set("place", JSON.stringify(place));
      this.#add("given_up_flows", givenUp);
    });
  }

  #freeze(batch: Rows, nowUs: number): void {
    const channel = CHANNEL_OF[batch.kind]!;
    const firstSeq = this.nextSeq(channel);
    const lastSeq = firstSeq + batch.rows.length - 1;
    const body = encodeBatch(batch, { epoch: this.#epoch, firstSeq, madeUs: nowUs });
    this.#database.prepare(
      `INSERT INTO batches(channel, epoch, first_seq, last_seq, made_us, generation, body)
       VALUES (?, ?, ?, ?, ?, 0, ?)`,
    ).run(channel, this.#epoch, firstSeq, lastSeq, Math.trunc(nowUs), body);
    this.#set(`next_${channel}`, String(lastSeq + 1));
    this.#add(`spooled_${channel}`, batch.rows.length);
    this.#bytes += body.length;
    this.#batches++;
  }

  /** Number of the next row. */
  nextSeq(channel: Channel): number {
    return Number(this.#get(`next_${channel}`) || 1);
  }

  /** Below it nothing is still to come: of the oldest batch, or else of the next row; 0 where that is not known any more. */
  base(channel: Channel, epoch = this.#epoch): number {
    const row = this.#database.prepare(
      "SELECT min(first_seq) AS seq FROM batches WHERE channel = ? AND epoch = ?",
    ).get(channel, epoch);
    return Number(row?.seq ?? (epoch === this.#epoch ? this.nextSeq(channel) : 0));
  }

  /** `SpooledBatch.id` of those that the engine is not known to have, the oldest first. */
  waiting(channel: Channel, limit: number): number[] {
    return this.#database.prepare(
      "SELECT id FROM batches WHERE channel = ? AND stream_seq IS NULL ORDER BY id LIMIT ?",
    ).all(channel, limit).map(({ id }) => Number(id));
  }

  /** Null when it is no longer there. */
  batch(id: number): SpooledBatch | null {
    const row = this.#database.prepare("SELECT * FROM batches WHERE id = ?").get(id);
    if (row === undefined) return null;
    return {
      id,
      channel: row.channel as Channel,
      epoch: String(row.epoch),
      firstSeq: Number(row.first_seq),
      lastSeq: Number(row.last_seq),
      madeUs: Number(row.made_us),
      generation: Number(row.generation),
      body: row.body as Uint8Array,
    };
  }

  /** The engine has them, under these numbers of its stream: that alone deletes nothing. */
  stored(
    acknowledged: readonly { readonly batch: SpooledBatch; readonly streamSeq: number }[],
  ): void {
    if (acknowledged.length === 0) return;
    const update = this.#database.prepare(
      "UPDATE batches SET stream_seq = ? WHERE id = ? AND epoch = ? AND generation = ?",
    );
    this.#work.transact(() => {
      for (const { batch, streamSeq } of acknowledged) {
        update.run(streamSeq, batch.id, batch.epoch, batch.generation);
      }
    });
  }

  /** Heeds what the hub says. */
  heed(notice: CommitNotice): void {
    const { channel, epoch, through, created } = notice;
    // The hub has more of it than was ever made: another goes on with this epoch, as after a machine was copied while it ran.
    if (epoch === this.#epoch && through >= this.nextSeq(channel)) {
      return this.#work.transact(() => this.#begin(true));
    }
    this.#work.transact(() => {
      this.#delete("committed", channel, "epoch = ? AND last_seq <= ?", epoch, through);
      if (this.#get(`created_${channel}`) !== created) {
        this.#set(`created_${channel}`, created);
        this.#resendAll(channel);
      } else this.#resendLost(notice);
    });
    this.#shrink();
  }

  /** What was in a stream that is no more. */
  #resendAll(channel: Channel): void {
    for (
      const { id, generation } of this.#database.prepare(
        "SELECT id, generation FROM batches WHERE channel = ? AND stream_seq IS NOT NULL",
      ).all(channel)
    ) this.resend(Number(id), Number(generation) + 1);
  }

  /**
   * The oldest batches, when the hub is done with all up to their place in the stream and has not committed them. Behind one of which
   * that cannot be said nothing is proven: it may be committed already.
   */
  #resendLost({ channel, epoch, floor }: CommitNotice): void {
    const oldest = this.#database.prepare(
      `SELECT id, generation, stream_seq FROM batches WHERE channel = ? AND epoch = ?
       ORDER BY first_seq LIMIT ?`,
    ).all(channel, epoch, lostAtOnceMax);
    for (const { id, generation, stream_seq } of oldest) {
      if (stream_seq === null || Number(stream_seq) > floor) return;
      if (Number(generation) < generationMax) this.resend(Number(id), Number(generation) + 1);
      else this.#delete("given_up", channel, "id = ?", Number(id));
    }
  }

  protected resend(id: number, generation: number): void {
    this.#database.prepare(
      "UPDATE batches SET generation = ?, stream_seq = NULL WHERE id = ?",
    ).run(generation, id);
    this.#resent++;
  }

  /** Deletes the oldest flows while there are more bytes, and findings when no flows are left. Returns how many rows went. */
  limit(bytesMax: number): number {
    let rows = 0;
    for (const channel of CHANNELS) {
      while (this.#bytes > bytesMax) {
        let excess = this.#bytes - bytesMax;
        const oldest = this.#database.prepare(
          "SELECT id, length(body) AS bytes FROM batches WHERE channel = ? ORDER BY id LIMIT 100",
        ).all(channel);
        const last = oldest.find(({ bytes }) => (excess -= Number(bytes)) <= 0) ?? oldest.at(-1);
        if (last === undefined) break;
        this.#work.transact(() => {
          rows += this.#delete("given_up", channel, "id <= ?", Number(last.id));
        });
      }
    }
    if (rows > 0) this.#shrink();
    return rows;
  }

  get state(): SpoolState {
    const oldest = this.#database.prepare("SELECT made_us FROM batches ORDER BY id LIMIT 1").get();
    const countsOf = (channel: Channel) => ({
      spooled: Number(this.#get(`spooled_${channel}`)),
      committed: Number(this.#get(`committed_${channel}`)),
      givenUp: Number(this.#get(`given_up_${channel}`)),
    });
    return {
      batches: this.#batches,
      bytes: this.#bytes,
      oldestUs: oldest === undefined ? null : Number(oldest.made_us),
      counts: { flows: countsOf("flows"), findings: countsOf("findings") },
      resent: this.#resent,
    };
  }

  /** Deletes batches and counts their rows; returns how many. Inside a transaction. */
  #delete(
    count: "committed" | "given_up",
    channel: Channel,
    condition: string,
    ...values: (string | number)[]
  ): number {
    const deleted = this.#database.prepare(
      `DELETE FROM batches WHERE channel = ? AND ${condition}
       RETURNING last_seq - first_seq + 1 AS rows, length(body) AS bytes`,
    ).all(channel, ...values);
    let rows = 0;
    for (const row of deleted) {
      rows += Number(row.rows);
      this.#bytes -= Number(row.bytes);
    }
    this.#batches -= deleted.length;
    this.#add(`${count}_${channel}`, rows);
    return rows;
  }

  /** Each start is an epoch of its own. Inside a transaction. */
  protected startEpoch(): void {
    this.#begin(false);
  }

  /** A new epoch; what waits keeps its own, or is numbered anew as if it had never been sent. Inside a transaction. */
  #begin(isAllAnew: boolean): void {
    this.#epoch = randomId();
    this.#set("epoch", this.#epoch);
    this.#set("agent", this.#agent);
    for (const channel of CHANNELS) {
      this.#set(`next_${channel}`, "1");
      if (isAllAnew) this.#renumber(channel);
    }
  }

  #renumber(channel: Channel): void {
    this.#set(`created_${channel}`, "");
    let next = 1;
    const rows = this.#database.prepare(
      "SELECT id, first_seq, last_seq, body FROM batches WHERE channel = ? ORDER BY id",
    ).all(channel);
    const update = this.#database.prepare(
      `UPDATE batches SET epoch = ?, first_seq = ?, last_seq = ?, generation = 0, stream_seq = NULL, body = ?
       WHERE id = ?`,
    );
    for (const { id, first_seq, last_seq, body } of rows) {
      const last = next + Number(last_seq) - Number(first_seq);
      restampBatch(body as Uint8Array, { epoch: this.#epoch, firstSeq: next });
      update.run(this.#epoch, next, last, body!, id!);
      next = last + 1;
    }
    this.#set(`next_${channel}`, String(next));
  }

  /** What waits in a file of before epochs were told apart. */
  #takeOutbox(): void {
    const has = this.#database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'outbox'");
    if (has.get() === undefined) return;
    this.#database.prepare(
      `INSERT INTO batches SELECT id, channel, ?, first_seq, last_seq, made_us, generation, stream_seq, body
       FROM outbox ORDER BY id`,
    ).run(this.#epoch);
    this.#database.exec("DROP TABLE outbox");
  }

  /** Gives room back that an outage took. */
  #shrink(): void {
    const { freelist_count } = this.#database.prepare("PRAGMA freelist_count").get()!;
    if (Number(freelist_count) < 2 * vacuumPages) return;
    this.#database.prepare(`PRAGMA incremental_vacuum(${vacuumPages})`).all();
  }

  #load(): void {
    this.#state = new Map(
      this.#database.prepare("SELECT key, value FROM state").all()
        .map(({ key, value }) => [String(key), String(value)]),
    );
    this.#epoch = this.#get("epoch");
    const { batches, bytes } = this.#database.prepare(
      "SELECT count(*) AS batches, coalesce(sum(length(body)), 0) AS bytes FROM batches",
    ).get()!;
    this.#batches = Number(batches);
    this.#bytes = Number(bytes);
  }

  #get(key: string): string {
    return this.#state.get(key) ?? "";
  }

  #set(key: string, value: string): void {
    this.#database.prepare("INSERT OR REPLACE INTO state(key, value) VALUES (?, ?)")
      .run(key, value);
    this.#state.set(key, value);
  }

  #add(key: string, amount: number): void {
    if (amount !== 0) this.#set(key, String(Number(this.#get(key)) + amount));
  }
}
