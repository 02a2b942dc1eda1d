// What the pile says no to; it may bring the state as it is now.

export class Refused extends Error {
  constructor(message, state) {
    super(message);
    this.state = state;
  }
}
