/** First line of a page: is anything wrong? Below it what is, one notice each. */
import { Icon, Severity } from "../components/Icon.tsx";
import { latest, recentDrops as liveDrops } from "../components/live.ts";
import type { LiveMessage, SensorInfo } from "../components/live_message.ts";
import { judge, type Problem, sourceNames } from "../components/verdict.ts";

interface Props {
  readonly initial: LiveMessage;
  readonly sensor: SensorInfo;
  /** Packets lost in the minute before the page was made. */
  readonly recentDrops: number;
  /** Said after a good verdict. */
  readonly note: string;
}

/** The drops that the server counted are old news after this. */
const drawnDropsUs = 60e6;

export default function VerdictLine({ initial, sensor, recentDrops, note }: Props) {
  const message = latest.value ?? initial;
  const isYoung = message.nowUs - initial.nowUs < drawnDropsUs;
  const drops = liveDrops.value + (isYoung ? recentDrops : 0);
  const verdict = judge(message, sensor, drops);
  const isQuiet = verdict.tone === "good" || verdict.tone === "plain";
  return (
    <>
      <section class={`verdict ${isQuiet ? "quiet" : ""}`}>
        <h2 aria-live="polite">
          {verdict.tone === "good" && <Icon name="tick" class="tick" />}
          {verdict.title}
        </h2>
        <p>{[verdict.detail, isQuiet ? note : ""].filter((text) => text !== "").join(". ")}.</p>
      </section>
      {verdict.problems.length > 0 && <Problems problems={verdict.problems} />}
      {isSilent(message) && <Silence message={message} />}
    </>
  );
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
