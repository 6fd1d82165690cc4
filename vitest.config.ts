import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
          environment: 'node',
          pool: 'forks',
          maxWorkers: '100%',
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
