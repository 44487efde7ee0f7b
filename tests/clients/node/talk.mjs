// How a script talks with the test that runs it: by lines of JSON. The first line it reads says which of its scenarios
// to play, and in which world; it may ask that a person visits an address; the last line it writes is the result.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value);
let visited;
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** Has the person of the test open an address; gives the parameters with which the browser comes back, if it does. */
export function visit(url) {
  say({ visit: url });
  visited = next();
  return visited;
}

/** Plays the scenario that the test asks for. */
export async function play(scenarios) {
  try {
    const { scenario, ...world } = await next();
    const done = await scenarios[scenario](world);
    // A library that looks by itself whether the person has finished does not wait for the test to say so.
    await visited;
    say({ done });
  } catch (error) {
    const { name, message, code, errorCode, errorNo, subError, error: told, stack } = error;
    say({ failed: { name, message, code, errorCode, errorNo, subError, told, stack, cause: String(error.cause ?? "") } });
  }
  process.exit();
}
