import { defineConfig } from 'vitest/config'

/** What only a real browser can show. Two files side by side: most of their time, a page waits for a block or an answer. */
export default defineConfig({
  test: { include: ['test/browser/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000, maxWorkers: 2 },
})
