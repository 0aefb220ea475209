/** Hosts and addresses as tables show them. They come from the network: text, never markup. */
import { splitAddress } from "./format.ts";

/** An address that gives way in its middle; the whole one is in the title. */
export function Address({ address }: { address: string }) {
  const parts = splitAddress(address);
  if (!parts) return <span class="addr" title={address}>{address}</span>;
  return (
    <span class="addr-l" title={address}>
      <span>{parts[0]}</span>
      <span>{parts[1]}</span>
    </span>
  );
}

/** The page of the host with this address (or MAC address, or number). */
export function hostPath(address: string | number): string {
  return `/hosts/${encodeURIComponent(address)}`;
}

/** A host's name and address, leading to its page; "link" is all traffic. */
export function HostLink({ address, name = "" }: { address: string; name?: string }) {
  if (address === "link") return <b>All traffic of the link</b>;
  return (
    <a class="plain" href={hostPath(address)} title={name === "" ? undefined : address}>
      {name !== "" && <b class="clip">{name}</b>} <span class="mono dim">{address}</span>
    </a>
  );
}

/** Name first with the address small beside it, or the address alone. */
export function HostName({ name, address }: { name: string; address: string }) {
  if (name === "") return <Address address={address} />;
  return (
    <>
      {name}
      <span class="sub mono">{address}</span>
    </>
  );
}
