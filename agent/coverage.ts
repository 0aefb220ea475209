/**
 * What of the traffic was not looked at, and so what "nothing found" does not mean: the one place that decides it for the
 * report's text, its JSON and the pages. Pure; safe for the browser.
 */
import type { DecodeStop, DetectionState } from "./records.ts";
import { formatCount } from "./text/amounts.ts";

/** What there was to look at, and how far that got. */
export interface Looked {
  /** Read from files, to their end; else there is more to come. */
  readonly isFile: boolean;
  readonly packets: number;
  readonly unreadPackets: number;
  readonly decodeStopList: readonly DecodeStop[];
  /** Null where detection never said a word. */
  readonly detection:
    | Pick<DetectionState, "state" | "windowsLearnt" | "windowsNeeded" | "observations">
    | null;
  readonly observationsShed: number;
  /** Packet and flow rows that the database had no room for. */
  readonly rowsShed: number;
  readonly flowsEvicted: number;
  /** Packets that were copies of others. */
  readonly copies: number;
  readonly files?: { readonly named: number; readonly unreadable: number; readonly cut: number };
  /** As in DetectionState. */
  readonly isOneWay?: boolean;
}

type GapKind =
  | "empty"
  | "files"
  | "unread"
  | "one_direction"
  | "detection_off"
  | "shed"
  | "learning"
  | "rows"
  | "flows_evicted"
  | "copies"
  | "cut";

interface Gap {
  readonly kind: GapKind;
  /** So many of how many: packets, files, observations, windows, rows, flows. */
  readonly count: number;
  readonly of: number;
  /** How many of how many, and why: a sentence without its capital and its stop. */
  readonly text: string;
  /** What to do; a sentence, or "". */
  readonly remedy: string;
  /** True where "nothing found" without this would deceive. */
  readonly isGrave: boolean;
}

export interface Coverage {
  /** `none`: nothing could be looked for. */
  readonly state: "complete" | "partial" | "none";
  readonly packets: number;
  readonly packetsRead: number;
  /** The weightiest first. */
  readonly gaps: readonly Gap[];
}

/** From this share of the packets on, those that could not be read are told first. */
const unreadShareMin = 0.1;
/** From this share on, copies are told. */
const copiesShareMin = 0.01;

/** Judges how far the traffic was looked at. */
export function judgeCoverage(looked: Looked): Coverage {
  const { packets, unreadPackets } = looked;
  const gaps = [
    emptyGap(looked),
    filesGap(looked),
    unreadGap(looked),
    oneWayGap(looked),
    detectionGap(looked),
    shedGap(looked),
    rowsGap(looked),
    evictedGap(looked),
    copiesGap(looked),
    cutGap(looked),
  ].filter((gap) => gap !== null);
  const isBlind = gaps.some(({ kind, count, of }) =>
    kind === "empty" || kind === "detection_off" || kind === "unread" && count === of
  );
  // Of a copy, the packet was looked at.
  const isPartial = gaps.some(({ kind }) => kind !== "copies");
  return {
    state: isBlind ? "none" : isPartial ? "partial" : "complete",
    packets,
    packetsRead: packets - unreadPackets,
    gaps: gaps.sort((a, b) => Number(b.isGrave) - Number(a.isGrave)),
  };
}

/** The gaps that come before any word of nothing found. */
export function graveGaps({ gaps }: Coverage): readonly Gap[] {
  return gaps.filter(({ isGrave }) => isGrave);
}

/** The first sentence of a report, without its stop. */
export interface CoverageVerdict {
  /** `unknown`: nothing could be looked for; `incomplete`: nothing was found, in what could be looked at. */
  readonly state: "found" | "clear" | "incomplete" | "unknown";
  readonly text: string;
}

/** What is to be said first; `found` is a text of what was found, or "". */
export function verdictOn(coverage: Coverage, found: string): CoverageVerdict {
  const grave = graveGaps(coverage);
  const texts = grave.map(({ text }) => text);
  if (found !== "") return { state: "found", text: [found, ...texts].join("; ") };
  if (grave.length === 0) return { state: "clear", text: "Nothing suspicious found" };
  const [kind] = grave.length === 1 ? [grave[0]!.kind] : [];
  if (kind === "learning") {
    return { state: "incomplete", text: `Nothing suspicious found, but ${texts[0]}` };
  }
  const all = capitalised(texts.join("; "));
  return coverage.state === "none"
    ? { state: "unknown", text: all }
    : { state: "incomplete", text: `${all}; nothing suspicious was found in the rest` };
}

/** With a capital in front. */
export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function emptyGap({ isFile, packets }: Looked): Gap | null {
  if (!isFile || packets > 0) return null;
  return {
    kind: "empty",
    count: 0,
    of: 0,
    text: "the capture holds no packet, so there was nothing to look at",
    remedy: "Check the interface and the filter that it was made with.",
    isGrave: true,
  };
}

function filesGap({ files }: Looked): Gap | null {
  if (!files || files.unreadable === 0) return null;
  return {
    kind: "files",
    count: files.unreadable,
    of: files.named,
    text: `${formatCount(files.unreadable)} of ${formatCount(files.named)} files could not be read`,
    remedy: "See what is said of each.",
    isGrave: true,
  };
}

function unreadGap({ packets, unreadPackets, decodeStopList }: Looked): Gap | null {
  if (unreadPackets === 0) return null;
  const stops = decodeStopList.filter(({ unread }) => unread > 0)
    .sort((a, b) => b.unread - a.unread);
  const shown = stops.slice(0, 2).map(({ name, reason, unread }) => {
    const why = reason === "unsupported" ? name : `${name}, ${reasonTexts[reason]}`;
    return stops.length > 1 ? `${formatCount(unread)} ${why}` : why;
  });
  const why = [...shown, ...stops.length > shown.length ? ["and others"] : []].join("; ");
  const isAll = unreadPackets === packets;
  return {
    kind: "unread",
    count: unreadPackets,
    of: packets,
    text: isAll
      ? `none of the ${
        formatCount(packets)
      } packets could be read (${why}), so nothing could be looked for`
      : `${formatCount(unreadPackets)} of ${
        formatCount(packets)
      } packets could not be read (${why})`,
    remedy: remedies[stops[0]?.reason ?? "unsupported"],
    isGrave: unreadPackets >= unreadShareMin * packets,
  };
}

const reasonTexts = { truncated: "cut off by the capture", malformed: "malformed" } as const;
const remedies: Readonly<Record<DecodeStop["reason"], string>> = {
  unsupported:
    "Capture where these can be read: outside of the tunnel or the encryption, or with another link type (tcpdump -L lists those of a device).",
  truncated: "Capture more of each packet (--snaplen).",
  malformed: "The capture is damaged, or its link type is not the one that it names.",
};

function oneWayGap({ isOneWay, packets }: Looked): Gap | null {
  if (!isOneWay) return null;
  return {
    kind: "one_direction",
    count: packets,
    of: packets,
    text:
      "only one direction of the traffic seems to have been captured: hardly anything is answered",
    remedy: "Mirror both directions: what is judged by answers could not be judged.",
    isGrave: true,
  };
}

function detectionGap({ isFile, packets, unreadPackets, detection }: Looked): Gap | null {
  if (packets === unreadPackets || detection?.state === "ready") return null;
  if (detection === null || detection.state === "off") {
    return {
      kind: "detection_off",
      count: packets,
      of: packets,
      text: `detection was not running, so nothing was looked for in ${
        formatCount(packets)
      } packets`,
      remedy: isFile ? "Its error stands above." : "Status says how the threads of tapwatch are.",
      isGrave: true,
    };
  }
  const { windowsLearnt, windowsNeeded } = detection;
  const isAlmost = windowsLearnt >= windowsNeeded;
  const windows = isAlmost
    ? `${formatCount(windowsLearnt)} windows of 10 s so far`
    : `${formatCount(windowsLearnt)} of ${formatCount(windowsNeeded)} windows of 10 s`;
  return {
    kind: "learning",
    count: windowsLearnt,
    of: windowsNeeded,
    text: isFile
      ? `behaviour was not judged: too little traffic to learn what is usual (${windows})`
      : `still learning what is usual, ${windows}, so behaviour is not judged yet`,
    remedy: isFile ? "A longer capture helps." : "It goes on by itself.",
    isGrave: true,
  };
}

function shedGap({ detection, observationsShed }: Looked): Gap | null {
  if (observationsShed === 0) return null;
  const of = observationsShed + (detection?.observations ?? 0);
  return {
    kind: "shed",
    count: observationsShed,
    of,
    text: `detection left out ${formatCount(observationsShed)} of ${
      formatCount(of)
    } observations, for which it had no time`,
    remedy: "A capture filter or a faster machine helps; what happened then may be missing.",
    isGrave: true,
  };
}

function rowsGap({ rowsShed }: Looked): Gap | null {
  if (rowsShed === 0) return null;
  return {
    kind: "rows",
    count: rowsShed,
    of: rowsShed,
    text: `${formatCount(rowsShed)} rows are missing from the database, for which it had no time`,
    remedy:
      "Fewer packet rows (--log-packets) or a faster disk help; lists of that time are short.",
    isGrave: true,
  };
}

function evictedGap({ flowsEvicted }: Looked): Gap | null {
  if (flowsEvicted === 0) return null;
  return {
    kind: "flows_evicted",
    count: flowsEvicted,
    of: flowsEvicted,
    text: `${formatCount(flowsEvicted)} flows were ended early, because the table was full`,
    remedy: "",
    isGrave: false,
  };
}

function copiesGap({ copies, packets }: Looked): Gap | null {
  if (copies === 0 || copies < copiesShareMin * packets) return null;
  return {
    kind: "copies",
    count: copies,
    of: packets,
    text: `${formatCount(copies)} of ${
      formatCount(packets)
    } packets are copies that the capture saw twice (bridge, \`any\` or mirror port)`,
    remedy: "Capture one device instead, or mirror one port.",
    isGrave: false,
  };
}

/** What is said of copies: sentences, or "" without many. */
export function copiesNote({ gaps }: Coverage): string {
  const gap = gaps.find(({ kind }) => kind === "copies");
  return gap ? `${capitalised(gap.text)}. ${gap.remedy}` : "";
}

function cutGap({ files }: Looked): Gap | null {
  if (!files || files.cut === 0) return null;
  const many = files.cut > 1
    ? `the ends of ${formatCount(files.cut)} files are`
    : "the end of a file is";
  return {
    kind: "cut",
    count: files.cut,
    of: files.named,
    text: `${many} cut off`,
    remedy: "",
    isGrave: false,
  };
}
