/** The document around every page. */
import { asset } from "fresh/runtime";
import { pageTitle } from "../components/Frame.tsx";
import { define } from "./(_server)/state.ts";

export default define.page(function App({ Component, state, url }) {
  const theme = state.theme === "system" ? undefined : state.theme;
  const isLogin = url.pathname === "/login";
  const title = isLogin ? "Log in" : state.title ?? pageTitle(url.pathname);
  return (
    <html lang="en" data-theme={theme}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1,viewport-fit=cover" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · tapwatch`}</title>
        <link rel="icon" href={asset("/icon.svg")} type="image/svg+xml" />
        <link rel="stylesheet" href={asset("/tokens.css")} />
        <link rel="stylesheet" href={asset("/app.css")} />
      </head>
      <body class={isLogin ? "login" : undefined}>
        <Component />
      </body>
    </html>
  );
});
