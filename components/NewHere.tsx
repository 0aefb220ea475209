/** What has been seen for the first time: devices, services, peers. */
import { formatCount, formatWhen } from "./format.ts";

export interface NewItem {
  readonly id: number;
  readonly tsUs: number;
  readonly what: string;
  /** Host, service or peer. */
  readonly who: string;
  readonly address: string;
  readonly href: string;
}
interface Props {
  readonly count: number;
  /** The whole list. */
  readonly href: string;
  /** That everything would still be new; "" once the network is known. */
  readonly learning: string;
  readonly items: readonly NewItem[];
  readonly when: string;
  readonly nowUs: number;
  readonly zone: string;
}

export function NewHere({ count, href, learning, items, when, nowUs, zone }: Props) {
  return (
    <section class="panel c4 lone">
      <header>
        <h2>New here</h2>
        <p>{when}</p>
        <a class="end" href={href} aria-current="false">
          What is new{count > items.length && ` (${formatCount(count)})`}
        </a>
      </header>
      {items.length === 0
        ? (
          <p class="body dim">
            {learning || "No device, server port or peer was seen for the first time."}
          </p>
        )
        : (
          <ul class="news">
            {items.map(({ id, tsUs, what, who, address, href }) => (
              <li key={id}>
                <a class="plain" href={href}>
                  <span>{what}</span>
                  <time>{formatWhen(tsUs, nowUs, zone)}</time>
                  <span class="dim">
                    {who !== address && who} <span class="mono">{address}</span>
                  </span>
                </a>
              </li>
            ))}
          </ul>
        )}
    </section>
  );
}
