// The pile behind the page: the server on this machine.

import { Refused } from "./refused.js";

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new Refused("The server does not answer. Run pictree label again: nothing is lost.");
  }
  if (answer.status === 204) return null;
  if (answer.status === 403) {
    throw new Refused("The server was started anew. Open the address that it printed.");
  }
  const type = answer.headers.get("content-type") ?? "";
  const found = type.startsWith("application/json") ? await answer.json() : {};
  if (!answer.ok) throw new Refused(found.error ?? `The server says ${answer.status}.`, found.state);
  return found;
}

function post(path, revision, body) {
  return ask(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ revision, ...body }),
  });
}

const COLUMNS = 12, ON_SHEET = 144;

export const pile = {
  hasCodes: true,
  state: (since) => ask(since === undefined ? "api/state" : `api/state?since=${since}`),
  members: (key) => ask(`api/group/${key}`),
  act: (revision, kind, body) => post("api/act", revision, { kind, body }),
  apart: (revision, group, how) => post("api/apart", revision, { group, how }),
  again: (revision) => post("api/again", revision, {}),
  spread: (revision) => post("api/spread", revision, {}),
  draw: async (revision, group, ids) => (await post("api/draw", revision, { group, ids })).seen,
  about: (id) => ask(`api/image/${id}`),
  large: (id) => `image/${id}`,
  // Where the thumbnail at a place of a list of ids is: a sheet, its column, row and size in tiles.
  thumbnail(ids, place) {
    const first = place - (place % ON_SHEET);
    const part = ids.slice(first, first + ON_SHEET), at = place - first;
    return {
      url: `sheet?ids=${part.join(",")}`,
      column: at % COLUMNS,
      row: Math.floor(at / COLUMNS),
      columns: COLUMNS,
      rows: Math.ceil(part.length / COLUMNS),
    };
  },
};
