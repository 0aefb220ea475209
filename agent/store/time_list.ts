/**
 * One page of a list that is ordered by time, newest first, in bounded work: a page looks at no more than
 * `rowsLookedAtMax` rows (`rowsLookedUpMax` of an address, `rowsSortedMax` in another order). A page that finds less than it was asked for still has a cursor when older rows remain, and
 * the next page goes on from there.
 *
 * Rows that begin before the range ends and end after it come first, from an index of their own (flow_spans.ts).
 *
 * The bound is a place in the time index, found by stepping over that many entries of the index alone (about 10 ns
 * each); the rows between it and the cursor are then read through the same index, without a sort.
 */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import {
  decodeSortedCursor,
  decodeTimeCursor,
  encodeSortedCursor,
  encodeTimeCursor,
  type TimeListName,
  type TimePlace,
} from "./cursor.ts";

import type { Lookup } from "./lookup.ts";

/** Rows that one page may look at: about 50 ms. */
export const rowsLookedAtMax = 50_000;
/** The same in another order than that of time, which has to look at all of them. */
const rowsSortedMax = 25_000;
/** The same of one address: its rows lie here and there in the file, and take five times as long each. */
export const rowsLookedUpMax = 10_000;
/** Entries of an index that one page may read of each span without a look at their rows: some 5 ms. */
const entriesReadMax = 500_000;
/** Rows in one page. */
export const pageRowsMax = 1000;
/** Rows that are counted. */
export const countMax = 10_000;
const pageRowsDefault = 100;

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Give it back for the next page; null when there is none. */
  readonly nextCursor: string | null;
  /** In another order than that of time: how many, the newest, were sorted, when there are others. */
  readonly sortedNewest?: number;
}

/** How many rows a list has, as far as a page of it may look; `isMore` when there are, or may be, others. */
export interface Count {
  readonly count: number;
  readonly isMore: boolean;
}

/** SQL with its parameters, in the order of its question marks. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
}

/** Which rows last how long at most. */
interface Span {
  readonly sql: string;
  readonly longestUs: number;
}
/** Rows that last from one time to another, by which the list is ordered; see flow_spans.ts. */
export interface Lasting {
  /** Column of the earlier time. */
  readonly start: string;
  readonly longestUs: number;
  /** Each row is in one of these; those that are not short are in an index by span, end and start. */
  readonly short: Span;
  readonly spans: readonly Span[];
}

/** A way to some of the rows. */
interface Branch {
  /** What an index answers, and the bounds of the time, as in TimeListQuery. */
  readonly own: readonly Condition[];
  readonly fromUs: number | null;
  readonly toUs: number | null;
  /** What the index tells, too, of all its entries between the bounds. */
  readonly told?: Condition;
  /** What is looked at rows for, … */
  readonly conditions: readonly Condition[];
  /** … and at how many. */
  readonly most: number;
}

export interface TimeListQuery {
  readonly list: TimeListName;
  /** Column that the list is ordered by; an index begins with it. */
  readonly time: string;
  /** Bounds of `time`, the lower one included, the upper one not. */
  readonly fromUs: number | null;
  readonly toUs: number | null;
  /** Rows that end after `toUs` and began before it belong to the range, too. */
  readonly lasting?: Lasting;
  /** Walk only the rows of these addresses, through an index on (column, time) for each of the columns. */
  readonly lookup?: Lookup;
  /** Rows that a page may look at, if fewer. */
  readonly lookedAtMax?: number | undefined;
  /** What rows must fulfil besides; each row between the bounds is looked at. */
  readonly conditions: readonly Condition[];
  /** The order of the newest rows that a page looks at, if not that of time; `sql` gives whole numbers. */
  readonly order?: {
    readonly name: string;
    readonly sql: string;
    readonly isAscending: boolean;
  };
  readonly limit: number | undefined;
  readonly cursor: string | undefined;
}

/** Throws RangeError for a limit or cursor that is none. */
export function readTimeList<Row>(database: DatabaseSync | null, query: TimeListQuery): Page<Row> {
  if (query.order !== undefined) return readSortedList(database, query, query.order);
  const limit = checkLimit(query.limit);
  const start = query.cursor === undefined ? null : decodeTimeCursor(query.list, query.cursor);
  if (database === null) return { rows: [], nextCursor: null };
  const branches = branchesOf(database, query);
  const floor = findFloor(database, query, branches.filter(isSearched), { start });
  const rows = readBranches(database, query, {
    branches,
    places: { start, floor },
    limit,
    order: timeOrder(query),
  });
  const last = rows.length === limit ? placeOf(rows.at(-1)!, query.time) : floor;
  return {
    rows: rows as unknown as Row[],
    nextCursor: last === null ? null : encodeTimeCursor(query.list, last),
  };
}

/**
 * In another order than that of time, among the newest rows of the range only. Where those end is kept in the cursor, so that
 * rows that come in later change nothing.
 */
function readSortedList<Row>(
  database: DatabaseSync | null,
  query: TimeListQuery,
  { name, sql, isAscending }: NonNullable<TimeListQuery["order"]>,
): Page<Row> {
  const limit = checkLimit(query.limit);
  const order = `${query.list}-${name}-${isAscending ? "up" : "down"}`;
  const start = query.cursor === undefined ? null : decodeSortedCursor(order, query.cursor);
  if (database === null) return { rows: [], nextCursor: null };
  const branches = branchesOf(database, query);
  const newest = start?.newest ?? newestPlace(database, query);
  if (newest === null) return { rows: [], nextCursor: null };
  const floor = findFloor(database, query, branches, { newest });
  const sign = isAscending ? ">" : "<";
  const rows = readBranches(database, query, {
    branches,
    places: { newest, floor },
    after: start && {
      sql: `(${sql} ${sign} ? OR (${sql} = ? AND id < ?))`,
      parameters: [start.value, start.value, start.id],
    },
    limit,
    order: `ORDER BY ${sql} ${isAscending ? "ASC" : "DESC"}, id DESC`,
  });
  const last = rows.length === limit ? Number(rows.at(-1)!.id) : null;
  return {
    rows: rows as unknown as Row[],
    nextCursor: last === null ? null : encodeSortedCursor(order, {
      value: valueOf(database, query, sql, last),
      id: last,
      newest,
    }),
    ...(floor !== null && { sortedNewest: lookedAtMost(query) }),
  };
}

function newestPlace(database: DatabaseSync, query: TimeListQuery): TimePlace | null {
  const { time, fromUs, toUs, lasting } = query;
  const untilUs = toUs === null ? null : toUs + (lasting?.longestUs ?? 0);
  const { sql, parameters } = joinConditions(rangeConditions(time, { fromUs, toUs: untilUs }));
  const row = database.prepare(
    `SELECT ${query.time}, id FROM ${query.list} ${sql} ${timeOrder(query)} LIMIT 1`,
  ).get(...parameters);
  return row === undefined ? null : placeOf(row, query.time);
}

function valueOf(database: DatabaseSync, query: TimeListQuery, sql: string, id: number): number {
  const row = database.prepare(`SELECT ${sql} AS value FROM ${query.list} WHERE id = ?`).get(id);
  return Number(row?.value ?? 0);
}

export function countTimeList(database: DatabaseSync | null, query: TimeListQuery): Count {
  if (database === null) return { count: 0, isMore: false };
  const branches = branchesOf(database, query);
  const floor = findFloor(database, query, branches.filter(isSearched));
  let count = 0;
  for (const branch of branches) {
    const { sql, parameters } = whereOf(query, branch, { floor });
    const row = database.prepare(
      `SELECT count(*) AS n FROM (SELECT 1 FROM ${query.list} ${sql} LIMIT ${countMax + 1})`,
    ).get(...parameters);
    count += Number(row?.n ?? 0);
  }
  return { count: Math.min(count, countMax), isMore: floor !== null || count > countMax };
}

/**
 * All rows that fit among the newest `lookedAtMax` of the range, in no order, with some of their columns; and the time of the oldest
 * that was looked at, null when it was all. Of those that last beyond the range as many again are looked at.
 */
export function readNewest<Row>(
  database: DatabaseSync,
  query: TimeListQuery,
  columns: string,
): { readonly rows: readonly Row[]; readonly sinceUs: number | null } {
  const branches = branchesOf(database, query);
  const isBeyond = ({ fromUs }: Branch) => query.toUs !== null && fromUs === query.toUs;
  const rows: SqlRow[] = [];
  let sinceUs: number | null = null;
  for (const part of [branches.filter((one) => !isBeyond(one)), branches.filter(isBeyond)]) {
    const floor = findFloor(database, query, part);
    if (floor !== null && !part.some(isBeyond)) sinceUs = floor.tsUs;
    for (const branch of part) {
      const { sql, parameters } = whereOf(query, branch, { floor });
      rows.push(
        ...database.prepare(`SELECT ${columns} FROM ${query.list} ${sql}`).all(...parameters),
      );
    }
  }
  return { rows: rows as unknown as Row[], sinceUs };
}

function timeOrder({ time }: TimeListQuery): string {
  return `ORDER BY ${time} DESC, id DESC`;
}

/** The number of rows asked for. Throws RangeError unless it is a whole number from 1 to 1000. */
export function checkLimit(limit = pageRowsDefault): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= pageRowsMax) return limit;
  throw new RangeError(`Cannot list rows: limit must be from 1 to ${pageRowsMax}, got ${limit}`);
}

type SqlRow = Record<string, unknown>;

function branchesOf(database: DatabaseSync, query: TimeListQuery): readonly Branch[] {
  const { fromUs, toUs, lasting, lookup, conditions } = query;
  const most = lookedAtMost(query);
  const within = lookupBranches(query).map((own) => ({ own, fromUs, toUs, conditions, most }));
  if (!lasting || toUs === null) return within;
  const began = { sql: `${lasting.start} < ?`, parameters: [toUs] };
  const beyond = (longestUs: number) => ({
    fromUs: Math.max(toUs, fromUs ?? toUs),
    toUs: toUs + longestUs,
  });
  if (lookup) {
    const lookedUp = within.map((branch) => ({
      ...branch,
      ...beyond(lasting.longestUs),
      conditions: [began, ...conditions],
    }));
    if (findFloor(database, query, lookedUp) === null) return [...within, ...lookedUp];
  }
  const asked = lookup ? [lookupCondition(lookup), ...conditions] : conditions;
  const mostBeyond = query.lookedAtMax ?? (query.order ? rowsSortedMax : rowsLookedAtMax);
  const { short, spans } = lasting;
  return [
    ...within,
    {
      own: [{ sql: short.sql, parameters: [] }],
      ...beyond(short.longestUs),
      conditions: [began, ...asked],
      most: mostBeyond,
    },
    ...spans.map(({ sql, longestUs }) => ({
      own: [{ sql, parameters: [] }],
      ...beyond(longestUs),
      told: began,
      conditions: asked,
      most: Math.ceil(mostBeyond / spans.length),
    })),
  ];
}

/** Whether there are rows that may not fit, so that there must be a bound. */
function isSearched({ told, conditions }: Branch): boolean {
  return told !== undefined || conditions.length > 0;
}

/** A lookup of rows that are found by another index. */
function lookupCondition({ columns, values }: Lookup): Condition {
  const list = values.map(() => "?").join(", ");
  return {
    sql: `(${columns.map((column) => `+${column} IN (${list})`).join(" OR ")})`,
    parameters: columns.flatMap(() => values),
  };
}

/** A condition list for each column and value of the lookup, so that no row comes twice; one empty list without a lookup. */
function lookupBranches({ lookup }: TimeListQuery): Condition[][] {
  if (!lookup) return [[]];
  const { columns, values } = lookup;
  return columns.flatMap((column, index) =>
    values.map((value) => [
      { sql: `${column} = ?`, parameters: [value] },
      // The unary plus keeps the planner from the other column's index.
      ...columns.slice(0, index).map((earlier) => ({
        sql: `+${earlier} NOT IN (${values.map(() => "?").join(", ")})`,
        parameters: [...values],
      })),
    ])
  );
}

/** Places within the range: before `start`, up to `newest`, from `floor` on. */
interface Places {
  readonly start?: TimePlace | null;
  readonly newest?: TimePlace;
  readonly floor?: TimePlace | null;
}

/**
 * One lower and one upper bound of the time by itself, the narrowest: the planner takes but one of each to the index, and would walk
 * from the range's ends to a place that is told by (time, id) alone.
 */
function rangeConditions(
  time: string,
  { fromUs, toUs }: Pick<Branch, "fromUs" | "toUs">,
  { start, newest, floor }: Places = {},
): Condition[] {
  const bounds: Condition[] = [];
  const lowest = Math.max(floor?.tsUs ?? -Infinity, fromUs ?? -Infinity);
  if (lowest !== -Infinity) bounds.push({ sql: `${time} >= ?`, parameters: [lowest] });
  const highest = Math.min(
    (start ?? newest)?.tsUs ?? Infinity,
    toUs === null ? Infinity : toUs - 1,
  );
  if (highest !== Infinity) bounds.push({ sql: `${time} <= ?`, parameters: [highest] });
  const place = (sign: string, { tsUs, id }: TimePlace) =>
    bounds.push({ sql: `(${time}, id) ${sign} (?, ?)`, parameters: [tsUs, id] });
  if (start) place("<", start);
  if (newest) place("<=", newest);
  if (floor) place(">=", floor);
  return bounds;
}

function entriesMost({ lookedAtMax }: TimeListQuery): number {
  return lookedAtMax === undefined ? entriesReadMax : 10 * lookedAtMax;
}

/** Rows that a page may look at. */
function lookedAtMost({ lookedAtMax, lookup, order }: TimeListQuery): number {
  return lookedAtMax ?? (lookup ? rowsLookedUpMax : order ? rowsSortedMax : rowsLookedAtMax);
}

/** The last place that a page may look at; null when the list ends before. */
function findFloor(
  database: DatabaseSync,
  query: TimeListQuery,
  branches: readonly Branch[],
  places: Places = {},
): TimePlace | null {
  let floor: TimePlace | null = null;
  for (const { own: [indexed], told, most, ...range } of branches) {
    // An index that tells more does not end in the id: all of one moment are looked at.
    const id = told ? "0 AS id" : "id";
    const last = (bounds: Places, conditions: readonly Condition[], offset: number) => {
      const { sql, parameters } = joinConditions([
        ...indexed ? [indexed] : [],
        ...rangeConditions(query.time, range, bounds),
        ...conditions,
      ]);
      const row = database.prepare(
        `SELECT ${query.time}, ${id} FROM ${query.list} ${sql} ` +
          `ORDER BY ${query.time} DESC${told ? "" : ", id DESC"} LIMIT 1 OFFSET ${offset - 1}`,
      ).get(...parameters);
      return row === undefined ? null : placeOf(row, query.time);
    };
    const lastEntry = told ? last(places, [], entriesMost(query)) : null;
    const place = told
      ? last({ ...places, floor: lastEntry }, [told], most) ?? lastEntry
      : last(places, [], most);
    if (place !== null && (floor === null || isNewer(place, floor))) floor = place;
  }
  return floor;
}

function readBranches(
  database: DatabaseSync,
  query: TimeListQuery,
  { branches, places, after, limit, order }: {
    branches: readonly Branch[];
    places: Places;
    after?: Condition | null;
    limit: number;
    order: string;
  },
): SqlRow[] {
  const end = `${order} LIMIT ${limit}`;
  const wheres = branches.map((branch) => whereOf(query, branch, places, after));
  const selects = wheres.map(({ sql }) => `SELECT * FROM ${query.list} ${sql} ${end}`);
  const sql = selects.length === 1
    ? selects[0]!
    : `SELECT * FROM (${
      selects.map((select) => `SELECT * FROM (${select})`).join(" UNION ALL ")
    }) ${end}`;
  return database.prepare(sql).all(...wheres.flatMap(({ parameters }) => parameters));
}

function whereOf(
  { time }: TimeListQuery,
  branch: Branch,
  places: Places,
  after?: Condition | null,
): Condition {
  const { own, told, conditions } = branch;
  const bounds = rangeConditions(time, branch, places);
  return joinConditions(
    [...own, ...bounds, told, after, ...conditions].filter((one) =>
      one !== null && one !== undefined
    ),
  );
}

/** A WHERE clause of all conditions; empty without any. */
function joinConditions(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.length === 0 ? "" : `WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`,
    parameters: conditions.flatMap(({ parameters }) => parameters),
  };
}

function placeOf(row: SqlRow, time: string): TimePlace {
  return { tsUs: Number(row[time]), id: Number(row.id) };
}

function isNewer(a: TimePlace, b: TimePlace): boolean {
  return a.tsUs > b.tsUs || (a.tsUs === b.tsUs && a.id > b.id);
}
