/** The hosts with the most bytes. Numbers change each second, the order of the rows at most every five. */
import { useRef } from "preact/hooks";
import type { HostTotals } from "../agent/records.ts";
import { HostName, hostPath } from "../components/Address.tsx";
import { formatBytes, formatCount } from "../components/format.ts";
import { latest } from "../components/live.ts";
import type { LiveMessage } from "../components/live_message.ts";

const rowsMax = 8;
const reorderUs = 5e6;

export default function BusiestHosts({ initial }: { initial: LiveMessage }) {
  const message = latest.value ?? initial;
  const order = useRef({ addresses: [] as readonly string[], atUs: 0 });
  const hosts = message.snapshot?.topTalkers ?? [];
  if (message.nowUs - order.current.atUs >= reorderUs) {
    order.current = { addresses: hosts.map(({ address }) => address), atUs: message.nowUs };
  }
  const rows = inOrder(hosts, order.current.addresses).slice(0, rowsMax);
  const hostCount = message.snapshot?.hostsTotal ?? 0;
  const most = Math.max(1, ...rows.map((host) => host.inBytes + host.outBytes));
  return (
    <section class="panel c7">
      <header>
        <h2>Busiest hosts</h2>
        <p>bytes of the last minutes</p>
        <a class="end" href="/hosts">
          All {hostCount > 1 && formatCount(hostCount)} hosts
        </a>
      </header>
      {rows.length === 0 ? <p class="body dim">No host yet.</p> : (
        <div class="scroll">
          <table class="tbl cards duo">
            <thead>
              <tr>
                <th scope="col">Host</th>
                <th scope="col" class="num">In</th>
                <th scope="col" class="num">Out</th>
                <th scope="col">In and out</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((host) => <HostRow key={host.address} host={host} most={most} />)}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** The bar is measured against the busiest host's, `most` bytes. */
function HostRow({ host, most }: { host: HostTotals; most: number }) {
  const share = (bytes: number) => 100 * bytes / most;
  return (
    <tr>
      <td class="grow" title={host.name || host.address}>
        <a class="plain" href={hostPath(host.address)} aria-current="false">
          <HostName name={host.name} address={host.address} />
        </a>
      </td>
      <td class="num" data-l="in">{formatBytes(host.inBytes)}</td>
      <td class="num" data-l="out">{formatBytes(host.outBytes)}</td>
      <td class="bar-c opt">
        <svg class="bar" aria-hidden="true">
          <rect class="tr" width="100%" height="100%" />
          <rect class="fi" x="0" width={`${share(host.inBytes).toFixed(2)}%`} height="100%" />
          <rect
            class="fo"
            x={`${share(host.inBytes).toFixed(2)}%`}
            width={`${share(host.outBytes).toFixed(2)}%`}
            height="100%"
          />
        </svg>
      </td>
    </tr>
  );
}

function inOrder(hosts: readonly HostTotals[], addresses: readonly string[]): HostTotals[] {
  const rank = new Map(addresses.map((address, index) => [address, index]));
  const last = addresses.length;
  return [...hosts].sort((a, b) => (rank.get(a.address) ?? last) - (rank.get(b.address) ?? last));
}
