import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { until } from '../../test/environment/until';
import { openClient } from './client';

const ATTEMPTS = 7;
/** gRPC's own pauses would make these attempts in 25 s. */
const WITHIN_MS = 9_000;
const LONGEST_PAUSE_MS = 1_500;

test('while Temporal is away it is tried again each second, however long it stays away', async () => {
  const attempted: number[] = [];
  const door = net.createServer((socket) => {
    attempted.push(performance.now());
    socket.destroy();
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const client = openClient({ address: `127.0.0.1:${(door.address() as AddressInfo).port}` }, 'any');
  let asking = true;
  const asked = (async () => {
    while (asking) {
      const answer = client.withDeadline(Date.now() + 500, () =>
        client.connection.workflowService.getSystemInfo({}),
      );
      await expect(answer).rejects.toThrow();
    }
  })();
  try {
    await until('it was tried often enough', () => Promise.resolve(attempted.length >= ATTEMPTS), WITHIN_MS);
    const pauses = attempted.slice(1).map((at, i) => at - (attempted[i] ?? at));
    expect(Math.max(...pauses)).toBeLessThan(LONGEST_PAUSE_MS);
  } finally {
    asking = false;
    await asked;
    await client.connection.close();
    door.close();
  }
}, 20_000);
