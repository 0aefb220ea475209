import type { Context } from "fresh";

export default async function addHeader(
  ctx: Context<unknown>,
): Promise<Response> {
  const response = await ctx.next();
  response.headers.set("x-middleware", "yes");
  return response;
}
