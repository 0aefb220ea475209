/** The configuration of the NATS server: who may do what, by name. Wildcards of NATS stand for whole words, so each is written out. */
import {
  AGENT_TOPICS,
  agentSubject,
  commitSubject,
  controlSubjects,
  HEARTBEAT_SUBJECTS,
  HUB_NAME,
  STREAMS,
} from "./streams.ts";

export interface EngineSettings {
  readonly port: number;
  /** Whole paths. */
  readonly storeFolder: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly storeGb: number;
}

/** `nats-server.conf`; permissions are a file of their own, which enrolment writes anew. */
export function serverConfig(settings: EngineSettings): string {
  const { port, storeFolder, certificateFile, keyFile, storeGb } = settings;
  return `# Written by tapwatch fleet init. Start: nats-server -c THIS FILE
# With NATS 2.12 or newer, add "sync_interval: always" to jetstream: what it has acknowledged then survives a loss of power.
port: ${port}
max_payload: 1MB
jetstream {
  store_dir: ${quoted(storeFolder)}
  max_memory_store: 16MB
  max_file_store: ${storeGb}GB
}
tls {
  cert_file: ${quoted(certificateFile)}
  key_file: ${quoted(keyFile)}
  timeout: 30
}
include ${quoted("permissions.conf")}
`;
}

export interface FleetKeys {
  /** Public nkeys. */
  readonly admin: string;
  readonly hub: string;
}

export interface EnrolledAgent {
  readonly id: string;
  readonly name: string;
  /** Public nkey. */
  readonly key: string;
  readonly enrolledUs: number;
  /** Null while it may connect. */
  readonly revokedUs: number | null;
}

/** `permissions.conf`: all who may connect. */
export function permissionsConfig(keys: FleetKeys, agents: readonly EnrolledAgent[]): string {
  const users = [
    user("streams and consumers, by hand", keys.admin, adminRights()),
    user("hub", keys.hub, hubRights()),
    ...agents.filter(({ revokedUs }) => revokedUs === null)
      .map(({ id, name, key }) => user(`agent ${name}`, key, agentRights(id))),
  ];
  return `# Written by tapwatch fleet: changes made here are lost. Have the server read it again: nats-server --signal reload
authorization {
  timeout: 30
  users = [
${users.join("\n")}
  ]
}
`;
}

interface Rights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

function agentRights(id: string): Rights {
  return {
    publish: AGENT_TOPICS.map((topic) => agentSubject(topic, id)),
    subscribe: [`_INBOX.${id}.>`, controlSubjects(id)],
  };
}

function hubRights(): Rights {
  return {
    publish: [
      commitSubject("*"),
      "$JS.API.INFO",
      ...streamNames.flatMap((stream) => [
        `$JS.API.STREAM.INFO.${stream}`,
        `$JS.API.CONSUMER.INFO.${stream}.${HUB_NAME}`,
        `$JS.API.CONSUMER.MSG.NEXT.${stream}.${HUB_NAME}`,
        `$JS.ACK.${stream}.${HUB_NAME}.>`,
      ]),
    ],
    subscribe: ["_INBOX.hub.>", HEARTBEAT_SUBJECTS],
  };
}

function adminRights(): Rights {
  return {
    publish: streamNames.flatMap((stream) => [
      ...["CREATE", "UPDATE", "INFO"].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
      `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.${HUB_NAME}`,
      `$JS.API.CONSUMER.INFO.${stream}.${HUB_NAME}`,
    ]),
    subscribe: ["_INBOX.admin.>"],
  };
}

const streamNames = Object.values(STREAMS).map(({ name }) => name);

function user(comment: string, key: string, { publish, subscribe }: Rights): string {
  return `    # ${comment}
    { nkey: ${key}, permissions: {
      publish: { allow: [${publish.map(quoted).join(", ")}] }
      subscribe: { allow: [${subscribe.map(quoted).join(", ")}] }
    } }`;
}

const quoted = (text: string): string => JSON.stringify(text);
