/** Hosts of the database with their totals. */
import type { StoredHost } from "../agent/store/schema.ts";
import { HostName } from "../components/Address.tsx";
import { hostFields } from "../components/filter_fields.ts";
import { formatBytes, formatWhen } from "../components/format.ts";
import { ListPage } from "../components/ListPage.tsx";
import { pageNowUs } from "../components/verdict.ts";
import { hostFilter, listPage, shownSearch } from "./(_server)/lists.ts";
import { define } from "./(_server)/state.ts";
import SearchBox from "../islands/SearchBox.tsx";

export const handler = define.handlers({
  GET({ state, url }) {
    const { queries } = state.context;
    return listPage(() => queries.hosts(hostFilter(url.searchParams)));
  },
});

export default define.page<typeof handler>(function Hosts({ data, state, url }) {
  const { rows, nextCursor } = data.value;
  const clock = { nowUs: pageNowUs(state.message), zone: state.sensor.zone };
  const search = shownSearch("hosts", url);
  return (
    <ListPage
      url={url}
      search={search}
      box={<SearchBox list={search.list} text={search.text} />}
      fields={hostFields}
      error={data.error}
      nextCursor={nextCursor}
      isEmpty={rows.length === 0}
      empty="No host"
    >
      <table class="tbl cards duo">
        <thead>
          <tr>
            <th scope="col">Host</th>
            <th scope="col" class="num">In</th>
            <th scope="col" class="num">Out</th>
            <th scope="col">MAC</th>
            <th scope="col">Where</th>
            <th scope="col" class="num">First seen</th>
            <th scope="col" class="num">Last seen</th>
          </tr>
        </thead>
        <tbody>{rows.map((host) => <HostRow key={host.address} host={host} {...clock} />)}</tbody>
      </table>
    </ListPage>
  );
});

function HostRow({ host, nowUs, zone }: { host: StoredHost; nowUs: number; zone: string }) {
  return (
    <tr>
      <td class="grow">
        <a class="plain" href={`/flows?host=${encodeURIComponent(host.address)}`}>
          <HostName name={host.name} address={host.address} />
        </a>
      </td>
      <td class="num" data-l="in">{formatBytes(host.in_bytes)}</td>
      <td class="num" data-l="out">{formatBytes(host.out_bytes)}</td>
      <td class="mono dim opt">{host.mac}</td>
      <td class="opt">{host.is_local === 1 ? "local" : "outside"}</td>
      <td class="num dim opt">{formatWhen(host.first_seen_us, nowUs, zone)}</td>
      <td class="num dim opt">{formatWhen(host.last_seen_us, nowUs, zone)}</td>
    </tr>
  );
}
