/** Ports that a scan found open, by host. */
import { term } from "../agent/search/edit.ts";
import { counted } from "../agent/text/amounts.ts";
import { formatCount } from "./format.ts";
import { HostLink } from "./Address.tsx";
import type { Names } from "./FindingPage.tsx";
import { serviceOfPort } from "./port_names.ts";
import { protocolLabel } from "./protocol_groups.ts";
import type { OpenPort } from "./scan_grid.ts";

const rowsMax = 25;

interface Props {
  readonly open: readonly OpenPort[];
  /** Further ones, of which only the number is known. */
  readonly notListed: number;
  readonly names: Names;
}

export function OpenPorts({ open, notListed, names }: Props) {
  const rows = [...Map.groupBy(open, ({ address }) => address)].sort(usedFirst);
  return (
    <section class="panel">
      <header>
        <h2>Found open</h2>
        <p>
          {counted(open.length, "port")} on {counted(rows.length, "host")}
          {notListed > 0 && `, and ${formatCount(notListed)} more that are not listed`}
        </p>
      </header>
      <div class="scroll">
        <table class="tbl static">
          <thead>
            <tr>
              <th scope="col">Host</th>
              <th scope="col">Ports</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, rowsMax).map(([address, ports]) => (
              <tr key={address}>
                <td>
                  <HostLink address={address} name={names[address] ?? ""} />
                </td>
                <td class="wrap">
                  {ports.toSorted((a, b) => Number(b.isUsed) - Number(a.isUsed))
                    .map((port, index) => (
                      <>
                        {index > 0 && ", "}
                        <a class="plain" href={portHref(port)} aria-current="false">
                          {port.isUsed ? <b>{portText(port)} (used afterwards)</b> : portText(port)}
                        </a>
                      </>
                    ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > rowsMax && (
        <p class="note">{counted(rows.length - rowsMax, "more host")} are not shown.</p>
      )}
    </section>
  );
}

type Row = readonly [string, readonly OpenPort[]];

function usedFirst([, a]: Row, [, b]: Row): number {
  return Number(b.some(({ isUsed }) => isUsed)) - Number(a.some(({ isUsed }) => isUsed));
}

/** Flows to it. */
function portHref({ address, port }: OpenPort): string {
  const q = `${term("dst", address)} and ${term("dport", port)}`;
  return `/flows?${new URLSearchParams({ q })}`;
}

/** "22 SSH": the service as it was seen, else as the port is usually used. */
function portText({ port, service }: OpenPort): string {
  return `${port}\u00a0${service ? protocolLabel(service) : serviceOfPort(port)}`.trim();
}
