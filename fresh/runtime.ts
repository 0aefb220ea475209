/** What pages and islands import on both sides. */
export { HttpError } from "./error.ts";
export { asset, assetSrcSet } from "./assets.ts";
export { Head, type HeadProps, IS_BROWSER } from "./head.ts";
