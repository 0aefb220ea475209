/** What was not decoded to the end, by its name: nobody has looked into it. Nothing is shown while there is none. */
import { formatCount } from "../components/format.ts";
import { latest } from "../components/live.ts";
import type { LiveMessage } from "../components/live_message.ts";

const reasons = {
  truncated: "cut off",
  malformed: "malformed",
  unsupported: "not read",
} as const;

export default function UndecodedTable({ initial }: { initial: LiveMessage }) {
  const { snapshot } = latest.value ?? initial;
  if (snapshot === null || snapshot.decodeStopList.length === 0) return null;
  return (
    <section class="panel c12" id="undecoded">
      <header>
        <h2>Not decoded to the end</h2>
        <p>packets since the start; unseen are those without anything to judge</p>
      </header>
      <div class="scroll">
        <table class="tbl cards name-state">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Why</th>
              <th scope="col" class="num">Packets</th>
              <th scope="col" class="num">Unseen</th>
            </tr>
          </thead>
          <tbody>
            {snapshot.decodeStopList.map(({ layer, name, reason, packets, unread }) => (
              <tr key={`${layer} ${name} ${reason}`}>
                <td>{name}</td>
                <td class="grow">{reasons[reason]}</td>
                <td class="num" data-l="packets">{formatCount(packets)}</td>
                <td class={`num ${unread > 0 ? "" : "dim opt"}`} data-l="unseen">
                  {formatCount(unread)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
