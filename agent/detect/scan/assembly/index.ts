/**
 * The way of a contact up to its judgement (judgement.ts goes on): agent/detect/scan/scan_detector.ts tells it,
 * contact_judge.ts is the door to it. Rows are of observations (agent/detect/observation.ts draws them).
 */
import {
  destination,
  destinationPort,
  has,
  isIcmp,
  isIpv4At,
  isToItself,
  kind,
  marks,
  origBytes,
  respBytes,
  source,
  sourcePort,
  takeUp,
  timestampUs,
  transport,
  word,
  wordAt,
} from "../../common/assembly/row";
import { isOneSided, noteFirstPayload } from "../../common/assembly/sides";
import {
  KIND_ARP,
  KIND_CONTACT,
  KIND_DNS,
  KIND_ICMP_ERROR,
  KIND_NDP,
  MARK_HAS_DOUBLED,
  MARK_HAS_TCP_STATE_MOVED,
  MARK_IS_CONTINUED,
  MARK_IS_DESTINATION_LOCAL,
  MARK_IS_FIRST_OF_SIDE,
  MARK_IS_FIRST_PAYLOAD,
  MARK_IS_LINK_BROADCAST,
  MARK_IS_NEW,
  MARK_IS_SENT_BY_ROUTER,
  MARK_IS_SOURCE_LOCAL,
  MARK_IS_TO_MANY,
  MARK_IS_TUNNELLED,
  MARK_SENT_BY_ORIGINATOR,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
} from "../../common/row_layout";
import {
  FAMILY_ARP,
  FAMILY_MASK,
  FAMILY_NDP,
  FAMILY_NONE,
  FAMILY_TCP,
  FAMILY_UDP,
  MEMORY_PAGES,
  O_FLOOD_CONTACT_MAX,
  OUTCOME_FAILED,
  P_TRAITS,
  ROWS_AT,
  TRAIT_IS_ANSWERED,
  TRAIT_IS_DESTINATION_LOCAL,
  TRAIT_IS_RESOLVED,
  TRAIT_IS_SOURCE_LOCAL,
} from "../contact_layout";
import { destination0, hashEnds } from "./ends";
import { addEvidence, advanceEvidence, isAboveThreshold, reassure } from "./evidence";
import { addTo, advanceSet, forgottenOf, hasIn, makeSet } from "./fingerprints";
import { noteConnectionOfRow } from "./fallback";
import { hashAddress0, hashAddress1, mix } from "./hashes";
import {
  advanceEpisodes,
  closeEpisode,
  countSharedPorts,
  makeEpisodes,
  openCount,
  untoldScans,
} from "./episodes";
import { isScannedAnew, isSuspicious, noteShared, takeData } from "./judgement";
import {
  addAsked,
  addContact,
  addPair,
  addReply,
  addResolved,
  addRouterAddress,
  advanceMemory,
  forgottenFacts,
  hasServed,
  hasUsed,
  isResolved,
  makeMemory,
} from "./memory";
import { evidenceMin, option } from "./options";
import {
  HAS_ANSWERED,
  IS_STREAM,
  isTelling,
  outcomeOfAnswer,
  outcomeOfAsker,
  STILL_PENDING,
} from "./outcomes";
import {
  addPending,
  findAsked,
  findPending,
  forgottenProbes,
  markAnswered,
  makePending,
  pendingTcpCount,
  removePending,
  reversedCount,
} from "./pending";
import { advancePeers } from "./peers";
import { countPorts, writePorts } from "./ports";
import { advancePressure, press, skippedContacts } from "./pressure";
import { familyOfRow, isBare, isOddByItself, isSweep, traitsOfRow } from "./probes";
import {
  judgeAtOnce,
  judgeBefore,
  judgeDue,
  judgedUntilUs,
  judgeRest,
  refuse,
  settle,
} from "./settling";
import { findSource, forgottenSources, makeSources } from "./sources";

export {
  closeEpisode,
  countPorts,
  countSharedPorts,
  evidenceMin,
  isOneSided,
  judgeRest as finish,
  noteShared,
  writePorts,
};
/** Parts that tests take by themselves. */
export {
  addEvidence,
  addTo,
  advanceSet,
  findSource,
  forgottenOf,
  hashAddress0,
  hashAddress1,
  hasIn,
  isAboveThreshold,
  makeSet,
  mix,
  reassure,
};

/** Where answers come from another port than the one that was asked (RFC 1350 section 4). */
const tftpPort: i32 = 69;

/** Contacts without any of them say nothing new. */
const TELLING_MARKS: i32 = MARK_IS_NEW | MARK_IS_FIRST_OF_SIDE | MARK_HAS_TCP_STATE_MOVED |
  MARK_IS_FIRST_PAYLOAD | MARK_HAS_DOUBLED;

/** So many contacts without an answer to any are told. */
const unansweredMin: f64 = 20;

let contacts: f64 = 0;
let answered: f64 = 0;

/** Makes the memory as large as it ever is; once, before all else. */
export function setUp(): void {
  memory.grow(MEMORY_PAGES - memory.size());
  makeMemory();
  makePending();
  makeSources();
  makeEpisodes();
}

/** Entries that a full table forgot, contacts left out, and scans not told. */
export function forgottenCount(): f64 {
  const forgotten = forgottenFacts() + forgottenProbes() + forgottenSources() + untoldScans();
  return <f64> forgotten + skippedContacts();
}

/** Takes the whole rows in the first `length` words from ROWS_AT on; returns how many words they have. */
export function takeRows(length: i32): i32 {
  const end: usize = ROWS_AT + (length << 2);
  let row: usize = ROWS_AT;
  while (row < end) {
    const next = row + (load<u16>(row, 2) << 2);
    if (next > end) break;
    takeUp(row);
    takeRow();
    row = next;
  }
  return <i32> (row - ROWS_AT) >> 2;
}

/** Of many contacts, none has been answered. */
export function isUnanswered(): bool {
  return answered == 0 && contacts >= unansweredMin;
}

function takeRow(): void {
  const rowKind = kind();
  if (rowKind == KIND_CONTACT) {
    if (!has(TELLING_MARKS) || has(MARK_IS_CONTINUED)) return;
    if (transport() == TRANSPORT_TCP && has(MARK_IS_FIRST_PAYLOAD)) noteFirstPayload();
    if (has(MARK_IS_NEW)) return takeFirst();
    if (has(MARK_IS_FIRST_OF_SIDE)) answered++;
    takeLater();
    if (openCount() > 0 && has(MARK_IS_FIRST_PAYLOAD)) takePayload();
  } else if (rowKind == KIND_ARP) takeArp();
  else if (rowKind == KIND_NDP) takeNdp();
  else if (rowKind == KIND_ICMP_ERROR) takeIcmpError();
  else if (rowKind == KIND_DNS) takeDns();
}

/** Traffic time has passed. */
export function advance(timeUs: f64): void {
  advanceMemory(timeUs);
  advancePeers(timeUs);
  advancePressure(timeUs);
  judgeDue(timeUs);
  advanceEvidence(timeUs);
  advanceEpisodes(timeUs);
}

// ------------------------------------------------ contacts

/** The first packet of a flow. */
function takeFirst(): void {
  judgeBefore(timestampUs());
  hashEnds();
  // The side that is asked comes first: an answer to what was not seen, or a probe that looks like one.
  if (transport() == TRANSPORT_UDP && !has(MARK_SENT_BY_ORIGINATOR)) addReply();
  const family = familyOfRow();
  if (family == FAMILY_NONE) return;
  contacts++;
  if (press(destination0, <u32> option(O_FLOOD_CONTACT_MAX)) && !isSuspicious(family)) return;
  takeProbe(family);
}

function takeProbe(family: i32): void {
  const port = isSweep(family) ? 0 : destinationPort();
  const bothLocal = MARK_IS_SOURCE_LOCAL | MARK_IS_DESTINATION_LOCAL;
  if ((marks() & bothLocal) == bothLocal) addPair();
  if (isBare(family) && (hasUsed() || hasServed())) return;
  const isAsking = family == FAMILY_UDP && has(MARK_SENT_BY_ORIGINATOR);
  if (isAsking && port == tftpPort) addAsked();
  if (!isFirst(port, family)) {
    // To what the source has used before, perhaps because the other version of IP leads nowhere.
    if (family == FAMILY_TCP && pendingTcpCount() > 0 && hasUsed()) noteConnectionOfRow();
    return;
  }
  if (isAsking) addAsked();
  let traits = traitsOfRow(family) | family;
  if (isResolved()) traits |= TRAIT_IS_RESOLVED;
  if (isOddByItself(family)) judgeAtOnce(port, traits);
  else addPending(port, traits, judgedUntilUs());
}

/** Whether the contact is the first of its kind, or the first of another scan. */
function isFirst(port: i32, family: i32): bool {
  return !addContact(port << 16 | family) || isScannedAnew(port, family);
}

/** A packet that changes what is known of a flow. */
function takeLater(): void {
  let isAsker = has(MARK_SENT_BY_ORIGINATOR);
  let probe = findOf(isAsker);
  if (probe == 0 && reversedCount() > 0) {
    // Its sender is the flow's responder.
    isAsker = !isAsker;
    probe = findOf(isAsker);
  }
  if (probe == 0) return;
  const traits = load<i32>(probe, P_TRAITS << 2);
  const family = traits & FAMILY_MASK;
  const isAnswered = (traits & TRAIT_IS_ANSWERED) != 0;
  const outcome = isAsker
    ? outcomeOfAsker(family, traits)
    : outcomeOfAnswer(family, traits, isAnswered);
  if (outcome == HAS_ANSWERED) markAnswered(probe);
  else if (outcome == IS_STREAM) removePending(probe);
  else if (outcome == OUTCOME_FAILED) refuse(probe);
  else if (outcome != STILL_PENDING) settle(probe, outcome, timestampUs(), false);
}

/** The pending contact whose asker, or whose target, has sent the row. */
function findOf(isAsker: bool): usize {
  if (isAsker) return isTelling() ? findPending(isIcmp() ? 0 : destinationPort()) : 0;
  return findAsked(isIcmp() ? 0 : sourcePort());
}

/** The first payload of a side, while a scan is under way: does a scanner come back to what it found? */
function takePayload(): void {
  if (origBytes() == 0 || respBytes() == 0) return;
  const family = transport() == TRANSPORT_TCP ? FAMILY_TCP : FAMILY_UDP;
  if (has(MARK_SENT_BY_ORIGINATOR)) {
    takeData(source(), family, destination(), destinationPort());
  } else takeData(destination(), family, source(), sourcePort());
}

// ------------------------------------------------ ARP, neighbour discovery, ICMP, DNS

function takeArp(): void {
  const operation = word(14);
  if (operation == 2) return takeNeighbour();
  // Announcements, address probes and the unicast upkeep of a known neighbour ask for nobody new.
  if (operation != 1 || word(6) == 0 || word(6) == word(10)) return;
  if (has(MARK_IS_LINK_BROADCAST)) askForNeighbour(FAMILY_ARP);
}

/** As ARP: duplicate address detection has no source (RFC 4862 section 5.4.2), and upkeep is unicast. */
function takeNdp(): void {
  if (word(14) == 2) return takeNeighbour();
  const hasSource = load<i64>(source()) != 0 || load<i64>(source(), 8) != 0;
  if (hasSource && has(MARK_IS_TO_MANY) && !isToItself()) askForNeighbour(FAMILY_NDP);
}

/** A neighbour has answered. */
function takeNeighbour(): void {
  const probe = findAsked(0);
  if (probe != 0) markAnswered(probe);
}

function askForNeighbour(family: i32): void {
  if (has(MARK_IS_SENT_BY_ROUTER)) addRouterAddress();
  hashEnds();
  if (!isFirst(0, family)) return;
  addPending(0, family | TRAIT_IS_SOURCE_LOCAL | TRAIT_IS_DESTINATION_LOCAL, judgedUntilUs());
}

function takeIcmpError(): void {
  const isIpv4 = isIpv4At(16);
  const icmpType = word(15) >> 8 & 0xff;
  const isUnreachable = isIpv4 ? icmpType == 3 && (word(15) & 0xff) != 4 : icmpType == 1;
  const isTimeExceeded = icmpType == <u32> (isIpv4 ? 11 : 3);
  if (!isUnreachable && !isTimeExceeded) return;
  const probe = findPending(isIcmp() ? 0 : destinationPort());
  if (probe == 0) return;
  // Whoever lets packets die on the way looks for the way, not for ports; and where there is no way nothing was tried.
  if (isTimeExceeded || isWithoutRoute(isIpv4)) removePending(probe);
  else refuse(probe);
}

/** No route, network unknown (RFC 792, RFC 1122 section 3.2.2.1, RFC 4443 section 3.1). */
function isWithoutRoute(isIpv4: bool): bool {
  const code = word(15) & 0xff;
  return code == 0 || isIpv4 && code == 6;
}

function takeDns(): void {
  const described = word(14);
  if (<i32> described >= 0 || has(MARK_IS_TO_MANY)) return;
  const nameWords = (described >> 16 & 0xff) + 3 >> 2;
  const first = wordAt(16 + nameWords);
  for (let index = <i32> (word(15) & 0xff) - 1; index >= 0; index--) addResolved(first + (index << 4));
}
