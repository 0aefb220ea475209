export const handlers = {
  GET: () => Response.json({ fine: true }),
};
