/** Hosts by ports of a scan: open, refused, no answer, not tried. Each cell says its state in words too. */
import { serviceOfPort } from "./port_names.ts";
import type { CellState, GridRow, ScanGrid as Grid } from "./scan_grid.ts";
import { formatCount } from "./format.ts";

interface Props {
  readonly grid: Grid;
  /** Names of hosts by address. */
  readonly names: Readonly<Record<string, string>>;
}

const states: Readonly<Record<CellState, { readonly mark: string; readonly word: string }>> = {
  open: { mark: "o", word: "open" },
  refused: { mark: "c", word: "refused" },
  silent: { mark: "s", word: "no answer" },
  none: { mark: "n", word: "not tried" },
};

export function ScanGrid({ grid, names }: Props) {
  const shown = ["open", "refused", "silent", "none"] as const;
  return (
    <section class="panel">
      <header>
        <h2>Hosts and ports</h2>
        <div class="hp-key">
          {shown.filter((state) => grid.counts[state] > 0).map((state) => (
            <span key={state}>
              <i class={states[state].mark} />
              {states[state].word} {formatCount(grid.counts[state])}
            </span>
          ))}
        </div>
      </header>
      <div class="body scroll" tabindex={0} role="region" aria-label="Hosts and ports">
        <table class="hp">
          <thead>
            <tr>
              <td />
              {grid.ports.map((port) => (
                <th key={port} scope="col">
                  {port}
                  <small>{serviceOfPort(port)}</small>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {grid.rows.map((row) => (
              <Row key={row.first} row={row} ports={grid.ports} name={names[row.first] ?? ""} />
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">{noteText(grid)}</p>
    </section>
  );
}

interface RowProps {
  readonly row: GridRow;
  readonly ports: readonly number[];
  readonly name: string;
}

function Row({ row, ports, name }: RowProps) {
  const { first, last, hostCount, cells } = row;
  return (
    <tr class={hostCount > 1 ? "fold" : ""}>
      <th scope="row">
        {hostCount > 1
          ? (
            <>
              <span class="mono">{first} to {lastPart(last)}</span> <small>{hostCount} hosts</small>
            </>
          )
          : (
            <>
              {name !== "" && <b>{name}</b>} <span class="mono">{first}</span>
            </>
          )}
      </th>
      {cells.map((state, index) => (
        <td
          key={ports[index]}
          class={states[state].mark}
          title={`${first}:${ports[index]} ${states[state].word}`}
        >
          <span class="vh">{states[state].word}</span>
        </td>
      ))}
    </tr>
  );
}

/** ".39" of an IPv4 address, all of any other. */
function lastPart(address: string): string {
  return /^[\d.]+$/.test(address) ? address.slice(address.lastIndexOf(".")) : address;
}

function noteText({ ports, portCount, rows, hostCount }: Grid): string {
  const hosts = rows.reduce((sum, row) => sum + row.hostCount, 0);
  return [
    "Open are the ports that answered the scan; the rest is from flows that have ended. Neighbouring hosts with the same answers share a row.",
    portCount > ports.length &&
    `${ports.length} of ${
      formatCount(portCount)
    } ports are shown: the open ones, then refused ones.`,
    hostCount > hosts && `${hosts} of ${formatCount(hostCount)} hosts are shown.`,
  ].filter(Boolean).join(" ");
}
