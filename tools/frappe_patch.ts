/**
 * esbuild plugin: frappe-charts 1.6.2 writes style attributes, which a strict Content-Security-Policy refuses; the
 * same text set through the CSSOM is allowed.
 */
import type { Plugin } from "esbuild";

export const frappeWithoutStyleAttributes: Plugin = {
  name: "frappe-without-style-attributes",
  setup(build) {
    build.onLoad({ filter: /frappe-charts\.esm\.js$/ }, async ({ path }) => {
      const source = await Deno.readTextFile(path);
      return { contents: patchFrappe(source) };
    });
  },
};

/** The library with `style` set through the CSSOM in createSVG(); throws where its text is not the known one. */
export function patchFrappe(source: string): string {
  const setter = "element.setAttribute(i, val);";
  const start = source.indexOf("function createSVG(");
  const at = source.indexOf(setter, start);
  const end = source.indexOf("\n}", start);
  if (start < 0 || at < 0 || at > end) {
    throw new Error(
      "Cannot patch frappe-charts: createSVG() does not look as in 1.6.2",
    );
  }
  const patched = `if (i === "style") element.style.cssText = val; else ${setter}`;
  return source.slice(0, at) + patched + source.slice(at + setter.length);
}
