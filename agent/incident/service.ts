/** Services as findings list them: "10.0.0.2:22", "[2001:db8::2]:22". */

export function hostOf(service: string): string {
  return service.slice(0, service.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

export function portOf(service: string): string {
  return service.slice(service.lastIndexOf(":") + 1);
}
