/** What was met for the first time, newest first; cards on a phone. */
import type { FirstContact } from "../agent/store/device_queries.ts";
import { HostLink, hostPath } from "./Address.tsx";
import { Moment } from "./Moment.tsx";
import { contactText } from "./host_text.ts";
import { PlaceMark } from "./Place.tsx";

interface Props {
  readonly contacts: readonly FirstContact[];
  readonly nowUs: number;
  readonly zone: string;
}

export const contactKinds: Readonly<Record<FirstContact["kind"], string>> = {
  device: "Device",
  service: "Server port",
  peer: "Peer",
  country: "Country",
};

export function FirstContactTable({ contacts, nowUs, zone }: Props) {
  return (
    <table class="tbl cards episodes">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">New</th>
          <th scope="col">What happened</th>
          <th scope="col">With</th>
        </tr>
      </thead>
      <tbody>
        {contacts.map((contact) => (
          <tr key={contact.id}>
            <td class="dim time">
              <Moment tsUs={contact.ts_us} nowUs={nowUs} zone={zone} />
            </td>
            <td class="level">{contactKinds[contact.kind]}</td>
            <td class="grow w2" title={contactText(contact)}>
              <a class="plain" href={hostPath(contact.mac || contact.address)}>
                {contactText(contact)}
              </a>
            </td>
            <td class="over">
              {contact.peer !== "" && <HostLink address={contact.peer} name={contact.name} />}{" "}
              <PlaceMark address={contact.peer} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
