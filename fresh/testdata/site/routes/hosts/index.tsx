import { createDefine, page } from "fresh";

const define = createDefine<{ user?: string }>();
export const handler = define.handlers({
  GET: (ctx) => page({ query: ctx.url.searchParams.get("q") ?? "none" }),
});
export default define.page<typeof handler>(({ data }) => <h1>Hosts {data.query}</h1>);
