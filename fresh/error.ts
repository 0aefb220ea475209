/** The error that carries an HTTP status. */

/** Thrown by handlers and middlewares to answer with `status`; the nearest error route renders it. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;

  constructor(status: number, message = "", options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
