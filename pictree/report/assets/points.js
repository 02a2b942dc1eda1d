// All points of a map by WebGL 2, in one call.

const VERTEX = `#version 300 es
in vec2 before;
in vec2 after;
in vec4 colour;
uniform vec2 middle;
uniform vec2 zoom;
uniform float side;
uniform float share;
out vec4 shade;
void main() {
  gl_Position = vec4((mix(before, after, share) - middle) * zoom, 0.0, 1.0);
  gl_PointSize = side;
  shade = colour;
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 shade;
uniform highp float side;
out vec4 pixel;
void main() {
  float away = length(gl_PointCoord - 0.5) * 2.0;
  float edge = side < 3.0 ? 1.0 : 1.0 - smoothstep(1.0 - 2.0 / side, 1.0, away);
  float solid = shade.a * edge;
  pixel = vec4(shade.rgb * solid, solid);
}`;

/** Draw the points in a shuffled order, so that no group hides another and any first part of
 *  them is a fair sample. @param {number} n */
export function shuffled(n) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let seed = 1;
  for (let i = n - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((seed / 4294967296) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/**
 * The values in the order in which they are drawn: read one after the other they are at hand.
 * @template {Uint16Array|Uint32Array} T
 * @param {T} values @param {Uint32Array} order @param {number} each values of a point @returns {T}
 */
export function ordered(values, order, each) {
  const result = new values.constructor(values.length);
  for (let i = 0; i < order.length; i++) {
    for (let c = 0; c < each; c++) result[each * i + c] = values[each * order[i] + c];
  }
  return result;
}

/** Whether a processor plays the graphics card. @param {WebGL2RenderingContext} gl */
function isSoftware(gl) {
  const asked = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(asked ? asked.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

export class Points {
  /**
   * @param {HTMLCanvasElement} canvas @param {Uint32Array} order
   * @param {boolean} byCard refuse WebGL that a processor works out: writing pixels is faster
   */
  constructor(canvas, order, byCard = true) {
    const options = { antialias: false, failIfMajorPerformanceCaveat: byCard };
    const gl = canvas.getContext("webgl2", options);
    if (!gl || (byCard && isSoftware(gl))) throw new Error("no WebGL 2 by a graphics card");
    this.gl = gl;
    this.order = order;
    this.program = this.#program();
    this.buffers = { before: gl.createBuffer(), after: gl.createBuffer(), colour: gl.createBuffer() };
    this.at = Object.fromEntries(
      ["middle", "zoom", "side", "share"].map((n) => [n, gl.getUniformLocation(this.program, n)]),
    );
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  #program() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error("the shaders don't fit");
    gl.useProgram(program);
    return program;
  }

  #fill(name, data, size, type) {
    const { gl } = this;
    const at = gl.getAttribLocation(this.program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, type, true, 0, 0);
  }

  /** @param {Uint16Array} before @param {Uint16Array} after places between which they move */
  places(before, after) {
    this.#fill("before", ordered(before, this.order, 2), 2, this.gl.UNSIGNED_SHORT);
    this.#fill("after", ordered(after, this.order, 2), 2, this.gl.UNSIGNED_SHORT);
  }

  /** @param {Uint32Array} colours red in the lowest byte, then green, blue, opacity */
  colours(colours) {
    const shades = ordered(colours, this.order, 1);
    this.#fill("colour", new Uint8Array(shades.buffer), 4, this.gl.UNSIGNED_BYTE);
  }

  /** @param {import("./camera.js").Camera} camera @param {number} share way from before to after
   *  @param {number} side of a point in pixels @param {number} most points to draw */
  draw(camera, share, side, most) {
    const { gl, at } = this;
    const ratio = gl.canvas.width / camera.width;
    gl.viewport(0, 0, gl.canvas.width, gl.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(at.middle, camera.x, camera.y);
    gl.uniform2f(at.zoom, (2 * camera.scale) / camera.width, (2 * camera.scale) / camera.height);
    gl.uniform1f(at.side, side * ratio);
    gl.uniform1f(at.share, share);
    gl.drawArrays(gl.POINTS, 0, Math.min(most, this.order.length));
  }

  /** Wait until all is drawn. */
  finish() {
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
  }
}
