/** The program's own log, newest first. */
import type { StatusEntry } from "../agent/records.ts";
import { formatWhen } from "../components/format.ts";
import { latest, newEntries } from "../components/live.ts";

interface Props {
  /** Newest last. */
  readonly entries: readonly StatusEntry[];
  readonly nowUs: number;
  readonly zone: string;
}

const rowsMax = 200;

export default function StatusLog({ entries, nowUs, zone }: Props) {
  const now = latest.value?.nowUs ?? nowUs;
  const all = [...entries, ...newEntries.value].slice(-rowsMax).reverse();
  return (
    <section class="panel c12">
      <header>
        <h2>Log</h2>
        <p>newest first</p>
      </header>
      {all.length === 0 ? <p class="body dim">No message so far.</p> : (
        <div class="scroll">
          <table class="tbl log">
            <tbody>
              {all.map(({ tsUs, severity, text }) => (
                <tr>
                  <td class="mono dim">{formatWhen(tsUs, now, zone)}</td>
                  <td class={`wrap ${severity === "info" ? "" : severityClass[severity]}`}>
                    {severity !== "info" && <b>{severity}:</b>} {text}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

const severityClass = { warning: "sev-medium", error: "sev-high" } as const;
