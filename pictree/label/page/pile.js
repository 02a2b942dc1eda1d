// Which pile the page works on: a server's here; a page without one brings another.

export { pile, Refused } from "./server.js";
