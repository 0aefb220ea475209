/** Ends a port to a thread that another one replaces: what has come from it and was not read yet is not heard any more. */
export function leavePort(port: MessagePort | null | undefined): void {
  if (!port) return;
  // A message that is on its way to its handler is not kept back by close().
  port.onmessage = null;
  port.close();
}
