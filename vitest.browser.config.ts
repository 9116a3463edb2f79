import { defineConfig } from 'vitest/config'

/** What only a real browser can show. Three files side by side: most of their time, a page waits for a block or an answer. */
export default defineConfig({
  // Bounds for what hangs, not for what is slow: the longest story takes half a minute alone, and shares two cores with all else.
  test: {
    include: ['test/browser/**/*.test.ts'],
    maxWorkers: 3,
    isolate: false,
    // As vitest.config.ts has it.
    execArgv: ['--interrupt-budget=600000'],
    setupFiles: ['test/setup.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
})
