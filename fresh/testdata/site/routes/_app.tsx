import { asset } from "fresh/runtime";
import type { PageProps } from "fresh";

export default function App({ Component }: PageProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>Site</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href={asset("/site.css")} />
      </head>
      <body>
        <nav>
          <a href="/">Home</a>
          <a href="/hosts">Hosts</a>
        </nav>
        <Component />
      </body>
    </html>
  );
}
