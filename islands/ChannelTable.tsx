/** Status: the channels of alerts, what each has taken, and its last failure with the server's words. */
import type { ChannelState } from "../agent/records.ts";
import { formatCount, formatWhen } from "../components/format.ts";
import { latest } from "../components/live.ts";
import type { LiveMessage } from "../components/live_message.ts";

interface Props {
  readonly initial: LiveMessage;
  readonly zone: string;
}

export default function ChannelTable({ initial, zone }: Props) {
  const { health: { channels }, nowUs } = latest.value ?? initial;
  return (
    <section class="panel c12" id="channels">
      <header>
        <h2>Alert channels</h2>
        <p>counts since the start</p>
        <a class="end" href="/alerts">Alerts</a>
      </header>
      {channels.length === 0
        ? (
          <p class="body dim">
            None: nobody is told. <a href="/alerts">Alerts</a> says what to set.
          </p>
        )
        : (
          <div class="scroll">
            <table class="tbl cards channels">
              <thead>
                <tr>
                  <th scope="col">Channel</th>
                  <th scope="col">Last sent</th>
                  <th scope="col">Last failure</th>
                  <th scope="col" class="num">Sent</th>
                  <th scope="col" class="num">Waiting</th>
                  <th scope="col" class="num">Given up</th>
                  <th scope="col" class="num">Failed tries</th>
                </tr>
              </thead>
              <tbody>
                {channels.map((channel) => (
                  <Row key={channel.channel} channel={channel} nowUs={nowUs} zone={zone} />
                ))}
              </tbody>
            </table>
          </div>
        )}
    </section>
  );
}

interface RowProps {
  readonly channel: ChannelState;
  readonly nowUs: number;
  readonly zone: string;
}

function Row({ channel: state, nowUs, zone }: RowProps) {
  const { channel, sent, waiting, failed, retries, lastSentUs, lastFailedUs, lastFailure } = state;
  const when = (timeUs: number) => formatWhen(timeUs, nowUs, zone);
  return (
    <tr>
      <td class="w2 name">{channel}</td>
      <td data-l="last sent">{lastSentUs === null ? "never" : when(lastSentUs)}</td>
      <td class={`grow w2 failure ${state.isFailing ? "sev-high" : "dim"}`} title={lastFailure}>
        {lastFailedUs !== null &&
          (
            <>
              {state.isFailing ? <b>failing</b> : "failed"} {when(lastFailedUs)}: {lastFailure}
            </>
          )}
      </td>
      <td class="num" data-l="sent">{formatCount(sent)}</td>
      <td class="num" data-l="waiting">{formatCount(waiting)}</td>
      <td class={`num ${failed > 0 ? "sev-high" : ""}`} data-l="given up">{formatCount(failed)}</td>
      <td class="num opt">{formatCount(retries)}</td>
    </tr>
  );
}
