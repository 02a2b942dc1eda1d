// The page's data: deflated base64 in script elements that never run.

/** @typedef {Uint8Array|Uint16Array|Uint32Array|Float32Array} Numbers */

const TYPES = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };

/** @param {string} name @returns {HTMLElement|null} */
const element = (name) => document.getElementById(`data-${name}`);

/** @param {string} name */
export const has = (name) => element(name) !== null;

/** @param {string} base64 @returns {Uint8Array} */
function decoded(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const signs = atob(base64);
  const bytes = new Uint8Array(signs.length);
  for (let i = 0; i < signs.length; i++) bytes[i] = signs.charCodeAt(i);
  return bytes;
}

/** @param {string} name @returns {Promise<ArrayBuffer>} */
async function inflated(name) {
  const body = new Blob([decoded(element(name).textContent)]);
  return new Response(body.stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

/** @param {string} name @returns {Promise<Numbers|null>} null where the run has none */
export async function numbers(name) {
  if (!has(name)) return null;
  return new TYPES[element(name).dataset.kind](await inflated(name));
}

/** @param {string} name @returns {Promise<string>} */
export const text = async (name) => new TextDecoder().decode(await inflated(name));

/** @param {string} name @returns {Promise<any>} */
export const json = async (name) => JSON.parse(await text(name));

/** A data URI of the page. @param {string} name */
export const uri = (name) => element(name).textContent;

/** The number that stands for "none" in an array of whole numbers. @param {Numbers} values */
export const none = (values) => 2 ** (8 * values.BYTES_PER_ELEMENT) - 1;
