/** First line of a page: is anything wrong? Below it what is: one notice for each trouble, one row for each finding. */
import { useEffect, useRef } from "preact/hooks";
import type { Finding } from "../agent/records.ts";
import { FindingLink } from "../components/FindingLink.tsx";
import { judgeFindings } from "../components/finding_verdict.ts";
import {
  findingPath,
  type FindingsShown,
  isGrave,
  mergeFindings,
  recentFindings,
} from "../components/findings.ts";
import { formatCount } from "../components/format.ts";
import { Icon, Severity } from "../components/Icon.tsx";
import { latest, newFindings, recentDrops as liveDrops } from "../components/live.ts";
import type { LiveMessage, SensorInfo } from "../components/live_message.ts";
import { coverageOf, judge, pageNowUs, type Problem, sourceNames } from "../components/verdict.ts";

interface Props {
  readonly initial: LiveMessage;
  readonly sensor: SensorInfo;
  /** Packets lost in the minute before the page was made. */
  readonly recentDrops: number;
  /** Of the last 24 hours; null on a page that is about capturing alone. */
  readonly findings: FindingsShown | null;
}

/** The drops that the server counted are old news after this. */
const drawnDropsUs = 60e6;

/** Rows; the rest is behind the links below them. */
const rowsMax = 8;

export default function VerdictLine({ initial, sensor, recentDrops, findings }: Props) {
  const message = latest.value ?? initial;
  const nowUs = pageNowUs(message);
  const isYoung = message.nowUs - initial.nowUs < drawnDropsUs;
  const drops = liveDrops.value + (isYoung ? recentDrops : 0);
  const capture = judge(message, sensor, drops);
  const recent = findings &&
    recentFindings(mergeFindings(findings.findings, newFindings.value), nowUs);
  const areMore = findings?.areMore ?? false;
  const { startedAtUs, mode } = message.health;
  const verdict = recent
    ? judgeFindings(capture, {
      findings: recent,
      areMore,
      coverage: coverageOf(message),
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
      {problems.length > 0 && <Problems problems={problems} />}
      {recent && <Findings findings={recent} areMore={areMore} nowUs={nowUs} zone={sensor.zone} />}
      {isSilent(message) && <Silence message={message} />}
    </>
  );
}

interface FindingsProps extends FindingsShown {
  readonly nowUs: number;
  readonly zone: string;
}

function Findings({ findings, areMore, nowUs, zone }: FindingsProps) {
  const shown = findings.slice(0, rowsMax);
  const more = findings.length - shown.length;
  return (
    <>
      <Announcement findings={findings} />
      {shown.length > 0 && (
        <section class="findings" aria-label="Findings of the last 24 hours">
          {shown.map((finding) => (
            <FindingLink key={findingPath(finding)} finding={finding} nowUs={nowUs} zone={zone} />
          ))}
          {more > 0 && (
            <p class="more">
              {areMore && "At least "}
              {formatCount(more)} more in the last 24 h: <a href="/scans">scans</a>,{" "}
              <a href="/anomalies">anomalies</a>
            </p>
          )}
        </section>
      )}
    </>
  );
}

/** Says a high or critical finding that has just come to those who cannot see the page. */
function Announcement({ findings }: { findings: readonly Finding[] }) {
  const known = useRef<ReadonlySet<string> | null>(null);
  const paths = findings.filter(isGrave).map(findingPath);
  useEffect(() => {
    known.current = new Set([...known.current ?? [], ...paths]);
  });
  const fresh = findings.find((finding) =>
    isGrave(finding) && known.current !== null && !known.current.has(findingPath(finding))
  );
  const said = useRef("");
  if (fresh) said.current = fresh.reason;
  return <div class="vh" role="alert">{said.current}</div>;
}

function Problems({ problems }: { problems: readonly Problem[] }) {
  return (
    <ul class="findings" role="alert">
      {problems.map((problem) => (
        <li class={`finding problem ${problem.tone === "high" ? "is-high" : ""}`}>
          <Severity level={problem.tone} />
          <div class="tx">
            <h3>{problem.title}</h3>
            <p>{problem.detail}</p>
          </div>
        </li>
      ))}
    </ul>
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
        <h3>{names} is open, but no packet has arrived</h3>
        <p>
          Check that the switch port mirrors traffic to this interface, or pick one that has
          traffic:
        </p>
        <div class="code">tapwatch interfaces</div>
        <p class="faint">Counts are live; this note goes away with the first packet.</p>
      </div>
    </section>
  );
}
