/** Ports that a scan found open, by host. */
import { formatCount } from "./format.ts";
import { HostLink, type Names } from "./FindingPage.tsx";
import { serviceOfPort } from "./port_names.ts";
import { protocolLabel } from "./protocol_groups.ts";
import type { OpenPort } from "./scan_grid.ts";

const rowsMax = 50;

export function OpenPorts({ open, names }: { open: readonly OpenPort[]; names: Names }) {
  const hostCount = new Set(open.map(({ address }) => address)).size;
  return (
    <section class="panel c12">
      <header>
        <h2>Found open</h2>
        <p>
          {counted(open.length, "port")} on {counted(hostCount, "host")}
        </p>
      </header>
      <div class="scroll">
        <table class="tbl static">
          <thead>
            <tr>
              <th scope="col">Host</th>
              <th scope="col" class="num">Port</th>
              <th scope="col">Service</th>
            </tr>
          </thead>
          <tbody>
            {open.slice(0, rowsMax).map(({ address, port, service }) => (
              <tr key={`${address} ${port}`}>
                <td class="grow">
                  <HostLink address={address} name={names[address] ?? ""} />
                </td>
                <td class="num mono">{port}</td>
                <td class="dim">{service ? protocolLabel(service) : serviceOfPort(port)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {open.length > rowsMax && (
        <p class="note">{formatCount(open.length - rowsMax)} more are in the flows.</p>
      )}
    </section>
  );
}

function counted(count: number, word: string): string {
  return `${formatCount(count)} ${word}${count === 1 ? "" : "s"}`;
}
