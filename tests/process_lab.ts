/**
 * Two network namespaces with one cable. tapwatch and the processes that it is to name are on the sensor's side; on the other a
 * server that answers slowly.
 *
 *     sensor  tw0 10.94.0.1 ---- tw0 10.94.0.2  peer: HTTP on port 80, which takes two seconds for its answers
 */
import { Lab } from "./lab.ts";

export const sensorAddress = "10.94.0.1";
export const peerAddress = "10.94.0.2";

export class ProcessLab extends Lab {
  static create(): Promise<ProcessLab> {
    return Lab.ready(new ProcessLab("p"), async (lab) => {
      await lab.addHost("sensor");
      await lab.addHost("peer");
      await lab.cable(["sensor", "tw0"], ["peer", "tw0"]);
      await lab.setUp("sensor", "tw0", `${sensorAddress}/24`);
      await lab.setUp("peer", "tw0", `${peerAddress}/24`);
      await lab.serve("peer", slowServer);
    });
  }
}

const slowServer = `
  Deno.serve({ port: 80, onListen: () => console.log("ready") }, async ({ url }) => {
    if (!url.endsWith("/now")) await new Promise((resolve) => setTimeout(resolve, 2000));
    return new Response("hello");
  });
`;
