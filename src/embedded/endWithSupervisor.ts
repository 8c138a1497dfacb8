/**
 * Loaded into each of our Node programs ahead of the program itself (`node --require`): when the supervisor is gone,
 * killed even, the channel to it breaks and the program ends as if asked to. Touches only node:process.
 */
const GRACE_MS = 15_000;

function endGracefully(): void {
  setTimeout(() => process.exit(1), GRACE_MS).unref();
  // Windows knows no SIGTERM; there the program's own handlers are called directly.
  if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM');
  else process.exit(0);
}

process.once('disconnect', endGracefully);
process.once('message', (message) => {
  if (message === 'stop') endGracefully();
});
// The channel alone must not keep a program alive that has nothing left to do.
process.channel?.unref();
