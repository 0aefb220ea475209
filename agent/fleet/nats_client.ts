/**
 * What is used of the NATS client, loaded with `import("./nats_client.ts")` by who connects: a package that is CommonJS has no names of its
 * own when it is loaded that way out of the executable's bundles.
 */
export {
  headers,
  NatsConnectionImpl,
  nkeyAuthenticator,
  setTransportFactory,
} from "@nats-io/nats-core/internal";
