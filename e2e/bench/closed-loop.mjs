// Some callers that each begin again when they are done.

/** Rate and latencies of `callers` that repeat `work` for `seconds`; each passes its number. */
export async function closedLoop(work, { seconds, callers }) {
  const latencies = [];
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const caller = async (_, number) => {
    while (performance.now() < end) {
      const start = performance.now();
      await work(number);
      latencies.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const elapsed = (performance.now() - begin) / 1000;
  latencies.sort((left, right) => left - right);
  const at = (share) => Number(latencies[Math.floor(share * (latencies.length - 1))].toFixed(1));
  return { rate: Number((latencies.length / elapsed).toFixed(1)), p50: at(0.5), p99: at(0.99) };
}
