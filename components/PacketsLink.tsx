/** The packets of something as a pcap file, or in words why they are gone. */
import { Icon } from "./Icon.tsx";

/** What packetsShown() says of a time. */
export interface PacketsShown {
  /** Null when there are none to be had. */
  readonly href: string | null;
  /** What is missing, as sentences; "" when nothing is. */
  readonly note: string;
}

interface Props {
  readonly packets: PacketsShown;
  /** The main button of its page. */
  readonly isMain?: boolean;
  readonly label?: string;
}

export function PacketsLink({ packets, isMain = true, label = "Packets as pcap" }: Props) {
  const { href, note } = packets;
  return (
    <>
      {href !== null && (
        <a class={isMain ? "btn main" : "btn"} href={href} download>
          <Icon name="download" />
          {label}
        </a>
      )}
      {note !== "" && <p class="dim packets-note">{note}</p>}
    </>
  );
}
