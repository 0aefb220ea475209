/** Ports that a scan found open, by host; hosts with the same ones together. */
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
  const hosts = [...Map.groupBy(open, ({ address }) => address)].sort(usedFirst);
  // Hosts with the same ports share a row, but for those that were used afterwards.
  const rows = [
    ...Map.groupBy(
      hosts,
      ([address, ports]) =>
        ports.some(({ isUsed }) => isUsed) ? address : ports.map(portText).sort().join(),
    ).values(),
  ];
  const notShown = rows.slice(rowsMax).reduce((sum, row) => sum + row.length, 0);
  return (
    <section class="panel">
      <header>
        <h2>Found open</h2>
        <p>
          {counted(open.length, "port")} on {counted(hosts.length, "host")}
          {notListed > 0 && `, and ${formatCount(notListed)} more that are not listed`}
        </p>
      </header>
      <div class="scroll">
        <table class="tbl static open-ports">
          <thead>
            <tr>
              <th scope="col">Host</th>
              <th scope="col">Ports</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, rowsMax).map((row) => (
              <OpenRow key={row[0]![0]} hosts={row} names={names} />
            ))}
          </tbody>
        </table>
      </div>
      {notShown > 0 && <p class="note">{counted(notShown, "more host")} are not shown.</p>}
    </section>
  );
}

type Host = readonly [string, readonly OpenPort[]];

function OpenRow({ hosts, names }: { hosts: readonly Host[]; names: Names }) {
  const ports = hosts[0]![1].toSorted((a, b) => Number(b.isUsed) - Number(a.isUsed));
  return (
    <tr>
      <td class="wrap hosts-of">
        {hosts.map(([address]) => (
          <HostLink key={address} address={address} name={names[address] ?? ""} />
        ))}
      </td>
      <td class="wrap">
        {ports.map((port, index) => (
          <>
            {index > 0 && ", "}
            <a class="plain" href={portHref(port, hosts.length > 1)} aria-current="false">
              {port.isUsed ? <b>{portText(port)} (used afterwards)</b> : portText(port)}
            </a>
          </>
        ))}
      </td>
    </tr>
  );
}

function usedFirst([, a]: Host, [, b]: Host): number {
  return Number(b.some(({ isUsed }) => isUsed)) - Number(a.some(({ isUsed }) => isUsed));
}

/** Flows to it, or to that port of all hosts that answered. */
function portHref({ address, port }: OpenPort, isOfMany: boolean): string {
  const q = `${isOfMany ? "answered yes" : term("dst", address)} and ${term("dport", port)}`;
  return `/flows?${new URLSearchParams({ q })}`;
}

/** "22 SSH": the service as it was seen, else as the port is usually used. */
function portText({ port, service }: OpenPort): string {
  return `${port}\u00a0${protocolLabel(service || serviceOfPort(port))}`.trim();
}
