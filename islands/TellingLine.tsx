/** First line of Alerts, where somebody is told: who, and whether that works. And the test. */
import type { TellingRules } from "../agent/dashboard_context.ts";
import type { Alert, PendingAlert } from "../agent/records.ts";
import { rulesText, tellingTitle } from "../components/alerts.ts";
import { Deliveries } from "../components/AlertTable.tsx";
import { formatWhen, unparted } from "../components/format.ts";
import { Severity } from "../components/Icon.tsx";
import { latest } from "../components/live.ts";
import { mergeAlerts, newAlerts } from "../components/live_alerts.ts";
import type { LiveMessage } from "../components/live_message.ts";

interface Props {
  readonly initial: LiveMessage;
  readonly zone: string;
  readonly rules: TellingRules;
  /** The test that was just asked for; null without one. */
  readonly test: Alert | null;
}

export default function TellingLine({ initial, zone, rules, test }: Props) {
  const { health, nowUs } = latest.value ?? initial;
  const { channels } = health;
  const failing = channels.filter(({ isFailing }) => isFailing);
  return (
    <>
      <section class={failing.length === 0 ? "verdict quiet" : "verdict"}>
        <h2 aria-live="polite">{tellingTitle(channels)}</h2>
        <form method="post" action="/api/alerts/test" class="end">
          <button type="submit" class="btn main">Send a test</button>
        </form>
        <p class="rules">{rulesText(rules, channels)}</p>
      </section>
      {failing.map(({ channel, lastFailedUs, lastFailure }) => (
        <section key={channel} class="notice" role="status">
          <b>{channel}</b>
          <span>
            failed {lastFailedUs !== null && formatWhen(lastFailedUs, nowUs, zone)}: {lastFailure}
          </span>
        </section>
      ))}
      {health.pendingAlerts.length > 0 && (
        <PendingAlerts pending={health.pendingAlerts} nowUs={nowUs} zone={zone} />
      )}
      {test && <TestResult test={test} nowUs={nowUs} zone={zone} />}
    </>
  );
}

interface PendingProps {
  readonly pending: readonly PendingAlert[];
  readonly nowUs: number;
  readonly zone: string;
}

/** Listed; of more the number is told. */
const pendingMax = 10;

function PendingAlerts({ pending, nowUs, zone }: PendingProps) {
  const more = pending.length - pendingMax;
  return (
    <section class="panel c12 pending">
      <header>
        <h2>Held back for a moment</h2>
        <p>told once their interval has passed, as they then stand</p>
      </header>
      <div class="scroll">
        <table class="tbl cards episodes alerts">
          <tbody>
            {pending.slice(0, pendingMax).map((
              { subject, severity, headline, incidentId, heldBy, dueUs },
            ) => (
              <tr key={subject}>
                <td class="dim time">from {formatWhen(dueUs, nowUs, zone)}</td>
                <td class="level">
                  <Severity level={severity} />
                </td>
                <td class="w2 what">
                  {incidentId === null
                    ? unparted(headline)
                    : <a class="plain" href={`/incidents/${incidentId}`}>{unparted(headline)}</a>}
                </td>
                <td class="w2 told">
                  <b>Held back</b> by {heldBy}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more > 0 && <p class="body dim">And {more} more.</p>}
    </section>
  );
}

interface ResultProps {
  readonly test: Alert;
  readonly nowUs: number;
  readonly zone: string;
}

function TestResult({ test, nowUs, zone }: ResultProps) {
  const newest = mergeAlerts([test], newAlerts.value.filter(({ id }) => id === test.id))[0] ?? test;
  const count = (state: string) => newest.deliveries.filter((one) => one.state === state).length;
  const title = count("waiting") > 0
    ? "The test is on its way"
    : count("failed") > 0
    ? "The test did not arrive everywhere"
    : "The test has arrived";
  return (
    <section class="panel c12 test-result" role="status">
      <header>
        <h2>{title}</h2>
        {count("waiting") > 0 && <a class="end" href={`/alerts?test=${test.id}`}>Look again</a>}
      </header>
      <div class="body">
        <Deliveries deliveries={newest.deliveries} nowUs={nowUs} zone={zone} />
      </div>
    </section>
  );
}
