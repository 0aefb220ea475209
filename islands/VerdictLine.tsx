/** First line of a page: is anything wrong? Below it what is: one notice for each trouble, one row for each incident. */
import { useEffect, useRef } from "preact/hooks";
import type { Coverage } from "../agent/coverage.ts";
import { useFleetVerdict } from "../components/fleet_feed.ts";
import { isGrave } from "../components/findings.ts";
import { formatCount } from "../components/format.ts";
import { Icon } from "../components/Icon.tsx";
import { ProblemRow } from "../components/Problem.tsx";
import { judgeIncidents } from "../components/incident_verdict.ts";
import {
  type IncidentItem,
  type LookItem,
  mergeIncidents,
  needsLook,
  recentIncidents,
  stillToLookAt,
} from "../components/incidents.ts";
import { IncidentLink } from "../components/IncidentLink.tsx";
import {
  arrivedIncidents,
  latest,
  muteView,
  recentDrops as liveDrops,
} from "../components/live.ts";
import type { LiveMessage, SensorInfo } from "../components/live_message.ts";
import {
  coverageOf,
  judge,
  pageNowUs,
  type Problem,
  sourceNames,
  type Verdict,
} from "../components/verdict.ts";

interface Props {
  readonly initial: LiveMessage;
  readonly sensor: SensorInfo;
  /** Packets lost in the minute before the page was made. */
  readonly recentDrops: number;
  /** Null on a page that is about capturing alone. */
  readonly incidents: {
    /** Those of the last 24 hours, and of those that need a look the gravest. */
    readonly items: readonly IncidentItem[];
    /** There are more in the last 24 hours. */
    readonly areMore: boolean;
    /** All that need a look. */
    readonly look: readonly LookItem[];
  } | null;
  /** On a hub: how its agents are, in place of how capturing goes. */
  readonly fleet?: Verdict | undefined;
}

/** Where nothing is captured. */
const noCoverage: Coverage = { state: "none", packets: 0, packetsRead: 0, gaps: [] };

/** The drops that the server counted are old news after this. */
const drawnDropsUs = 60e6;

/** Rows; the rest is behind the links below them. */
const rowsMax = 8;

export default function VerdictLine({ initial, sensor, recentDrops, incidents, fleet }: Props) {
  const message = latest.value ?? initial;
  const nowUs = pageNowUs(message);
  const isYoung = message.nowUs - initial.nowUs < drawnDropsUs;
  const drops = liveDrops.value + (isYoung ? recentDrops : 0);
  const capture = useFleetVerdict(fleet !== undefined) ?? fleet ?? judge(message, sensor, drops);
  const view = muteView(sensor.zone);
  const arrived = arrivedIncidents.value;
  const recent = incidents &&
    recentIncidents(mergeIncidents(incidents.items, arrived, view), nowUs);
  const { startedAtUs, mode } = message.health;
  const verdict = incidents && recent
    ? judgeIncidents(capture, {
      look: stillToLookAt(incidents.look, arrived, view),
      others: recent.filter((item) => !needsLook(item)),
      areMore: incidents.areMore,
      coverage: fleet ? noCoverage : coverageOf(message),
      nowUs,
      startedAtUs,
      isReplay: mode === "replay",
    })
    : capture;
  const isQuiet = verdict.tone === "good" || verdict.tone === "plain";
  const problems = verdict.problems.filter(({ title }) => title !== verdict.title);
  return (
    <>
      <section class={`verdict ${isQuiet ? "quiet" : ""}`}>
        <h2 aria-live="polite">
          {verdict.tone === "good" && <Icon name="tick" class="tick" />}
          {verdict.title}
        </h2>
        <p>{verdict.detail}.</p>
      </section>
      {problems.length > 0 && <Problems problems={problems} isStatus={incidents === null} />}
      {recent && <Incidents items={recent} nowUs={nowUs} zone={sensor.zone} />}
      {isSilent(message) && <Silence message={message} />}
    </>
  );
}

interface IncidentsProps {
  readonly items: readonly IncidentItem[];
  readonly nowUs: number;
  readonly zone: string;
}

/** What is muted stays off the overview, but for its number. */
function Incidents({ items, nowUs, zone }: IncidentsProps) {
  const told = items.filter(({ muted }) => muted === "");
  const shown = told.slice(0, rowsMax);
  const more = told.length - shown.length;
  const mutedCount = items.length - told.length;
  const rest = [
    more > 0 && `${formatCount(more)} more`,
    mutedCount > 0 && `${formatCount(mutedCount)} muted`,
  ].filter(Boolean).join(", ");
  return (
    <>
      <Announcement items={told} />
      {items.length > 0 && (
        <section class="findings" aria-label="Incidents">
          {shown.map((item) => (
            <IncidentLink key={item.incident.id} item={item} nowUs={nowUs} zone={zone} />
          ))}
          <p class="more">
            {rest !== "" && `${rest}: `}
            <a href="/incidents">All incidents</a>
          </p>
        </section>
      )}
    </>
  );
}

/** Says a high or critical incident that has just come to those who cannot see the page. */
function Announcement({ items }: { items: readonly IncidentItem[] }) {
  const known = useRef<ReadonlySet<number> | null>(null);
  const grave = items.map(({ incident }) => incident).filter(isGrave);
  useEffect(() => {
    known.current = new Set([...known.current ?? [], ...grave.map(({ id }) => id)]);
  });
  const fresh = grave.find(({ id }) => known.current !== null && !known.current.has(id));
  const said = useRef("");
  if (fresh) said.current = fresh.headline;
  return <div class="vh" role="alert">{said.current}</div>;
}

function Problems({ problems, isStatus }: { problems: readonly Problem[]; isStatus: boolean }) {
  return (
    <div class="findings" role="alert">
      {problems.map((problem) => (
        <ProblemRow key={problem.title} problem={problem} isHere={isStatus} />
      ))}
    </div>
  );
}

function isSilent({ health, snapshot, nowUs }: LiveMessage): boolean {
  return health.mode === "live" && (snapshot?.packets ?? 0) === 0 &&
    health.sources.some(({ state }) => state === "capturing") &&
    nowUs - health.startedAtUs > 10e6;
}

function Silence({ message }: { message: LiveMessage }) {
  const names = sourceNames(message.health.sources);
  return (
    <section class="panel c12">
      <div class="state">
        <h2>{names} is open, but no packet has arrived</h2>
        <p>
          Check that the switch port mirrors traffic to this interface and that a capture filter
          lets it through, or pick one that has traffic:
        </p>
        <div class="code">tapwatch interfaces</div>
        <p class="faint">Counts are live; this note goes away with the first packet.</p>
      </div>
    </section>
  );
}
