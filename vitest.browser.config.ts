import { defineConfig } from 'vitest/config'

/** What only a real browser can show. One file after the other: pages share the machine's two cores. */
export default defineConfig({
  test: { include: ['test/browser/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false },
})
