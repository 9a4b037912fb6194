// How Ory's clients tell that a call was refused.
import assert from "node:assert/strict";

/** Passes when the call was refused with this status. */
export function refused(status) {
  return (error) => {
    if (error.response?.status === status) return true;
    throw new Error(`expected ${status}, got ${error.response?.status}`, { cause: error });
  };
}

/** The flow that a submit answers with while something in it is missing or wrong. */
export async function unfinished(call) {
  const error = await call.then(
    () => assert.fail("the flow is finished"),
    (error) => error,
  );
  assert.equal(error.response?.status, 400, String(error));
  return error.response.data;
}
