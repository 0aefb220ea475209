/** Build time only. */
export { Builder, type BuildOptions, type BuildResult } from "./builder.ts";
