// Which pile the page works on: a server's; the page without one (local.js) is built without this.

export { pile } from "./server.js";
