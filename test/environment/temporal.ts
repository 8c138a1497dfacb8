/** The Temporal server of this test run. */

export interface TestTemporal {
  /** host:port */
  readonly address: string;
  readonly namespace: string;
  /** Base URL of the Web UI. */
  readonly ui: string;
}

/** Throws, so that the test is red and not skipped, when there is no Temporal. */
export function testTemporal(): TestTemporal {
  const address = process.env['TEST_TEMPORAL_ADDRESS'];
  const ui = process.env['TEST_TEMPORAL_UI'];
  if (address !== undefined && ui !== undefined) return { address, namespace: 'default', ui };
  const reason = process.env['TEST_TEMPORAL_ERROR'];
  throw new Error(
    `This test needs a Temporal server, which \`npm test\` provides. ${reason ?? 'Run: npm test -- <path of the test>'}`,
  );
}
