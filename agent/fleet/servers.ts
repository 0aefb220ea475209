/** Addresses of NATS servers, as options and credentials name them. */

export const defaultPort = 4222;

export interface FleetServer {
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** "tls://": encrypted on loopback too. */
  readonly isTls: boolean;
}

/** Reads "nats://host:4222", "tls://host", "host". Throws RangeError with what is wrong. */
export function readServer(text: string): FleetServer {
  const [, scheme = "nats", rest = ""] = /^(?:([a-z]+):\/\/)?(.*)$/i.exec(text) ?? [];
  if (!/^(nats|tls)$/i.test(scheme)) {
    throw new RangeError("it begins with neither nats:// nor tls://");
  }
  // A scheme that no default port belongs to.
  const url = URL.parse(`tapwatch://${rest}`);
  if (url === null || url.hostname === "") throw new RangeError("it names no host");
  if (url.username !== "" || url.password !== "") {
    throw new RangeError("user and password belong into no address: credentials are a file");
  }
  if (!/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "") {
    throw new RangeError("nothing may stand behind the port");
  }
  return {
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? defaultPort : Number(url.port),
    isTls: /^tls$/i.test(scheme),
  };
}

/** "host:4222", "[::1]:4222". */
export function serverText({ hostname, port }: FleetServer): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** Only there may be spoken without TLS. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
