/** As nats_client.ts, for the hub. */
export { jetstream } from "@nats-io/jetstream";
